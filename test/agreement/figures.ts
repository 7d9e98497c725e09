import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { evaluateBundle } from '../../src/admission/bundle.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { RULES } from '../../src/rules/index.ts';
import { bundleWorld, parseManifests } from '../../src/world/manifests.ts';
import type { RolloutsVersions } from '../../src/world/rollouts-versions.ts';
import { sourceOf } from '../control-plane/build.ts';
import { rolloutsRelease, ROLLOUTS_VERSIONS, type RolloutsVersion } from '../control-plane/versions.ts';
import { cases } from './cases.ts';
import { Oracle } from './oracle.ts';
import { ours, releasesOf } from './verdict.ts';

/** The findings of the lint of one release and of Rollgate in one set of bundles. */
export interface Figures {
  readonly of: string;
  /** The release of Argo Rollouts, of which Rollgate knows. */
  readonly release: string;
  readonly bundles: number;
  /** Bundles that the API server or the controller rejects, not counting missing references. */
  readonly invalid: number;
  readonly foundByLint: number;
  readonly foundByRollgate: number;
  /** Bundles that lint reports although upstream runs them, mostly for unknown fields, which only lint rejects. */
  readonly onlyLint: number;
  /** Bundles that Rollgate denies although upstream accepts them. */
  readonly onlyRollgate: number;
}

const ROOT = join(import.meta.dirname, '..', '..');
const GENERATED = 2_000;

interface Subject {
  readonly objects: readonly unknown[];
  readonly denied: boolean;
}

interface Upstream {
  readonly release: string;
  readonly oracle: Oracle;
  readonly lint: Oracle;
}

async function measure(of: string, subjects: readonly Subject[], upstream: Upstream): Promise<Figures> {
  const { release, oracle, lint } = upstream;
  const figures = {
    of,
    release,
    bundles: subjects.length,
    invalid: 0,
    foundByLint: 0,
    foundByRollgate: 0,
    onlyLint: 0,
    onlyRollgate: 0,
  };
  for (const { objects, denied } of subjects) {
    const refused = (await oracle.refusals(objects)).some(({ missing }) => !missing);
    const complains = (await lint.lint(objects)) !== '';
    if (refused) figures.invalid++;
    if (refused && complains) figures.foundByLint++;
    if (refused && denied) figures.foundByRollgate++;
    if (!refused && complains) figures.onlyLint++;
    if (!refused && denied) figures.onlyRollgate++;
  }
  return figures;
}

// A bundle is all manifests of one folder, or each file by itself.
function folders(versions: RolloutsVersions, root: string, pattern: string, together: boolean): Subject[] {
  const files = globSync(pattern, { cwd: root }).sort();
  const groups = Map.groupBy(files, (file) => (together ? dirname(file) : file));
  return [...groups.values()].flatMap((members): Subject[] => {
    const manifests = parseManifests(
      members.map((file) => readFileSync(join(root, file), 'utf8')).join('\n---\n'),
      members[0] ?? '',
    );
    if (
      !manifests.objects.some(({ object }) => object.apiVersion.startsWith('argoproj.io/') && object.kind === 'Rollout')
    )
      return [];
    const { report } = evaluateBundle(manifests, {
      base: bundleWorld([], { versions: () => versions }),
      rules: RULES,
      policy: DEFAULT_POLICY,
      requireReferences: false,
    });
    return [{ objects: manifests.objects.map(({ object }) => object), denied: report.verdict === 'deny' }];
  });
}

async function setsFor(version: RolloutsVersion, elsewhere: string | undefined): Promise<[string, Subject[]][]> {
  const versions = releasesOf(version);
  const upstream = await sourceOf('github.com/argoproj/argo-rollouts', version);
  return [
    [
      `${GENERATED} generated cases`,
      fc
        .sample(cases(), { numRuns: GENERATED, seed: 1 })
        .map(({ objects }) => ({ objects, denied: ours(objects, versions).denials.length > 0 })),
    ],
    [
      'examples/, each set-up',
      globSync('**/expected.json', { cwd: join(ROOT, 'examples') }).flatMap((file) =>
        folders(versions, join(ROOT, 'examples', dirname(file)), '*.yaml', true),
      ),
    ],
    [
      'examples/ and test/e2e/ of Argo Rollouts, each file',
      ['examples/**/*.yaml', 'test/e2e/**/*.yaml'].flatMap((pattern) => folders(versions, upstream, pattern, false)),
    ],
    ...(elsewhere === undefined
      ? []
      : [
          ['a corpus of manifests in public repositories', folders(versions, elsewhere, '**/*.yaml', true)] satisfies [
            string,
            Subject[],
          ],
        ]),
  ];
}

if (import.meta.main) {
  const [elsewhere] = process.argv.slice(2);
  const figures: Figures[] = [];
  for (const version of ROLLOUTS_VERSIONS) {
    const upstream = {
      release: rolloutsRelease(version),
      oracle: await Oracle.start(version),
      lint: await Oracle.start(version, { lint: true }),
    };
    for (const [of, subjects] of await setsFor(version, elsewhere)) figures.push(await measure(of, subjects, upstream));
    await upstream.oracle.close();
    await upstream.lint.close();
  }
  writeFileSync(join(ROOT, 'docs', 'agreement.json'), `${JSON.stringify(figures, null, 2)}\n`);
  console.table(figures);
}

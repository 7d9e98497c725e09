import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateBundle } from '../../src/admission/bundle.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { RULES } from '../../src/rules/index.ts';
import { bundleWorld, parseManifests } from '../../src/world/manifests.ts';
import { SUPPORTED_VERSIONS, type RolloutsVersions } from '../../src/world/rollouts-versions.ts';
import { sourceOf } from '../control-plane/build.ts';
import { ROLLOUTS_VERSIONS } from '../control-plane/versions.ts';
import { EXPLAINED_MANIFESTS, OURS_ALONE } from './manifests.ts';
import { Oracle } from './oracle.ts';
import { releasesOf } from './verdict.ts';

describe.each(ROLLOUTS_VERSIONS)('the manifests under docs, examples and test/e2e of Argo Rollouts %s', (version) => {
  let oracle: Oracle;
  let root: string;

  beforeAll(async () => {
    root = await sourceOf('github.com/argoproj/argo-rollouts', version);
    oracle = await Oracle.start(version);
  });

  afterAll(() => oracle.close());

  it('are denied as they are only if docs/agreement.md says why', async () => {
    const denied: { file: string; rules: string[] }[] = [];
    const files = globSync(['docs/**/*.yaml', 'examples/**/*.yaml', 'test/e2e/**/*.yaml'], { cwd: root }).sort();
    expect(files.length).toBeGreaterThan(100);
    for (const file of files) {
      const manifests = parseManifests(readFileSync(join(root, file), 'utf8'), file);
      const deniedFor = (versions: RolloutsVersions): Set<string> => {
        const { report } = evaluateBundle(manifests, {
          base: bundleWorld([], { versions: () => versions }),
          rules: RULES,
          policy: DEFAULT_POLICY,
          requireReferences: false,
        });
        return new Set(report.findings.filter(({ decision }) => decision === 'deny').map(({ rule }) => rule));
      };
      const rules = deniedFor(releasesOf(version));
      // None of them is about what the versions judge in different ways.
      expect(deniedFor(SUPPORTED_VERSIONS), `${file}: denied if the version is unknown`).toEqual(rules);
      const refused = (await oracle.refusals(manifests.objects.map(({ object }) => object))).some(
        ({ missing }) => !missing,
      );
      if (rules.size > 0) denied.push({ file, rules: [...rules].sort() });
      expect(
        rules.size > 0 && ![...rules].every((rule) => OURS_ALONE.has(rule)),
        `${file}: denied by upstream and by Rollgate alike`,
      ).toBe(refused);
    }
    expect(denied).toEqual(EXPLAINED_MANIFESTS.map(({ file, rules }) => ({ file, rules })));
  });
});

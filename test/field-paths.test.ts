import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { RULES } from '../src/rules/index.ts';
import type { KindId } from '../src/world/object.ts';
import { BY_FIELD_REF, partsOf, type Places } from '../src/world/place.ts';
import { REFERENCE_PLACES } from '../src/world/reference-places.ts';
import { FieldPaths, render, type LiteralPath } from './support/field-paths.ts';

const ROOT = join(import.meta.dirname, '..');
const FOLDERS = ['src/rules', 'src/world', 'src/preserve', 'src/migration'];

// What the code reads and no schema has: each is used, the test sees to it.
const EXCEPTIONS: readonly (readonly [file: string, path: string | RegExp, why: string])[] = [
  ['src/migration/apply-diff.ts', /^(fieldsV1\.)?f:/, 'managedFields write fields as f:name'],
  [
    'src/migration/conversion-policy.ts',
    /^(matchConstraints|validations)$/,
    'ValidatingAdmissionPolicy, without a schema',
  ],
  ['src/migration/count.ts', /^f:/, 'managedFields write fields as f:name'],
  ['src/preserve/source.ts', /^f:/, 'managedFields write fields as f:name'],
  ['src/rules/analysis-provider/job.ts', 'spec.template.spec', 'of the Job in a metric, which is free of form'],
  ['src/preserve/workload-replicas.ts', /^f:/, 'managedFields write fields as f:name'],
  ['src/migration/state.ts', 'rollouts-pod-template-hash', 'a label'],
  ['src/preserve/route-weights.ts', /^(inProgressLabel(Key|Value)|disableInProgressLabel)$/, 'plugin configuration'],
  [
    'src/world/field-tree.ts',
    /^(spec\.(group|names|versions)|schema$|schema\.|served$|x-kubernetes-(preserve|embedded)|properties$|additionalProperties$)/,
    'CustomResourceDefinition, without a compiled schema',
  ],
  ['src/world/plugins.ts', 'location', 'in the text of a ConfigMap'],
  ['src/world/writers.ts', /^f:/, 'managedFields write fields as f:name'],
  ['src/world/references.ts', /^app\.kubernetes\.io\//, 'labels'],
  ['src/world/network-references.ts', /backend\.serviceName$/, 'extensions/v1beta1, without a compiled schema'],
  ['src/world/ingress.ts', /backend\.service(Name|Port)$/, 'extensions/v1beta1, without a compiled schema'],
];

// A source that is not on disk, in the folder of a rule that reads Rollouts, Services and workloads.
const PROBE = 'src/rules/service-selector/probe.ts';
const PROBES: readonly (readonly [source: string, missing: string | undefined])[] = [
  ["dig(rollout, 'spec', 'strategy', 'canary', 'stableService')", undefined],
  ["dig(rollout, 'spec', 'stratgey', 'canary')", 'spec.stratgey'],
  ["dig(rollout, 'spec', 'strategy', 'canary', 'stableServce')", 'spec.strategy.canary.stableServce'],
  ["dig(part, 'canary', 'stableServce')", 'canary.stableServce'],
  ["dig(part, 'trafficRouting', 'stableService')", 'trafficRouting.stableService'],
  ["part['stableServce']", 'stableServce'],
  ["at(['spec', 'strategy', 'canary', 'steps', 0, 'setWeigth'])", 'spec.strategy.canary.steps.*.setWeigth'],
  ["at([...CANARY, 'canaryServce'])", 'spec.strategy.canary.canaryServce'],
  ["at([...path, 'template', 'metadata', 'lables'])", 'template.metadata.lables'],
  ["at([...path, 'metadata', 'labels', 'whatever'])", undefined],
  ["at(['spec', 'http'])", 'spec.http'],
];

let sources: FieldPaths;
beforeAll(() => {
  const probe = [
    "import type { KubeObject } from '../../world/object.ts';",
    "import type { Path } from '../../world/path.ts';",
    "import { dig, type JsonObject } from '../../world/read.ts';",
    "const CANARY: Path = ['spec', 'strategy', 'canary'];",
    'declare function at(path: Path): void;',
    'export const probes = (rollout: KubeObject, part: JsonObject, path: Path): unknown[] => [',
    ...PROBES.map(([source]) => `${source},`),
    '];',
  ].join('\n');
  sources = new FieldPaths(ROOT, FOLDERS, new Map([[PROBE, probe]]));
});

// A rule is held to the kinds that it reads; what is shared, to all of them.
function missing(path: LiteralPath): string | undefined {
  const id = /^src\/rules\/([^/]+)\//.exec(path.file)?.[1];
  const rule = RULES.find((each) => each.id === id);
  return sources.missing(path, rule === undefined ? sources.kinds : [...rule.subject, ...rule.reads]);
}

const matches = (text: string, pattern: string | RegExp): boolean =>
  typeof pattern === 'string' ? text === pattern : pattern.test(text);

describe('the literal field paths of the sources', () => {
  it('exist in the schemas of the kinds that are read', { timeout: 300_000 }, () => {
    const paths = sources.paths().filter(({ file }) => file !== PROBE);
    const used = new Set<unknown>();
    const found = paths.flatMap((path) => {
      const gone = missing(path);
      if (gone === undefined) return [];
      const exception = EXCEPTIONS.find(
        ([file, pattern]) => file === path.file && matches(render(path.parts), pattern),
      );
      if (exception === undefined) return [`${path.at}: no kind that is read here has ${gone}`];
      used.add(exception);
      return [];
    });
    expect(found).toEqual([]);
    expect(EXCEPTIONS.filter((exception) => !used.has(exception))).toEqual([]);
    expect(paths.length).toBeGreaterThan(900);
    expect(paths.filter(({ rooted }) => rooted).length).toBeGreaterThan(300);
  });

  it('are found where they are misspelt, and only there', { timeout: 300_000 }, () => {
    const paths = sources.paths().filter(({ at }) => at.startsWith(PROBE));
    expect(paths.slice(1).map((path) => missing(path))).toEqual(PROBES.map(([, expected]) => expected));
  });
});

describe('the places that rules declare', () => {
  // Places that the schema of a kind does not have.
  const absent = (places: Places): string[] =>
    (Object.entries(places) as [KindId, readonly string[]][]).flatMap(([kind, list]) =>
      list.flatMap((place) => {
        const parts = (place === BY_FIELD_REF ? [] : partsOf(place).keys).map((part) => (part === '*' ? part : [part]));
        const gone = sources.missing({ at: '', file: '', rooted: true, parts }, [kind]);
        return gone === undefined ? [] : [`${kind} has no ${gone}`];
      }),
    );

  it('exist in the schemas of their kinds', { timeout: 300_000 }, () => {
    const found = [
      ...RULES.flatMap(({ id, places }) =>
        [...absent(places.subject), ...absent(places.reads)].map((text) => `${id}: ${text}`),
      ),
      ...absent(REFERENCE_PLACES).map((text) => `REFERENCE_PLACES: ${text}`),
    ];
    expect(found).toEqual([]);
  });

  it('are found if they are misspelt', { timeout: 300_000 }, () => {
    expect(absent({ 'Rollout.argoproj.io': ['spec.stratgey', 'spec.strategy.canary.steps[*].setWeigth'] })).toEqual([
      'Rollout.argoproj.io has no spec.stratgey',
      'Rollout.argoproj.io has no spec.strategy.canary.steps.*.setWeigth',
    ]);
  });
});

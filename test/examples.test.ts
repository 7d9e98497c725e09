import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import jsonpatch, { type Operation } from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import { evaluateBundle } from '../src/admission/bundle.ts';
import { DEFAULT_POLICY } from '../src/policy/policy.ts';
import { RULES } from '../src/rules/index.ts';
import { bundleWorld, joinManifests, parseManifests } from '../src/world/manifests.ts';
import { keyOf } from '../src/world/object.ts';
import { gateOver, NO_LIMITS, objectsIn, requestFor } from './support/gate.ts';

const EXAMPLES = join(import.meta.dirname, '..', 'examples');

interface ExpectedFinding {
  readonly rule: string;
  readonly decision: string;
  readonly object: string;
  readonly path: string;
  readonly file: string;
  readonly line: number;
}

function folders(file: string): string[] {
  return globSync(`**/${file}`, { cwd: EXAMPLES }).map(dirname).sort();
}

describe('examples', () => {
  it('every set-up has its expected result', () => {
    const spoken = new Set([...folders('expected.json'), ...folders('stored.yaml')]);
    const all = new Set(globSync('**/*.yaml', { cwd: EXAMPLES }).map(dirname));
    expect([...all].filter((folder) => !['controller', 'conversion'].includes(folder) && !spoken.has(folder))).toEqual(
      [],
    );
  });

  for (const folder of folders('expected.json')) {
    it(`${folder} has the expected findings`, () => {
      const expected = JSON.parse(readFileSync(join(EXAMPLES, folder, 'expected.json'), 'utf8')) as ExpectedFinding[];
      expect(lint(folder)).toEqual(expected);
    });
  }

  for (const folder of folders('stored.yaml')) {
    it(`${folder}: an object that is applied again is stored as expected`, async () => {
      const at = (name: string): string => join(EXAMPLES, folder, name);
      const cluster = objectsIn(at('cluster.yaml'));
      const stored = new Map(objectsIn(at('stored.yaml')).map((object) => [keyOf(object), object]));
      const gate = gateOver(cluster);
      expect(stored.size).toBeGreaterThan(0);
      for (const applied of objectsIn(at('applied.yaml'))) {
        const before = cluster.find((object) => keyOf(object) === keyOf(applied));
        const { response, record } = await gate.mutate(requestFor(applied, before), NO_LIMITS);
        expect(record.kept, keyOf(applied)).not.toEqual([]);
        const patch = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString()) as Operation[];
        expect(jsonpatch.applyPatch(applied, patch, true, false).newDocument).toEqual(stored.get(keyOf(applied)));
        const asController = await gate.mutate(
          requestFor(applied, before, { username: 'system:serviceaccount:argo-rollouts:argo-rollouts' }),
          NO_LIMITS,
        );
        expect(asController.response.patch).toBeUndefined();
      }
    });
  }
});

function lint(folder: string): ExpectedFinding[] {
  const files = globSync('*.yaml', { cwd: join(EXAMPLES, folder) }).sort();
  const manifests = joinManifests(
    files.map((file) => parseManifests(readFileSync(join(EXAMPLES, folder, file), 'utf8'), file)),
  );
  expect(existsSync(join(EXAMPLES, folder)), relative('.', folder)).toBe(true);
  expect(manifests.errors).toEqual([]);
  const { report } = evaluateBundle(manifests, {
    base: bundleWorld([]),
    rules: RULES,
    policy: DEFAULT_POLICY,
    requireReferences: false,
  });
  return report.findings.map((finding) => ({
    rule: finding.rule,
    decision: finding.decision,
    object: `${finding.object.kind} ${finding.object.namespace}/${finding.object.name}`,
    path: finding.path,
    file: finding.file ?? '',
    line: finding.line ?? 0,
  }));
}

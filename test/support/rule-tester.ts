import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Rule } from '../../src/rules/define.ts';
import { evaluate, title } from '../../src/rules/engine.ts';
import { renderText, sortFindings } from '../../src/rules/finding.ts';
import { bundleWorld, parseManifests, placeObjects, type SourceObject } from '../../src/world/manifests.ts';
import { KINDS, keyOf, kindOf, type KindId } from '../../src/world/object.ts';
import { renderPath } from '../../src/world/path.ts';
import { Overlay } from '../../src/world/store.ts';
import type { World } from '../../src/world/world.ts';
import { deepFreeze } from './freeze.ts';

/** What a fixture must lead to: a finding, exactly, or a rule that says it cannot judge. */
export type Expected =
  | {
      readonly message: string;
      readonly object: string;
      readonly path: string;
      readonly at: string;
      readonly text: string;
    }
  | { readonly skipped: string };

/**
 * In: a rule, its folder, and for every file in its `fixtures/` what must be found, in the order of the report. Files
 * `bad-*` break the rule, `good-*` are near misses. Defines the tests that every rule must pass: exact findings, the
 * same for shuffled documents and by admission, inputs untouched, `reads` exactly what is looked at, every message
 * produced, no placeholder left.
 */
export function testRule(rule: Rule, folder: string, fixtures: Readonly<Record<string, readonly Expected[]>>): void {
  const directory = join(folder, 'fixtures');
  const touched = new Set<KindId>();
  const produced = new Set<string>();

  describe(rule.id, () => {
    it('has an expectation for every fixture, at least one of each sort', () => {
      expect(Object.keys(fixtures).sort()).toEqual(readdirSync(directory).sort());
      expect(Object.keys(fixtures).filter((name) => name.startsWith('good-'))).not.toEqual([]);
      for (const [name, expected] of Object.entries(fixtures)) {
        expect(name).toMatch(/^(good|bad)-[a-z0-9-]+\.yaml$/);
        expect(
          expected.some((entry) => 'message' in entry),
          name,
        ).toBe(name.startsWith('bad-'));
      }
    });

    for (const [name, expected] of Object.entries(fixtures)) {
      it(name, () => {
        const text = readFileSync(join(directory, name), 'utf8');
        const manifests = parseManifests(text, name);
        expect(manifests.errors).toEqual([]);
        const { sources } = placeObjects(manifests.objects);
        for (const { object } of sources) deepFreeze(object);

        const world = bundleWorld(sources.map(({ object }) => object));
        const run = observe(rule, world, sources);
        expect(run.lines).toEqual(expected);
        for (const kind of run.kindsRead) touched.add(kind);
        for (const entry of expected) {
          if (!('message' in entry)) continue;
          produced.add(entry.message);
          expect(entry.text).not.toMatch(/\{\w+\}|undefined|NaN|\[object/);
        }

        const reversed = sources.toReversed();
        expect(observe(rule, bundleWorld(reversed.map(({ object }) => object)), reversed).lines, 'shuffled').toEqual(
          expected,
        );

        for (const { object } of sources) {
          const others = bundleWorld(
            sources.map((source) => source.object).filter((other) => keyOf(other) !== keyOf(object)),
          );
          expect(
            observe(rule, new Overlay(others, [object]), sources).lines,
            `by admission of ${title(object)}`,
          ).toEqual(expected);
        }
      });
    }

    afterAll(() => {
      expect(
        [...touched].filter((kind) => !rule.subject.includes(kind) || rule.reads.includes(kind)).sort(),
        'reads = looked at',
      ).toEqual([...rule.reads].sort());
      expect([...produced].sort(), 'every message is produced').toEqual(Object.keys(rule.messages).sort());
    });
  });
}

function observe(
  rule: Rule,
  world: World,
  sources: readonly SourceObject[],
): { lines: Expected[]; kindsRead: ReadonlySet<KindId> } {
  const subjects = sources
    .map(({ object }) => object)
    .filter((object) => rule.subject.includes(kindOf(object) as KindId));
  const run = evaluate(world, subjects, [rule]);
  const lines = sortFindings(run.findings).map((finding): Expected => {
    const source = sources.find(({ object }) => keyOf(object) === keyOf(finding.object));
    const { line, column } = source?.position(finding.path) ?? { line: 0, column: 0 };
    return {
      message: finding.messageId,
      object: title(finding.object),
      path: renderPath(finding.path),
      at: `${line}:${column}`,
      text: renderText(finding),
    };
  });
  const skips = [...new Set(run.skipped.map(({ reason }) => reason))]
    .sort()
    .map((reason): Expected => ({ skipped: reason }));
  for (const kind of rule.subject) expect(Object.hasOwn(KINDS, kind)).toBe(true);
  return { lines: [...lines, ...skips], kindsRead: run.kindsRead };
}

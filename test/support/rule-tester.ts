import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Rule } from '../../src/rules/define.ts';
import { evaluate, title } from '../../src/rules/engine.ts';
import { renderText, sortFindings } from '../../src/rules/finding.ts';
import { bundleWorld, parseManifests, placeObjects, type SourceObject } from '../../src/world/manifests.ts';
import { KINDS, keyOf, kindOf, type KindId, type KubeObject } from '../../src/world/object.ts';
import { renderPath } from '../../src/world/path.ts';
import { isBeingDeleted } from '../../src/world/rollout.ts';
import { Overlay } from '../../src/world/store.ts';
import type { World } from '../../src/world/world.ts';
import { deepFreeze } from './freeze.ts';
import { undeclared } from './places.ts';
import { readsOf } from './recorder.ts';
import { expectFixtures, expectSnapshot, fixturesIn, type Line } from './snapshots.ts';

/**
 * Defines the tests that every rule must pass, one for each file in its `fixtures/`: `bad-*` breaks the rule, `good-*`
 * is a near miss. What the rule says about a fixture is in the snapshot next to it. The rule says the same for shuffled
 * documents and by admission of each object, leaves its inputs unchanged, looks at exactly the kinds of `reads`, reads
 * only the places that it declares, and produces each of its messages in some fixture.
 *
 * @param folder - The folder of the rule: `import.meta.dirname` of its test.
 */
export function testRule(rule: Rule, folder: string): void {
  const directory = join(folder, 'fixtures');
  const touched = new Set<KindId>();
  const produced = new Set<string>();

  describe(rule.id, () => {
    it('has fixtures of both sorts, and no other files among them', () => {
      expectFixtures(directory);
    });

    for (const name of fixturesIn(directory)) {
      it(name, async () => {
        const text = readFileSync(join(directory, name), 'utf8');
        const manifests = parseManifests(text, name);
        expect(manifests.errors, `${name} cannot be parsed`).toEqual([]);
        const { sources } = placeObjects(manifests.objects);
        for (const { object } of sources) deepFreeze(object);

        const world = bundleWorld(sources.map(({ object }) => object));
        const { lines, kindsRead } = observe(rule, world, sources);
        for (const kind of kindsRead) touched.add(kind);
        for (const line of lines) if ('message' in line) produced.add(line.message);
        const found = lines.flatMap((line) => ('message' in line ? [`${line.at} ${line.message}: ${line.text}`] : []));
        if (name.startsWith('bad-'))
          expect(found, `the rule must find a mistake in ${name}, but it finds none`).not.toEqual([]);
        else expect(found, `the rule must find nothing in ${name}`).toEqual([]);

        const reversed = sources.toReversed();
        expect(
          observe(rule, bundleWorld(reversed.map(({ object }) => object)), reversed).lines,
          'it must say the same when the documents are in reverse order',
        ).toEqual(lines);

        expect(
          subjectsOf(rule, sources).flatMap((subject) => undeclared(rule, readsOf(rule, world, subject))),
          '`subject` and `reads` of the rule must list the places that it reads',
        ).toEqual([]);

        for (const { object } of sources) {
          const others = bundleWorld(
            sources.map((source) => source.object).filter((other) => keyOf(other) !== keyOf(object)),
          );
          expect(
            observe(rule, new Overlay(others, [object]), sources).lines,
            `it must say the same when ${title(object)} is admitted last`,
          ).toEqual(lines);
        }

        await expectSnapshot(directory, name, lines);
      });
    }

    afterAll(() => {
      expect(
        [...touched].filter((kind) => !rule.subject.includes(kind) && !rule.reads.includes(kind)),
        '`reads` of the rule must list the kinds that it looks up in its fixtures',
      ).toEqual([]);
      expect(
        rule.reads.filter((kind) => !touched.has(kind)),
        'add a fixture in which the rule looks up an object of these kinds, or remove them from its `reads`',
      ).toEqual([]);
      expect([...produced].sort(), 'each message of the rule needs a fixture that produces it').toEqual(
        Object.keys(rule.messages).sort(),
      );
    });
  });
}

function observe(
  rule: Rule,
  world: World,
  sources: readonly SourceObject[],
): { lines: Line[]; kindsRead: ReadonlySet<KindId> } {
  const run = evaluate(world, subjectsOf(rule, sources), [rule]);
  const lines = sortFindings(run.findings).map((finding): Line => {
    const source = sources.find(({ object }) => keyOf(object) === keyOf(finding.object));
    const { line, column } = source?.position(finding.path) ?? { line: 0, column: 0 };
    return {
      message: finding.messageId,
      class: finding.class,
      object: title(finding.object),
      path: renderPath(finding.path),
      at: `${line}:${column}`,
      text: renderText(finding),
    };
  });
  const skips = [...new Set(run.skipped.map(({ reason }) => reason))]
    .sort()
    .map((reason): Line => ({ skipped: reason }));
  for (const kind of rule.subject) expect(Object.hasOwn(KINDS, kind)).toBe(true);
  return { lines: [...lines, ...skips], kindsRead: run.kindsRead };
}

function subjectsOf(rule: Rule, sources: readonly SourceObject[]): KubeObject[] {
  return sources
    .map(({ object }) => object)
    .filter((object) => rule.subject.includes(kindOf(object) as KindId) && !isBeingDeleted(object));
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { documentFindings, DOCUMENT_RULES } from '../../src/documents/index.ts';
import { title } from '../../src/rules/engine.ts';
import { renderText, sortFindings } from '../../src/rules/finding.ts';
import { parseManifests, placeObjects, type Manifests } from '../../src/world/manifests.ts';
import { renderPath } from '../../src/world/path.ts';
import { deepFreeze } from './freeze.ts';
import { expectFixtures, expectSnapshot, fixturesIn, type Line } from './snapshots.ts';

/**
 * Defines the tests that every document check must pass, one for each of its fixtures: `bad-*` breaks the check,
 * `good-*` is a near miss. What the check says about a fixture is in the snapshot next to it. The check says the same
 * for shuffled documents, leaves its inputs unchanged, and produces each of its messages in some fixture.
 *
 * @param directory - The folder of its fixtures.
 * @param apart - The messages that other tests produce.
 */
export function testDocumentCheck(id: string, directory: string, apart: readonly string[] = []): void {
  const produced = new Set(apart);

  describe(id, () => {
    it('has fixtures of both sorts, and no other files among them', () => {
      expectFixtures(directory);
    });

    for (const name of fixturesIn(directory)) {
      it(name, async () => {
        const manifests = parseManifests(readFileSync(join(directory, name), 'utf8'), name);
        expect(manifests.errors).toEqual([]);
        for (const { object } of manifests.objects) deepFreeze(object);
        const lines = observe(id, manifests);
        for (const line of lines) if ('message' in line) produced.add(line.message);
        expect(lines.length > 0, 'whether it is found to break the check').toBe(name.startsWith('bad-'));
        expect(
          observe(id, {
            ...manifests,
            objects: manifests.objects.toReversed(),
            duplicateKeys: manifests.duplicateKeys,
          }),
          'shuffled',
        ).toEqual(lines);
        await expectSnapshot(directory, name, lines);
      });
    }

    afterAll(() => {
      expect([...produced].sort(), 'every message is produced').toEqual(
        Object.keys(DOCUMENT_RULES.find((rule) => rule.id === id)?.messages ?? {}).sort(),
      );
    });
  });
}

function observe(id: string, manifests: Manifests): Line[] {
  const { sources } = placeObjects(manifests.objects);
  const found = documentFindings(manifests, sources).filter(({ rule }) => rule === id);
  const lines = found.map((finding) => {
    const source = sources.find(({ object }) => object === finding.object);
    expect(source, 'the object is the very one that was checked').toBeDefined();
    const { line, column } = source?.position(finding.path) ?? { line: 0, column: 0 };
    return { finding, line, column };
  });
  const sorted = sortFindings(found);
  return lines
    .sort((a, b) => a.line - b.line || a.column - b.column || sorted.indexOf(a.finding) - sorted.indexOf(b.finding))
    .map(({ finding, line, column }) => ({
      message: finding.messageId,
      class: finding.class,
      object: title(finding.object),
      path: renderPath(finding.path),
      at: `${line}:${column}`,
      text: renderText(finding),
    }));
}

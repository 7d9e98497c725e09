import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { documentFindings, DOCUMENT_RULES } from '../../src/documents/index.ts';
import { renderText, sortFindings } from '../../src/rules/finding.ts';
import { parseManifests, placeObjects, type Manifests } from '../../src/world/manifests.ts';
import { renderPath } from '../../src/world/path.ts';
import { deepFreeze } from './freeze.ts';

/** What a fixture must lead to, exactly. */
export interface ExpectedOfDocument {
  readonly message: string;
  readonly path: string;
  readonly at: string;
  readonly text: string;
}

/**
 * In: the id of a check of documents, the folder of its fixtures, for every fixture what must be found, in the order of
 * the report, and the messages that are tested apart. Defines the tests that every check must pass: exact findings, the
 * same for shuffled documents, inputs untouched, every message produced.
 */
export function testDocumentCheck(
  id: string,
  directory: string,
  fixtures: Readonly<Record<string, readonly ExpectedOfDocument[]>>,
  apart: readonly string[] = [],
): void {
  describe(id, () => {
    it('has an expectation for every fixture, at least one of each sort', () => {
      expect(Object.keys(fixtures).sort()).toEqual(readdirSync(directory).sort());
      expect(Object.keys(fixtures).filter((name) => name.startsWith('good-'))).not.toEqual([]);
      for (const [name, expected] of Object.entries(fixtures)) {
        expect(name).toMatch(/^(good|bad)-[a-z0-9-]+\.yaml$/);
        expect(expected.length > 0, name).toBe(name.startsWith('bad-'));
      }
    });

    it('produces every message', () => {
      const produced = new Set([
        ...Object.values(fixtures)
          .flat()
          .map(({ message }) => message),
        ...apart,
      ]);
      expect([...produced].sort()).toEqual(
        Object.keys(DOCUMENT_RULES.find((rule) => rule.id === id)?.messages ?? {}).sort(),
      );
    });

    for (const [name, expected] of Object.entries(fixtures)) {
      it(name, () => {
        const manifests = parseManifests(readFileSync(join(directory, name), 'utf8'), name);
        expect(manifests.errors).toEqual([]);
        for (const { object } of manifests.objects) deepFreeze(object);
        expect(observe(id, manifests)).toEqual(expected);
        for (const { text } of expected) expect(text).not.toMatch(/\{\w+\}|undefined|NaN|\[object/);
        expect(
          observe(id, {
            ...manifests,
            objects: manifests.objects.toReversed(),
            duplicateKeys: manifests.duplicateKeys,
          }),
          'shuffled',
        ).toEqual(expected);
      });
    }
  });
}

function observe(id: string, manifests: Manifests): ExpectedOfDocument[] {
  const { sources } = placeObjects(manifests.objects);
  const found = documentFindings(manifests, sources).filter(({ rule }) => rule === id);
  const lines = found.map((finding) => {
    const source = sources.find(({ object }) => object === finding.object);
    expect(source, 'the object is the very one that was judged').toBeDefined();
    const { line, column } = source?.position(finding.path) ?? { line: 0, column: 0 };
    return { finding, line, column };
  });
  const sorted = sortFindings(found);
  return lines
    .sort((a, b) => a.line - b.line || a.column - b.column || sorted.indexOf(a.finding) - sorted.indexOf(b.finding))
    .map(({ finding, line, column }) => ({
      message: finding.messageId,
      path: renderPath(finding.path),
      at: `${line}:${column}`,
      text: renderText(finding),
    }));
}

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EditedDocuments } from './edited-documents.ts';
import { parseManifests } from './manifests.ts';
import { yamlDocuments } from './yaml-documents.ts';

interface Read {
  readonly documents: EditedDocuments;
  /** The parts that were parsed since it was last called. */
  readonly parsed: () => readonly string[];
}

function documentsWithCounts(): Read {
  const parts: string[] = [];
  const documents = new EditedDocuments((text) => {
    parts.push(text);
    return yamlDocuments(text);
  });
  return { documents, parsed: () => parts.splice(0) };
}

// Everything that a text has, and where: each path of each object.
function contentOf(text: string, edited?: EditedDocuments) {
  const { objects, errors, duplicateKeys } = parseManifests(text, 'a.yaml', edited);
  return {
    objects: objects.map(({ object, document, position }) => ({
      object,
      document,
      positions: pathsIn(object).map(position),
    })),
    errors,
    duplicateKeys,
  };
}

function pathsIn(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [path, ...entries.flatMap(([key, entry]) => pathsIn(entry, [...path, key]))];
}

function service(name: string, port = 80): string {
  return `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec:\n  ports:\n    - port: ${port}\n`;
}

const TEXT = ['a', 'b', 'c'].map((name) => service(name)).join('---\n');

describe('after an edit', () => {
  it('only the document is parsed that has changed, and of the others come the same values', () => {
    const { documents, parsed } = documentsWithCounts();
    const before = parseManifests(TEXT, 'a.yaml', documents);
    expect(parsed()).toHaveLength(3);
    const edited = `# a comment moves all of them\n${TEXT.replace('name: b', 'name: basket')}`;
    const after = parseManifests(edited, 'a.yaml', documents);
    expect(parsed().map((part) => /name: (.*)/.exec(part)?.[1])).toEqual(['a', 'basket']);
    expect(after.objects[2]?.object).toBe(before.objects[2]?.object);
    expect(after.objects[2]?.position(['spec'])).toEqual({ line: 22, column: 1 });
    parseManifests(edited, 'a.yaml', documents);
    expect(parsed()).toEqual([]);
  });

  it('a document that is added before others leaves them as they are', () => {
    const { documents, parsed } = documentsWithCounts();
    parseManifests(TEXT, 'a.yaml', documents);
    parsed();
    const added = `${service('new')}---\n${TEXT}`;
    expect(contentOf(added, documents)).toEqual(contentOf(added));
    // The first one had no mark in front of it.
    expect(parsed()).toHaveLength(2);
  });

  it('two documents with the same text are two objects', () => {
    const { documents } = documentsWithCounts();
    const twice = `---\n${service('a')}---\n${service('a')}---\n${service('b')}`;
    const read = (): readonly unknown[] =>
      parseManifests(twice, 'a.yaml', documents).objects.map(({ object }) => object);
    const [first, second] = read();
    expect(first).not.toBe(second);
    const [again, andAgain] = read();
    expect([again === first, andAgain === second]).toEqual([true, true]);
  });

  it('only those of the last text are known', () => {
    const { documents, parsed } = documentsWithCounts();
    parseManifests(TEXT, 'a.yaml', documents);
    parseManifests('a: 1', 'a.yaml', documents);
    parsed();
    parseManifests(TEXT, 'a.yaml', documents);
    expect(parsed()).toHaveLength(3);
  });
});

it('of earlier texts, only what is still in use is kept in memory', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const documents = new EditedDocuments();
  const long = `note: ${'long '.repeat(200)}\n`;
  const edited = Array.from({ length: 1000 }, () => long);
  // Flat, as what was received.
  const read = (): void => [...documents.read(Buffer.from(edited.join('---\n')).toString())].forEach(() => undefined);
  read();
  const before = used();
  for (let edit = 0; edit < 50; edit++) {
    edited[edit] = long.replace('long', 'edited');
    read();
  }
  // Each text has a million characters.
  expect(used() - before).toBeLessThan(10e6);
});

describe('the text is read as it is without an earlier one', () => {
  const same = (texts: readonly string[]): void => {
    const documents = new EditedDocuments();
    for (const text of texts) expect(contentOf(text, documents)).toEqual(contentOf(text));
  };

  it.each([
    ['', 'nothing'],
    ['---', 'a mark'],
    ['---\n---\n---', 'marks'],
    ['# a\n---\n# b\n---\na: 1\n', 'comments'],
    ['--- # a\na: 1\n--- {b: 2}\n---\tc\n', 'something after the mark'],
    ['\uFEFF---\na: 1\n---\nb: 2', 'a byte order mark'],
    ['a: 1\r\n---\r\nb: 2\r\n---\r\n', 'the line ends of Windows'],
    ['a: "\n---\nb: "\n---\nc: 1', 'a quoted text over a mark'],
    ["a: '\n---\nb: 1", 'a quoted text without an end'],
    ['a: {\n---\nb: 1\n---\n}', 'a flow over a mark'],
    ['a: |\n---\n b\n---\nc: 1', 'a block over a mark'],
    ['a: |\n  ---\n  b\n', 'a mark in a block'],
    ['a: &x 1\n---\nb: *x\n', 'an alias of another document'],
    ['%YAML 1.1\n---\na: yes\n---\nb: yes\n', 'a directive'],
    ['%TAG ! tag:x,2000:\n---\na: !y 1\n---\nb: !y 1\n', 'a tag'],
    ['a: 1\n...\n---\nb: 2\n...\nc: 3\n', 'ends of documents'],
    ['a: 1\n---b\n---\n----\n', 'what is no mark'],
    ['a: [\n---\n', 'a mistake in the first'],
    ['a: 1\na: 2\n---\nb: 1\nb: 1\nb: null', 'repeated keys'],
    ['[{"a": 1}]', 'JSON'],
    ['{"a": 1}\n---\n{"b": 1}', 'JSON in YAML'],
    ['a: 1\n---\n}\nb: 1\n---\nc: 1', 'a brace at the beginning of a document'],
    ['a: 1\n--- ]\n}\nb: "\n---\nc: 1', 'several mistakes at the beginning of a document'],
    ['{a: 1}\n}\n---\n}\n---\nc: 1', 'a brace at the end of a document'],
    ['a: 1\n...\n}\nb: 1\n---\nc: 1', 'a brace after the end of a document'],
  ])('%j: %s', (text) => {
    same([text, text, `# moved\n${text}`, `${text}\n---\nz: 1`]);
  });

  it('the examples, with anything cut out, added or repeated', () => {
    const folder = join(import.meta.dirname, '../../dashboard/examples');
    const examples = globSync('*.yaml', { cwd: folder }).map((file) => readFileSync(join(folder, file), 'utf8'));
    const inserted = fc.constantFrom(
      ...['\n', '---', '\n---\n', '\n--- ', '...', '\n...\n', '\n%', '"', "'", '{', ']', '|', '&a ', '*a', '\t', '\r'],
      ...['#', ' ', ': ', '\n- ', '<<: *a', '\uFEFF', '-', '\n\n---\n\n'],
    );
    const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(40), text: inserted });
    fc.assert(
      fc.property(fc.constantFrom(...examples), fc.array(edit, { minLength: 1, maxLength: 4 }), (example, edits) => {
        let text = example;
        const texts = edits.map(({ at, cut, text: added }) => {
          const from = Math.floor(at * text.length);
          text = text.slice(0, from) + added + text.slice(from + cut);
          return text;
        });
        same([example, ...texts]);
      }),
      { numRuns: 25 },
    );
  });
});

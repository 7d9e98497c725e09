import { describe, expect, it } from 'vitest';
import { joined } from '../../dashboard/src/joined.ts';
import { parseManifests } from '../../src/world/manifests.ts';

const service = (name: string): string => `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\n`;

function objectsIn(texts: Readonly<Record<string, string>>): string[] {
  const files = Object.entries(texts).map(([name, text]) => ({ name, text }));
  const { objects, errors } = parseManifests(joined(files), 'editor');
  expect(errors).toEqual([]);
  return objects.map(({ object }) => object.metadata.name);
}

describe('files as one text', () => {
  it('have a comment with the name of each', () => {
    const files = { 'a.yaml': service('a'), 'b.yaml': `---\n${service('b')}\n\n` };
    expect(joined(Object.entries(files).map(([name, text]) => ({ name, text })))).toBe(
      `# a.yaml\n${service('a')}---\n# b.yaml\n${service('b')}`,
    );
  });

  it.each([
    ['a byte order mark', { 'a.yaml': `\uFEFF${service('a')}`, 'b.yaml': `\uFEFF---\n${service('b')}` }],
    ['a directive', { 'a.yaml': service('a'), 'b.yaml': `# YAML of old\n\n%YAML 1.1\n---\n${service('b')}` }],
    ['two directives', { 'a.yaml': `%YAML 1.1\n---\n${service('a')}`, 'b.yaml': `%YAML 1.1\n---\n${service('b')}` }],
    ['a line break in a name', { 'a\nkind: x\r.yaml': service('a'), 'b\u2028\u0085.yaml': service('b') }],
    ['the line ends of Windows', { 'a.yaml': service('a').replaceAll('\n', '\r\n'), 'b.yaml': service('b') }],
  ])('are read with %s', (_, files) => {
    expect(objectsIn(files)).toEqual(['a', 'b']);
  });

  it('have the line ends that the editor has, also a single one', () => {
    expect(joined([{ name: 'a.yaml', text: '\uFEFFa: 1\r\nb: 2\r\n' }])).toBe('a: 1\nb: 2\n');
  });
});

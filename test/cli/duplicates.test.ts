import { expect, it } from 'vitest';
import { runLint } from '../../src/commands/lint.ts';
import { directory, io, service } from './support.ts';

async function repeatedIn(files: Readonly<Record<string, string>>): Promise<string[]> {
  const written = io(directory(files));
  await runLint({ paths: ['.'], output: 'json' }, written);
  const { findings } = JSON.parse(written.out()) as {
    readonly findings: readonly { readonly rule: string; readonly file: string; readonly message: string }[];
  };
  return findings.filter(({ rule }) => rule === 'duplicate-object').map(({ file, message }) => `${file} ${message}`);
}

it('folders with the same objects are reported once, whatever files they are in', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const inFolder = (folder: string, text: (name: string) => string): Record<string, string> =>
    Object.fromEntries(names.map((name) => [`${folder}/${name}.yaml`, text(name)]));
  const files = { ...inFolder('dev', (name) => service(name)), ...inFolder('prod', (name) => service(name)) };
  expect(await repeatedIn(files)).toEqual(['prod/a.yaml also in dev, with the same content: Service "a" and 3 more']);
  const changed = { ...files, 'prod/c.yaml': service('c').replace('80', '81') };
  expect(await repeatedIn(changed)).toEqual([
    'prod/c.yaml also in dev, with different content: Service "c", and 3 with the same content',
  ]);
  // Of a few files the places are named.
  expect(await repeatedIn({ 'dev/a.yaml': service('a'), 'prod/a.yaml': service('a') })).toEqual([
    'prod/a.yaml also in dev/a.yaml:1, with the same content: Service "a"',
  ]);
});

it('the places of other copies are not cut off, however long they are', async () => {
  const deep = 'a-long-name-of-a-folder/'.repeat(6);
  const [message = ''] = await repeatedIn({
    [`${deep}a/x.yaml`]: service('x'),
    [`${deep}b/x.yaml`]: service('x'),
    [`${deep}c/x.yaml`]: service('x'),
    [`${deep}d/x.yaml`]: service('x'),
  });
  expect(message).toContain(`also in ${deep}a/x.yaml:1 and 2 more, with the same content`);
});

it('objects of kinds without rules may be defined several times', async () => {
  const role = 'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: { name: reader }\n';
  expect(await repeatedIn({ 'a.yaml': role, 'b.yaml': role, 'c.yaml': service('cart') })).toEqual([]);
});

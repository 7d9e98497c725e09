import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sourceOf, startDashboard } from '../../src/commands/dashboard.ts';
import { directory, io } from './support.ts';

const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\n';

describe('rollgate dashboard', () => {
  it.each([
    [{ paths: [], port: '0' }, '--port: "0" is not a port: use 1 to 65535'],
    [{ paths: [], port: '8o80' }, '--port: "8o80" is not a port: use 1 to 65535'],
  ])('does not start with %o', async (options, error) => {
    const terminal = io('.');
    expect(await startDashboard(options, terminal)).toBeUndefined();
    expect(terminal.err()).toBe(`rollgate dashboard: ${error}\n`);
  });
});

describe('the files that are named', () => {
  it('are read as they are, and nothing next to them', async () => {
    const folder = directory({ 'a.yaml': SERVICE, 'b.yaml': '# none\nfoo: 1\n', 'c.txt': SERVICE });
    expect(await sourceOf(['.'], io(folder)).read()).toEqual({ files: [{ name: 'a.yaml', text: SERVICE }], notes: [] });
  });

  it('have another signature when one changes, comes or goes', () => {
    const folder = directory({ 'a.yaml': SERVICE });
    const source = sourceOf(['.'], io(folder));
    const first = source.signature();
    expect(source.signature()).toBe(first);
    writeFileSync(join(folder, 'a.yaml'), `${SERVICE}# more\n`);
    const second = source.signature();
    writeFileSync(join(folder, 'b.yaml'), SERVICE);
    const third = source.signature();
    rmSync(join(folder, 'a.yaml'));
    expect(new Set([first, second, third, source.signature()]).size).toBe(4);
  });

  it('that are too large together are not sent', async () => {
    const folder = directory({ 'a.yaml': `${SERVICE}# ${'a'.repeat(1024 * 1024)}\n` });
    expect(await sourceOf(['.'], io(folder)).read()).toEqual({
      files: [],
      notes: ['the files have more than 1048576 bytes: name fewer'],
    });
  });
});

import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
  it('are read as they are, and nothing next to them', () => {
    const folder = directory({ 'a.yaml': SERVICE, 'b.yaml': '# none\nfoo: 1\n', 'c.txt': SERVICE });
    expect(sourceOf(['.'], io(folder)).read()).toEqual({ files: [{ name: 'a.yaml', text: SERVICE }], notes: [] });
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

  it('that are too large together are not sent, and not parsed', () => {
    const half = `${SERVICE}# ${'a'.repeat(600 * 1024)}\n`;
    const folder = directory({ 'a.yaml': half, 'b.yaml': half });
    expect(sourceOf(['.'], io(folder)).read()).toEqual({
      files: [],
      notes: ['the files have more than 1048576 bytes: name fewer'],
    });
  });

  it('that are too large alone are left out of a directory', () => {
    const folder = directory({ 'a.yaml': SERVICE, 'b.json': `"${'a'.repeat(1024 * 1024)}"` });
    const source = sourceOf(['.'], io(folder));
    expect(source.read()).toEqual({
      files: [{ name: 'a.yaml', text: SERVICE }],
      notes: ['skipped 1 larger than 1048576 bytes (b.json)'],
    });
    expect(sourceOf(['b.json'], io(folder)).read()).toEqual({
      files: [],
      notes: ['the files have more than 1048576 bytes: name fewer'],
    });
  });

  it('must be files, whose end can be reached', () => {
    const folder = directory({ 'a.yaml': SERVICE });
    execFileSync('mkfifo', [join(folder, 'pipe.yaml')]);
    symlinkSync('/dev/zero', join(folder, 'zero.yaml'));
    const files = [{ name: 'a.yaml', text: SERVICE }];
    expect(sourceOf(['.'], io(folder)).read()).toEqual({ files, notes: [] });
    expect(sourceOf(['a.yaml', 'pipe.yaml', 'zero.yaml'], io(folder)).read()).toEqual({
      files,
      notes: ['pipe.yaml: not a file', 'zero.yaml: not a file'],
    });
  });

  it('may include a link to itself, which is said', () => {
    const folder = directory({ 'a.yaml': SERVICE });
    const source = sourceOf(['.', 'loop.yaml'], io(folder));
    const first = source.signature();
    symlinkSync('loop.yaml', join(folder, 'loop.yaml'));
    expect(source.signature()).not.toBe(first);
    expect(source.signature()).toBe(source.signature());
    const { files, notes } = source.read();
    expect(files).toEqual([{ name: 'a.yaml', text: SERVICE }]);
    expect(notes).toContain('loop.yaml: a link that leads to itself');
  });
});

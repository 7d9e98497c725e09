import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { main } from '../../src/program.ts';
import { RULES } from '../../src/rules/index.ts';
import { VERSION } from '../../src/version.ts';
import { bundle, directory, io } from './support.ts';

async function run(
  args: readonly string[],
  cwd = '.',
): Promise<{ code: number | undefined; out: string; err: string }> {
  const written = io(cwd);
  const code = await main(args, written);
  return { code, out: written.out(), err: written.err() };
}

describe('rollgate', () => {
  it('prints its version', async () => {
    expect(VERSION).toMatch(/^\d+\.\d+\.\d+/);
    expect(await run(['--version'])).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
  });

  it('prints its commands', async () => {
    for (const args of [['--help'], ['help']]) {
      const { code, out } = await run(args);
      expect([code, out]).toEqual([0, expect.stringMatching(/lint[^]*rules/)]);
    }
    for (const args of [
      ['lint', '--help'],
      ['help', 'lint'],
    ])
      expect((await run(args)).out).toContain('--require-references');
    expect(await run([])).toMatchObject({ code: 2, out: '' });
  });

  it.each([
    [['lnt', 'a'], "error: unknown command 'lnt'"],
    [['lint', '--namspace', 'x', 'a'], "error: unknown option '--namspace'"],
    [['lint'], "error: missing required argument 'path'"],
    [
      ['lint', '-o', 'xml', 'a'],
      "error: option '-o, --output <format>' argument 'xml' is invalid. Allowed choices are text, json, sarif, github.",
    ],
    [['rules', 'a', 'b'], 'error: too many arguments'],
    [['--verbose'], "error: unknown option '--verbose'"],
  ])('refuses %j', async (args, line) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err.split('\n')[0]).toContain(line);
  });

  it('lints', async () => {
    const root = directory({ 'cart.yaml': bundle('main').join('---\n') });
    const { code, out } = await run(['lint', '--no-color', '--output', 'json', '.'], root);
    expect([code, JSON.parse(out)]).toEqual([1, expect.objectContaining({ verdict: 'deny' })]);
    expect((await run(['lint', 'absent.yaml'], root)).code).toBe(2);
  });
});

describe('rollgate rules', () => {
  it('lists all rules, document checks and preservers', async () => {
    const { code, out } = await run(['rules']);
    expect(code).toBe(0);
    for (const id of [...RULES.map((rule) => rule.id), 'duplicate-key', 'unknown-field', 'service-hash'])
      expect(out, id).toMatch(new RegExp(`^ {2}${id} `, 'm'));
    const all = JSON.parse((await run(['rules', '-o', 'json'])).out) as { id: string; sort: string }[];
    const ofSort = (wanted: string): string[] => all.filter(({ sort }) => sort === wanted).map(({ id }) => id);
    expect(ofSort('rule')).toEqual(RULES.filter(({ lintOnly }) => !lintOnly).map(({ id }) => id));
    expect(ofSort('lint')).toEqual(RULES.filter(({ lintOnly }) => lintOnly).map(({ id }) => id));
    expect(out).toMatch(/^Rules of lint and the dry run only.*\n\n( {2}.+\n)* {2}canary-weight-pods /m);
  });

  it('explains one of them', async () => {
    const { out } = await run(['rules', 'virtualservice-route-exists']);
    expect(out).toContain('Evaluates: Rollout; reads: VirtualService\n');
    expect(out).toContain(
      '  invalid  VirtualService "{name}" has no http, tls or tcp route: add a route with a stable and a canary destination\n',
    );
    expect(JSON.parse((await run(['rules', 'schema', '-o', 'json'])).out)).toMatchObject({
      id: 'schema',
      sort: 'document',
    });
    expect((await run(['rules', 'service-hash'])).out).toContain('Keeps: Service\n');
  });

  it('names the command in an error of a cluster', async () => {
    expect((await run(['lint', '--cluster', '--kubeconfig', 'absent', 'x.yaml'])).err).toBe(
      'rollgate lint: absent: no such file or directory\n',
    );
  });

  it('suggests the nearest name if the given one does not exist', async () => {
    expect(await run(['rules', 'shema'])).toEqual({
      code: 2,
      out: '',
      err: 'rollgate rules: no rule or keep has the id "shema": did you mean "schema"?\n',
    });
    expect((await run(['rules', 'no-such-thing'])).err).toBe(
      'rollgate rules: no rule or keep has the id "no-such-thing": run "rollgate rules" to list them\n',
    );
  });
});

describe('the process', () => {
  it('ends quietly with its exit code if its output pipe is closed', async () => {
    const root = directory({ 'cart.yaml': bundle('main').join('---\n') });
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '../../src/cli.ts'), 'lint', '-o', 'json', 'cart.yaml'],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    child.stdout.destroy();
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    const [code] = (await once(child, 'close')) as [number];
    expect([code, err]).toEqual([1, '']);
  });
});

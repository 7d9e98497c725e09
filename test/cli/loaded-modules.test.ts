import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compileCacheDirectory, keepCompiledCode } from '../../src/compile-cache.ts';

const ROOT = join(import.meta.dirname, '../..');
const MANIFESTS = join(ROOT, 'examples/aks-gateway-api/as-written');

// Writes the names of the packages and the files of src that were loaded.
const LISTED = `
  import { registerHooks } from 'node:module';
  const loaded = new Set();
  registerHooks({ load(url, context, next) {
    loaded.add(/.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1] ?? /\\/src\\/.*/.exec(url)?.[0] ?? url);
    return next(url, context);
  } });
  process.on('exit', () => process.stderr.write('LOADED ' + JSON.stringify([...loaded])));
`;

interface Run {
  readonly status: number | null;
  readonly loaded: readonly string[];
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollgate-cache-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function run(args: readonly string[], cache = temporary()): Run {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(LISTED)}`, join(ROOT, 'src/cli.ts'), ...args],
    { encoding: 'utf8', cwd: ROOT, env: { ...process.env, XDG_CACHE_HOME: cache } },
  );
  return { status, loaded: JSON.parse(/LOADED (.*)$/s.exec(stderr)?.[1] ?? '[]') as string[] };
}

// Start-up is most of the time of a short run. None of these is needed without a cluster, a policy file or a server.
const NOT_FOR_LINT = ['@kubernetes/client-node', 'zod', 'express', 'pino', 'prom-client'];

describe('what a command loads', () => {
  it('is little for the help', () => {
    const { status, loaded } = run(['--help']);
    expect(status).toBe(0);
    expect(loaded.filter((name) => !name.startsWith('/src/') && !name.startsWith('node:'))).toEqual(['commander']);
  });

  it.each([
    ['lint', ['lint', MANIFESTS], 1],
    ['convert', ['convert', join(ROOT, 'examples/workloadref-skywalking/as-written')], 1],
    ['rules', ['rules'], 0],
  ])('is no client of the cluster, no server and no schema of policies for %s', (_, args, code) => {
    const { status, loaded } = run(args);
    expect(status).toBe(code);
    expect(loaded).toContain('commander');
    expect(loaded.filter((name) => NOT_FOR_LINT.includes(name))).toEqual([]);
  });

  it('includes the schema of policies for a policy file, and the client for a cluster', () => {
    const policy = join(ROOT, 'examples/conversion/rollgate.yaml');
    const { loaded } = run(['lint', '--policy', policy, MANIFESTS]);
    expect(loaded).toContain('zod');
    expect(loaded).not.toContain('@kubernetes/client-node');
    expect(run(['lint', '--cluster', '--kubeconfig', 'absent', MANIFESTS]).loaded).toContain('@kubernetes/client-node');
  });

  it('includes only the schemas of the kinds in the manifests', () => {
    expect(run(['lint', MANIFESTS]).loaded).not.toContain('@kubernetes-models/istio');
    expect(run(['lint', join(ROOT, 'examples/istio-subset-level/fixed')]).loaded).toContain('@kubernetes-models/istio');
  });
});

describe('compiled code', () => {
  it('is kept in a directory of the user', () => {
    expect(compileCacheDirectory({ XDG_CACHE_HOME: '/caches' })).toBe('/caches/rollgate');
    for (const given of [undefined, '', 'relative'])
      expect(compileCacheDirectory({ XDG_CACHE_HOME: given }, () => '/home/me')).toBe('/home/me/.cache/rollgate');
    const none = compileCacheDirectory({}, () => {
      throw new Error('no such user');
    });
    expect(none).toBe(undefined);
  });

  it('is kept by every command but serve', () => {
    const kept: string[] = [];
    const env = { XDG_CACHE_HOME: '/caches' };
    for (const args of [['serve', '--port', '0'], ['lint', 'serve'], ['--help']])
      keepCompiledCode(args, env, (directory) => kept.push(`${args[0]} ${directory}`));
    expect(kept).toEqual(['lint /caches/rollgate', '--help /caches/rollgate']);
  });

  it('is written, and a directory that cannot be written changes nothing', () => {
    const cache = temporary();
    expect(run(['lint', MANIFESTS], cache).status).toBe(1);
    expect(readdirSync(join(cache, 'rollgate')).length).toBeGreaterThan(0);
    expect(run(['lint', MANIFESTS], join(ROOT, 'package.json')).status).toBe(1);
    expect(existsSync(join(ROOT, 'package.json', 'rollgate'))).toBe(false);
  });
});

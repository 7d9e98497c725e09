import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OLDEST_NODE } from '../../src/node-version.ts';
import { VERSION } from '../../src/version.ts';

// What a user does with the published package: `npx rollgate` in an empty folder, on the oldest and the newest Node.js.

const ROOT = join(import.meta.dirname, '../..');
const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  devDependencies: { node: string };
};
const VERSIONS = [`${OLDEST_NODE}.0`, devDependencies.node];

let folder = '';
let tarball = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollgate-package-'));
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT, stdio: 'pipe' });
  tarball = join(folder, readdirSync(folder)[0] ?? '');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the package', () => {
  it('contains what the command needs, and no tests', () => {
    const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n');
    expect(files.filter((file) => !file.startsWith('package/dist/')).sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'].map((file) => `package/${file}`),
    );
    expect(files).toContain('package/dist/cli.js');
    expect(files).toContain('package/dist/dashboard/page/index.html');
    expect(files.filter((file) => /\.test\.|fixtures|\.ts$/.test(file))).toEqual([]);
  });

  it.each(VERSIONS)('runs by npx in an empty folder on Node.js %s', (version) => {
    const empty = mkdtempSync(join(folder, 'empty-'));
    cpSync(join(ROOT, 'examples/aks-gateway-api/as-written'), join(empty, 'manifests'), { recursive: true });
    const commands = [
      'node --version',
      'rollgate --version',
      'kubectl-rollgate --version',
      // Loads the client of the cluster.
      'rollgate scan --kubeconfig absent || echo code $?',
      'rollgate lint manifests || echo code $?',
    ];
    const { status, stdout, stderr } = spawnSync(
      'npx',
      ['--yes', `--package=node@${version}`, `--package=${tarball}`, '--call', commands.join('; ')],
      { cwd: empty, encoding: 'utf8', env: { ...process.env, XDG_CACHE_HOME: join(empty, 'cache') } },
    );
    expect(status, stderr).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(0, 5)).toEqual([`v${version}`, VERSION, VERSION, 'code 2', 'manifests/routes.yaml']);
    expect(lines.slice(-2)).toEqual(['✖ 4 problems (4 errors, 0 warnings)', 'code 1']);
    expect(stderr).toContain('rollgate scan: absent: no such file or directory\n');
  });
});

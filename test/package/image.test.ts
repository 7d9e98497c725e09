import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { buildImage, type BuiltImage } from './dockerfile.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLE = join(ROOT, 'examples/aks-gateway-api/as-written');

let folder = '';
let image: BuiltImage;
let app = '';
let command: string[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollgate-image-'));
  // The base image has the same major version of Node.js.
  const path = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`;
  image = buildImage(ROOT, folder, { ...process.env, PATH: path });
  app = join(image.root, image.workdir);
  command = image.entrypoint.slice(1);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the image', () => {
  it('takes its Node.js from the same major version in both stages and in package.json', () => {
    const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      devDependencies: { node: string };
    };
    const majors = [...dockerfile.matchAll(/^FROM \S*node(?:js|:)(\d+)/gm)].map(([, major]) => major);
    const [major] = devDependencies.node.split('.');
    expect(majors).toEqual([major, major]);
    expect(image.entrypoint[0]).toBe('/nodejs/bin/node');
  });

  it('has no packages of the development and no tests', () => {
    expect(existsSync(join(app, 'node_modules/@kubernetes/client-node'))).toBe(true);
    expect(existsSync(join(app, 'node_modules/typescript'))).toBe(false);
    expect(globSync('dist/**/*{.test.js,/fixtures/**}', { cwd: app })).toEqual([]);
  });

  it('serves by its entry point and command', async () => {
    const child = spawn(
      process.execPath,
      [...command, ...image.cmd, '--manifests', EXAMPLE, '--port', '0', '--health-port', '0'],
      { cwd: app, env: { ...process.env, ...image.env }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const closed = once(child, 'close') as Promise<[number | null]>;
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (/"port":\d+/.test(line)) child.kill('SIGTERM');
    }
    expect(await closed, lines.join('\n')).toEqual([0, null]);
  });

  it('has the command for kubectl exec', () => {
    const script = readFileSync(join(image.root, 'usr/local/bin/rollgate'), 'utf8');
    expect(script).toBe(`#!/nodejs/bin/node\nimport "${image.workdir}/dist/cli.js";\n`);
    // The same with the folders of this test. Its name has no ending, so Node.js must find out that it is a module.
    const file = join(folder, 'rollgate');
    writeFileSync(file, script.replace(image.workdir, app));
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [file, ...args], {
        encoding: 'utf8',
        cwd: app,
        // As in the pod, where nothing can be written.
        env: { ...process.env, ...image.env, HOME: '/dev/null', XDG_CACHE_HOME: '' },
      });
    expect(run('--version')).toMatchObject({ stdout: `${VERSION}\n`, stderr: '' });
    expect(run('lint', EXAMPLE)).toMatchObject({ status: 1, stdout: expect.stringContaining('4 problems') as string });
  });
});

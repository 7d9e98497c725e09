import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeProblem, OLDEST_NODE } from '../../src/node-version.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('the version of Node.js', () => {
  it.each([
    ['v18.20.0', false],
    ['v20.20.2', false],
    ['v22.18.9', false],
    ['v22.19.0', true],
    ['v23.0.0', true],
    ['v24.21.0', true],
  ])('%s: %s', (version, fits) => {
    expect(nodeProblem(version)).toBe(fits ? undefined : `rollgate needs Node.js 22.19 or later; this is ${version}`);
  });

  it('is the one that package.json asks for', () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { engines: { node: string } };
    expect(engines.node).toBe(`>=${OLDEST_NODE}.0`);
  });

  it('is looked at before anything else is loaded, and answered with one sentence and exit code 2', () => {
    // Prints the name of each file that is loaded: an old version could not link most of them.
    const pretend = `
      import { registerHooks } from 'node:module';
      Object.defineProperty(process, 'version', { value: 'v20.20.2' });
      registerHooks({ load(url, context, next) { if (url.includes('/src/')) console.log(url.split('/src/')[1]); return next(url, context); } });
    `;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, join(ROOT, 'src/cli.ts'), '--help'],
      { encoding: 'utf8' },
    );
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: 'cli.ts\nnode-version.ts\n',
      stderr: 'rollgate needs Node.js 22.19 or later; this is v20.20.2\n',
    });
  });
});

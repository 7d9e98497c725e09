import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { LOG_LEVELS } from '../../src/server/log.ts';
import { reviewOf, SHOP, type Json } from '../support/reviews.ts';
import { ask } from '../support/server.ts';
import { agent, cleanup, directory } from '../support/served.ts';

describe('the process', () => {
  const CLI = join(import.meta.dirname, '../../src/cli.ts');

  function launch(args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, [CLI, 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    cleanup.push(() => child.kill('SIGKILL'));
    return child;
  }

  async function ended(child: ChildProcess): Promise<{ code: number | null; stderr: string; stdout: string }> {
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error('no pipes');
    const [output, errors, [code]] = await Promise.all([
      textOf(stdout),
      textOf(stderr),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    return { code, stderr: errors, stdout: output };
  }

  it.each([
    [['--port', 'x'], "error: option '--port <number>' argument 'x' is invalid. use a whole number from 0 to 65535."],
    [['--port', '70000'], 'use a whole number from 0 to 65535.'],
    [['--tls-min-version', '1.1'], 'Allowed choices are 1.2, 1.3.'],
    [['--polcy', 'x'], "error: unknown option '--polcy'"],
    [['--manifests', 'no-such-directory'], 'rollgate serve: no-such-directory: no such file or directory\n'],
  ])('exits with 2 and a reason for %s', async (args, message) => {
    const { code, stderr, stdout } = await ended(launch(args));
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([code, stdout]).toEqual([2, '']);
  });

  it('accepts exactly the log levels that the chart accepts', async () => {
    const schema: unknown = JSON.parse(
      await readFile(join(import.meta.dirname, '../../chart/values.schema.json'), 'utf8'),
    );
    expect(schema).toMatchObject({ properties: { logLevel: { enum: [...LOG_LEVELS] } } });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('serves until %s, and writes its whole log', async (signal) => {
    const child = launch(['--manifests', await directory({ 'shop.yaml': SHOP }), '--port', '0', '--health-port', '0']);
    const result = ended(child);
    await new Promise<void>((resolve) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('"msg":"serving"')) resolve();
      });
    });
    child.kill(signal);
    const { code, stdout, stderr } = await result;
    expect([code, stderr]).toEqual([0, '']);
    const messages = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Json)['msg']);
    expect(messages.slice(-3)).toEqual(['serving', 'asked to stop', 'stopping']);
  });
});

describe('a log that cannot be written', () => {
  const CLI = join(import.meta.dirname, '../../src/cli.ts');

  async function freePort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  }

  it.each(['/dev/full', 'a pipe', 'a socket'])(
    'because it goes to %s that takes nothing stops neither reviews nor SIGTERM',
    async (output) => {
      const [port, healthPort] = [await freePort(), await freePort()];
      const path = await directory({ 'shop.yaml': SHOP });
      let stdout: number | 'pipe' = 'pipe';
      if (output !== 'a socket') {
        const fifo = join(path, 'fifo');
        if (output === 'a pipe') await promisify(execFile)('mkfifo', [fifo]);
        const file = output === '/dev/full' ? output : fifo;
        // Of a pipe this is also the reading end, so that it exists and reads nothing.
        const handle = await open(file, 'r+');
        cleanup.push(() => handle.close());
        stdout = handle.fd;
      }
      const args = [CLI, 'serve', '--manifests', join(path, 'shop.yaml')];
      const child = spawn(process.execPath, [...args, '--port', String(port), '--health-port', String(healthPort)], {
        stdio: ['ignore', stdout, 'inherit'],
      });
      cleanup.push(() => child.kill('SIGKILL'));
      const exited = once(child, 'exit');
      const health = `http://127.0.0.1:${healthPort}`;
      await eventually(async () => expect((await fetch(`${health}/readyz`)).status).toBe(200));
      // Each line is some hundred characters longer than usual: together they are as long as those of 10,000 requests.
      const user = 'u'.repeat(300);
      const object = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'n'.repeat(300), namespace: 's'.repeat(300) },
      };
      const review = JSON.stringify(reviewOf({ operation: 'CREATE', object, user }));
      const client = agent();
      const send = async (): Promise<void> => {
        for (let index = 0; index < 200; index++)
          expect((await ask(port, '/validate', client, review)).status).toBe(200);
      };
      await Promise.all(Array.from({ length: 12 }, send));
      child.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    },
    120_000,
  );
});

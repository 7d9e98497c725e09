import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { send, type Reply } from './reply.ts';

const MIB = 1024 * 1024;
const server = createServer();

afterEach(() => {
  server.closeAllConnections();
  server.removeAllListeners('request');
  server.close();
});

/** Returns the answer to a request that gets this reply, and what was written of it so far. */
async function reply(reply: Reply): Promise<{ answer: IncomingMessage; written: number[] }> {
  const written: number[] = [];
  server.on('request', (_request, response: ServerResponse) => {
    for (const method of ['write', 'end'] as const) {
      const original = response[method].bind(response) as (...args: unknown[]) => never;
      vi.spyOn(response, method).mockImplementation((...args: unknown[]) => {
        if (args[0] instanceof Uint8Array) written.push(args[0].length);
        return original(...args);
      });
    }
    send(response, reply);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const request = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, agent: false });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return { answer, written };
}

describe('a long reply', () => {
  const text = 'é1234567'.repeat(MIB);
  const bytes = new TextEncoder().encode(text);

  it.each([
    ['text', text],
    ['bytes', bytes],
  ])('arrives whole, in pieces (%s)', async (_name, body) => {
    const { answer, written } = await reply({ status: 200, type: 'text/plain', body });
    expect(answer.headers['content-length']).toBe(String(bytes.length));
    expect((await buffer(answer)).equals(bytes)).toBe(true);
    expect(Math.max(...written)).toBeLessThanOrEqual(64 * 1024);
  });

  it('waits for a client that does not read', async () => {
    const { answer, written } = await reply({ status: 200, type: 'text/plain', body: bytes });
    await sleep(300);
    const sent = written.reduce((sum, length) => sum + length, 0);
    // The sockets of the loopback interface hold some MiB themselves.
    expect(sent).toBeLessThan(bytes.length);
    expect((await buffer(answer)).length).toBe(bytes.length);
  });
});

it('a short reply is written at once', async () => {
  const { answer, written } = await reply({ status: 404, type: 'text/plain', body: 'not found' });
  expect([answer.statusCode, (await buffer(answer)).toString()]).toEqual([404, 'not found']);
  expect(written).toEqual([9]);
});

import { once } from 'node:events';
import https from 'node:https';
import { connect as connectPlain } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { GateAnswer } from '../../src/admission/gate.ts';
import { allowed } from '../../src/admission/response.ts';
import { BodyLanes } from '../../src/server/body-lanes.ts';
import { metric } from '../support/app.ts';
import { reviewOf, SHOP, shopObject } from '../support/reviews.ts';
import { ask, startTestServer, type ServerOptions, type TestServer } from '../support/server.ts';

const BODY = JSON.stringify(reviewOf({ operation: 'CREATE', object: shopObject('Rollout', 'reviews') }));
const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function start(options?: ServerOptions): Promise<TestServer> {
  const server = await startTestServer(SHOP, options);
  cleanup.push(() => server.stop());
  return server;
}

async function dial(server: TestServer): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: server.running.port, rejectUnauthorized: false });
  socket.on('error', () => undefined);
  cleanup.push(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

async function read(socket: TLSSocket, until: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    const done = (): void => resolve(text);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (until.test(text)) done();
    });
    socket.once('close', done);
  });
}

const HEAD = `POST /validate?timeout=5s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(BODY)}\r\n`;

describe('connections', () => {
  it('that end in the middle of a body release their memory, and do not block other requests', async () => {
    const limiter = new BodyLanes({ requests: 1, weight: 100_000 });
    const server = await start({ limiter });
    const sockets = [await dial(server), await dial(server)];
    for (const socket of sockets) socket.write(`${HEAD}\r\n${BODY.slice(0, 100)}`);
    await eventually(() => expect(limiter.weight).toBe(200));
    const agent = new https.Agent();
    expect((await ask(server.running.port, '/validate', agent, BODY)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await eventually(() => expect(limiter.weight).toBe(0));
    expect(server.lines.map(({ msg }) => msg)).toEqual(['decided']);
  });

  it('may send a body in pieces, and pipelined requests', async () => {
    const server = await start();
    const pieces = await dial(server);
    const answer = read(pieces, /"allowed":true/);
    pieces.write(HEAD);
    pieces.write('\r\n');
    for (let start = 0; start < BODY.length; start += 500) {
      pieces.write(BODY.slice(start, start + 500));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const pipelined = await dial(server);
    const answers = read(pipelined, /(allowed[^]*){3}/);
    pipelined.write(`${HEAD}\r\n${BODY}`.repeat(3));
    expect((await answers).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
  });

  it('are answered before the rest of the body if its declared size is too large', async () => {
    const socket = await dial(await start());
    const answer = read(socket, /"response":/);
    socket.write(HEAD.replace(/content-length: \d+/, 'content-length: 8388608'));
    socket.write(`\r\n${BODY.slice(0, -2)},"padding":"${'x'.repeat(20_000)}`);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*could not be checked/);
  });

  it('stay usable after a body that was rejected unread', async () => {
    const server = await start();
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    cleanup.push(() => agent.destroy());
    const refused = await ask(server.running.port, '/validate', agent, 'x'.repeat(7 * 1024 * 1024 + 1));
    expect(refused.status).toBe(413);
    const accepted = await ask(server.running.port, '/validate', agent, BODY);
    expect([accepted.status, accepted.localPort]).toEqual([200, refused.localPort]);
  });

  it('are closed if they do not speak HTTP, or send too much', async () => {
    const server = await start();
    const garbage = await dial(server);
    const refusal = read(garbage, /$^/);
    garbage.write('\u0016\u0003\u0001 hello\r\n\r\n');
    expect(await refusal).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    const verbose = await dial(server);
    const tooLarge = read(verbose, /$^/);
    verbose.write(`${HEAD}x: ${'y'.repeat(40_000)}\r\n\r\n${BODY}`);
    expect(await tooLarge).toMatch(/^HTTP\/1\.1 431 /);
    const smuggled = await dial(server);
    const ambiguous = read(smuggled, /$^/);
    smuggled.write(`${HEAD}transfer-encoding: chunked\r\n\r\n0\r\n\r\n${BODY}`);
    expect(await ambiguous).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    const token = await dial(server);
    const fits = read(token, /"allowed":true/);
    token.write(`${HEAD}authorization: Bearer ${'y'.repeat(20_000)}\r\n\r\n${BODY}`);
    expect(await fits).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

describe('many connections', () => {
  it('close the one that is idle for the longest time, and never one with a request in progress', async () => {
    const { promise, resolve } = Promise.withResolvers<GateAnswer>();
    const entered = Promise.withResolvers<void>();
    const wait = (): Promise<GateAnswer> => {
      entered.resolve();
      return promise;
    };
    const server = await start({ maxConnections: 3, gate: { mutate: wait, validate: wait } });
    const busy = await dial(server);
    const decided = read(busy, /"allowed":true/);
    busy.write(`${HEAD}\r\n${BODY}`);
    await entered.promise;
    const idle = await dial(server);
    const slow = await dial(server);
    const closed = [idle, slow].map((socket) => once(socket, 'close'));
    // A client that sends slowly does not keep its place.
    slow.write(`${HEAD}\r\n${BODY.slice(0, 10)}`);
    await dial(server);
    await closed[0];
    await dial(server);
    await closed[1];
    resolve({ response: allowed('1'), record: { verdict: 'allow', findings: [], skipped: [], kept: [] } });
    expect(await decided).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(await metric(server.metrics, 'rollgate_connections')).toBe(3);
    expect(await metric(server.metrics, 'rollgate_connections_closed_total')).toBe(2);
  });

  it('that stay idle are never more than the limit, and keep no request out', async () => {
    const server = await start({ maxConnections: 20 });
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    cleanup.push(() => agent.destroy());
    for (let index = 0; index < 100; index++) {
      await dial(server);
      if (index % 10 === 0) expect((await ask(server.running.port, '/validate', agent, BODY)).status).toBe(200);
    }
    expect(await metric(server.metrics, 'rollgate_connections')).toBe(20);
    expect(await metric(server.metrics, 'rollgate_connections_closed_total')).toBe(81);
  });

  it('of one client do not close the connection of another', async () => {
    const server = await start({ maxConnections: 10 });
    const { port } = server.running;
    const apiServer = connect({
      socket: connectPlain({ host: '127.0.0.1', localAddress: '127.0.0.2', port }),
      rejectUnauthorized: false,
    });
    cleanup.push(() => apiServer.destroy());
    await once(apiServer, 'secureConnect');
    for (let index = 0; index < 30; index++) await dial(server);
    const answer = read(apiServer, /"allowed":true/);
    apiServer.write(`${HEAD}\r\n${BODY}`);
    expect(await answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(await metric(server.metrics, 'rollgate_connections_closed_total')).toBe(21);
  });

  it('whose handshake or request does not come are closed', async () => {
    const server = await start();
    const silent = connectPlain(server.running.port, '127.0.0.1');
    const [handshake, request] = [silent, await dial(server)];
    // Both limits are 10 s.
    await Promise.all([handshake, request].map((socket) => once(socket.resume(), 'close')));
    expect(await metric(server.metrics, 'rollgate_connections')).toBe(0);
  });
});

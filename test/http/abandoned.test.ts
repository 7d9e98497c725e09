import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { GateAnswer, Limits } from '../../src/admission/gate.ts';
import { metric, testApp, type TestApp } from '../support/app.ts';
import { reviewOf, SHOP, shopObject } from '../support/reviews.ts';

const REVIEW = JSON.stringify(reviewOf({ operation: 'CREATE', object: shopObject('Rollout', 'reviews') }));

let running: { readonly app: TestApp; readonly server: http.Server } | undefined;

afterEach(async () => {
  running?.server.closeAllConnections();
  running?.server.close();
  await running?.app.stop();
});

interface Started {
  readonly app: TestApp;
  readonly url: string;
  /** Resolves with the limits of the first request. */
  readonly entered: Promise<Limits>;
}

// Its gate works until its signal says that nobody waits.
async function start(): Promise<Started> {
  const entered = Promise.withResolvers<Limits>();
  const work = async (_request: unknown, limits: Limits): Promise<GateAnswer> => {
    entered.resolve(limits);
    const { signal } = limits;
    if (signal === undefined) throw new Error('no signal');
    if (!signal.aborted) await once(signal, 'abort');
    throw signal.reason;
  };
  const app = testApp(SHOP, { gate: { mutate: work, validate: work } });
  const server = http.createServer(app.app);
  running = { app, server };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { app, url: `http://127.0.0.1:${port}`, entered: entered.promise };
}

describe('a request whose client has gone', () => {
  it.each(['mutate', 'validate'])('is dropped by /%s, without an error', async (webhook) => {
    const { app, url, entered } = await start();
    const sent = http.request(`${url}/${webhook}`, { method: 'POST', headers: { 'content-type': 'application/json' } });
    sent.on('error', () => undefined);
    sent.end(REVIEW);
    const { signal } = await entered;
    expect(signal?.aborted).toBe(false);
    sent.destroy();
    await eventually(async () => expect(await metric(app.metrics, 'rollgate_in_flight')).toBe(0));
    expect(signal?.aborted).toBe(true);
    expect(app.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('a request whose time is over', () => {
  it('is answered, and the work on it ends', async () => {
    const { url, entered } = await start();
    const answered = fetch(`${url}/validate?timeout=100ms`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: REVIEW,
    });
    const { signal } = await entered;
    const response = await answered;
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ response: { allowed: true } });
    expect(signal?.aborted).toBe(true);
  });
});

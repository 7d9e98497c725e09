import https from 'node:https';
import { connect as connectPlain } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { GateAnswer } from '../../src/admission/gate.ts';
import { allowed } from '../../src/admission/response.ts';
import { startServer } from '../../src/server/server.ts';
import { certificate } from '../support/certificates.ts';
import { reviewOf, SHOP, shopObject } from '../support/reviews.ts';
import { ask, fixedCertificate, startTestServer, type ServerOptions, type TestServer } from '../support/server.ts';

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

function keepAlive(): https.Agent {
  const agent = new https.Agent({ keepAlive: true });
  cleanup.push(() => agent.destroy());
  return agent;
}

async function readiness(server: TestServer): Promise<number> {
  return (await fetch(`http://127.0.0.1:${server.running.healthPort}/readyz`)).status;
}

describe('stopping', () => {
  it('loses no request, although clients notice it late and keep their connections', async () => {
    const servers = [await start({ drain: { quiet: 300, longest: 20_000 } }), await start()];
    const [leaving, staying] = servers as [TestServer, TestServer];
    // Plays a Service: clients use this list, which is updated some requests after a server reports that it is not
    // ready.
    const endpoints = [leaving, staying];
    const LATE = 200;
    let answered = 0;
    let toLeaving = 0;
    let closing = 0;
    let stopped: Promise<void> | undefined;
    let unready: number | undefined;
    let done = false;
    const client = async (index: number): Promise<void> => {
      const agent = keepAlive();
      for (let count = index; !done; count++) {
        const target = endpoints[count % endpoints.length] ?? staying;
        const { status, headers } = await ask(target.running.port, '/validate?timeout=5s', agent, BODY);
        expect(status).toBe(200);
        answered++;
        if (target === leaving) toLeaving++;
        if (headers['connection'] === 'close') closing++;
        if (answered >= 100 && stopped === undefined) {
          stopped = leaving.running.stop();
          unready = await readiness(leaving);
          const until = answered + LATE;
          void (async () => {
            while (answered < until) await new Promise((resolve) => setImmediate(resolve));
            endpoints.splice(0, 1);
          })();
        }
        if (answered >= 1_000) done = true;
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, index) => client(index)));
    await stopped;
    expect(unready).toBe(503);
    expect(toLeaving).toBeGreaterThan(100);
    // At least one answer for each open connection and for each late one.
    expect(closing).toBeGreaterThanOrEqual(50);
    await expect(ask(leaving.running.port, '/validate', keepAlive(), BODY)).rejects.toThrow('ECONNREFUSED');
    expect(answered).toBeGreaterThanOrEqual(1_000);
  });

  it('answers requests in progress, and closes their connections', async () => {
    const { promise, resolve } = Promise.withResolvers<GateAnswer>();
    const entered = Promise.withResolvers<void>();
    const wait = (): Promise<GateAnswer> => {
      entered.resolve();
      return promise;
    };
    const server = await start({ gate: { mutate: wait, validate: wait } });
    const pending = ask(server.running.port, '/validate', keepAlive(), BODY);
    await entered.promise;
    const stopped = server.running.stop();
    expect(await readiness(server)).toBe(503);
    resolve({ response: allowed('1'), record: { verdict: 'allow', findings: [], skipped: [], kept: [] } });
    const { status, headers } = await pending;
    expect([status, headers['connection']]).toEqual([200, 'close']);
    await stopped;
  });

  it('does not wait for probes, idle connections, or silent clients', async () => {
    const server = await start({ drain: { quiet: 50, longest: 60_000, grace: 300 } });
    await ask(server.running.port, '/v1/rules', keepAlive());
    const silent = connectPlain(server.running.port, '127.0.0.1');
    silent.on('error', () => undefined);
    const closed = new Promise((resolve) => silent.once('close', resolve));
    await new Promise((resolve) => silent.once('connect', resolve));
    let probing = true;
    const prober = (async () => {
      while (probing) await readiness(server).catch(() => undefined);
    })();
    const began = performance.now();
    await server.running.stop();
    // Waiting for the missing handshake would take ten seconds.
    expect(performance.now() - began).toBeLessThan(8_000);
    probing = false;
    await Promise.all([prober, closed]);
  });

  it('ends at its limit, whatever comes in', async () => {
    const server = await start({ drain: { quiet: 60_000, longest: 200, grace: 200 } });
    const began = performance.now();
    await server.running.stop();
    expect(performance.now() - began).toBeLessThan(30_000);
    await expect(ask(server.running.port, '/v1/rules', keepAlive())).rejects.toThrow('ECONNREFUSED');
  });

  it('ends at once when asked twice, even with a request in progress', async () => {
    const entered = Promise.withResolvers<void>();
    const wait = (): Promise<GateAnswer> => {
      entered.resolve();
      return new Promise(() => undefined);
    };
    const server = await start({
      gate: { mutate: wait, validate: wait },
      drain: { quiet: 600_000, longest: 600_000, grace: 600_000 },
    });
    const pending = ask(server.running.port, '/validate', keepAlive(), BODY);
    const failed = expect(pending).rejects.toThrow(/hang up|ECONNRESET/);
    await entered.promise;
    const first = server.running.stop();
    await Promise.all([first, server.running.stop(), failed]);
  });
});

describe('starting', () => {
  it('fails with the port that is in use, and leaves nothing open', async () => {
    const first = await start();
    const port = first.running.healthPort;
    const listening = (): number =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'TCPServerWrap').length;
    const before = listening();
    await expect(
      startServer({
        app: first.app,
        certificate: fixedCertificate(certificate()),
        minTlsVersion: 'TLSv1.3',
        host: '127.0.0.1',
        port: 0,
        healthPort: port,
        checks: [],
        maxConnections: 10,
        metrics: first.metrics,
        log: first.log,
        drain: { quiet: 0, longest: 0, grace: 0 },
        now: Date.now,
      }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE', port });
    await eventually(() => expect(listening()).toBe(before));
  });

  it('keeps idle connections longer than the API server does', async () => {
    const server = await start();
    const { headers } = await ask(server.running.port, '/v1/rules', keepAlive());
    expect(headers['keep-alive']).toBe('timeout=95');
  });
});

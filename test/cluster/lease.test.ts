import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, describe, expect, it } from 'vitest';
import { LeaderLease } from '../../src/cluster/lease.ts';
import { dig, type JsonObject } from '../../src/world/read.ts';
import { eventually, recorder } from './helpers.ts';

const PATH = '/apis/coordination.k8s.io/v1/namespaces/rollgate/leases';

/** An API server with one Lease. A write must name its current resource version. */
class Leases {
  lease: JsonObject | undefined;
  /** Called between a read and its answer, and before a write is handled. */
  before: (method: string) => void = () => undefined;
  /** Called with each Lease that is stored. */
  stored: (lease: JsonObject) => void = () => undefined;
  down = false;
  #version = 1;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        if (this.down) return response.destroy();
        this.before(request.method ?? '');
        const [status, answer] = this.#answer(request.method ?? '', body);
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      });
    });
  }

  static async start(): Promise<Leases> {
    const leases = new Leases();
    await new Promise<void>((resolve) => leases.#server.listen(0, '127.0.0.1', resolve));
    return leases;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get holder(): unknown {
    return dig(this.lease, 'spec', 'holderIdentity');
  }

  kubeConfig(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      {
        name: 'leases',
        server: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
        skipTLSVerify: true,
      },
      { name: 'test' },
    );
    return config;
  }

  /** Another client becomes the holder. */
  take(holderIdentity: string): void {
    this.#store({
      metadata: { name: 'conversion', namespace: 'rollgate' },
      spec: { holderIdentity, leaseDurationSeconds: 60, renewTime: new Date().toISOString(), leaseTransitions: 1 },
    });
  }

  #answer(method: string, body: string): [number, unknown] {
    const written = body === '' ? undefined : (JSON.parse(body) as JsonObject);
    if (method === 'GET')
      return this.lease === undefined ? [404, { message: `${PATH}/conversion not found` }] : [200, this.lease];
    const current =
      method === 'POST'
        ? this.lease === undefined
        : dig(written, 'metadata', 'resourceVersion') === dig(this.lease, 'metadata', 'resourceVersion');
    if (written === undefined || !current) return [409, { message: 'the object has been modified' }];
    this.#store(written);
    return [200, this.lease];
  }

  #store(lease: JsonObject): void {
    this.stored(lease);
    this.lease = { ...lease, metadata: { ...(lease['metadata'] as object), resourceVersion: String(++this.#version) } };
  }
}

const stopping: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stopping.splice(0).reverse()) await stop();
});

async function serve(): Promise<Leases> {
  const leases = await Leases.start();
  stopping.push(() => leases.stop());
  return leases;
}

// No test lasts as long as this duration.
function start(
  leases: Leases,
  identity: string,
  duration = 600_000,
  log = recorder().logger,
  mayLead: () => boolean = () => true,
): LeaderLease {
  const lease = new LeaderLease({
    kubeConfig: leases.kubeConfig(),
    namespace: 'rollgate',
    name: 'conversion',
    identity,
    task: 'converts Deployments',
    log,
    duration,
    period: 20,
    mayLead,
  });
  stopping.push(() => lease.stop());
  lease.start();
  return lease;
}

describe('a Lease', () => {
  it('says in the log what its holder does', async () => {
    const leases = await serve();
    const { lines, logger } = recorder();
    const lease = start(leases, 'one', 600_000, logger);
    await eventually(() => expect(lease.leading).toBe(true));
    await eventually(() => expect(lines.map(({ message }) => message)).toEqual(['this process converts Deployments']));
  });

  it('is held by the first process, and by the other one after the first releases it', async () => {
    const leases = await serve();
    const one = start(leases, 'one');
    await eventually(() => expect(one.leading).toBe(true));
    const two = start(leases, 'two');
    let reads = 0;
    leases.before = () => void reads++;
    await eventually(() => expect(reads).toBeGreaterThan(10));
    expect([one.leading, two.leading]).toEqual([true, false]);
    await one.stop();
    expect(one.leading).toBe(false);
    await eventually(() => expect(two.leading).toBe(true));
    expect(leases.holder).toBe('two');
  });

  it('is left to others by a process that may not lead, until it may', async () => {
    const leases = await serve();
    let asked = 0;
    let may = false;
    const one = start(leases, 'one', undefined, undefined, () => {
      asked++;
      return may;
    });
    await eventually(() => expect(asked).toBeGreaterThan(3));
    expect([one.leading, leases.lease]).toEqual([false, undefined]);
    may = true;
    await eventually(() => expect(one.leading).toBe(true));
  });

  it('keeps its acquireTime while the holder stays, and gets another with the next holder', async () => {
    const leases = await serve();
    const written: unknown[][] = [];
    leases.stored = ({ spec }) =>
      written.push(['holderIdentity', 'acquireTime', 'renewTime'].map((field) => dig(spec, field)));
    const one = start(leases, 'one');
    await eventually(() => expect(new Set(written.map(([, , renewed]) => renewed)).size).toBeGreaterThan(3));
    await one.stop();
    expect(new Set(written.map(([, acquired]) => acquired)).size).toBe(1);
    const two = start(leases, 'two');
    await eventually(() => expect(two.leading).toBe(true));
    await two.stop();
    const byTwo = new Set(written.filter(([holder]) => holder === 'two').map(([, acquired]) => acquired));
    expect(byTwo.size).toBe(1);
    expect(byTwo).not.toContain(written[0]?.[1]);
  });

  it('is lost when a read shows another holder', async () => {
    const leases = await serve();
    const one = start(leases, 'one');
    await eventually(() => expect(one.leading).toBe(true));
    leases.take('two');
    await eventually(() => expect(one.leading).toBe(false));
    expect(leases.holder).toBe('two');
  });

  it('is lost when another client wrote it after the read', async () => {
    const leases = await serve();
    const one = start(leases, 'one');
    await eventually(() => expect(one.leading).toBe(true));
    const led: boolean[] = [];
    // From now on every write conflicts, and every read still shows this process as the holder.
    leases.before = (method) => {
      if (method === 'GET') led.push(one.leading);
      if (method === 'PUT') leases.take('one');
    };
    await eventually(() => expect(led.at(-1)).toBe(false));
  });

  it('is kept for a while without answers, and requested again', async () => {
    const leases = await serve();
    const one = start(leases, 'one');
    await eventually(() => expect(one.leading).toBe(true));
    leases.down = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(one.leading).toBe(true);
    leases.down = false;
    await eventually(() => expect(one.leading).toBe(true));
  });

  it('is given up after two thirds of its duration without answers', async () => {
    const leases = await serve();
    const one = start(leases, 'one', 600);
    await eventually(() => expect(one.leading).toBe(true));
    leases.down = true;
    await eventually(() => expect(one.leading).toBe(false));
  });
});

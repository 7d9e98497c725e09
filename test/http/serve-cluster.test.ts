import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { UserInfo } from '../../src/admission/review.ts';
import type { Cluster } from '../../src/commands/serve/cluster.ts';
import { storeOf } from '../../src/world/store.ts';
import { worldOf } from '../support/app.ts';
import { asFiles, certificate } from '../support/certificates.ts';
import { reviewOf, SHOP, shopObject, type Json } from '../support/reviews.ts';
import { ask } from '../support/server.ts';
import { type Served, agent, cleanup, directory, start, unroutedRollout } from '../support/served.ts';
import { liveOf, UNREADABLE } from '../support/gate.ts';
import { supportedRange } from '../../src/world/rollouts-versions.ts';

describe('rollgate serve with a cluster', () => {
  const jane: UserInfo = { username: 'jane', groups: [], uid: '', extra: {} };

  function clusterWith(parts: Partial<Cluster> = {}): Cluster {
    return {
      world: worldOf(SHOP),
      live: UNREADABLE,
      authorizer: {
        authenticate: (token) => Promise.resolve(token === 'good' ? jane : undefined),
        mayUse: () => Promise.resolve(true),
        mayRead: () => Promise.resolve(true),
        mayGet: () => Promise.resolve(false),
        mayBreakGlass: () => Promise.resolve(true),
        mayCreateRollouts: () => Promise.resolve(true),
      },
      checks: [],
      discovered: () => ({ trusted: [], untrusted: [] }),
      versions: () => supportedRange([]),
      caches: () => [],
      cacheBytes: () => 0,
      stop: () => Promise.resolve(),
      ...parts,
    };
  }

  async function startWith(cluster: Cluster): Promise<Served> {
    const certDir = await directory(asFiles(certificate()));
    return start(
      { certDir, host: '127.0.0.1' },
      { connect: () => Promise.resolve(cluster), drain: { quiet: 0, longest: 0, grace: 100 } },
    );
  }

  it('is ready when the cluster is ready, requires tokens, and shows the caches', async () => {
    let why: string | undefined = 'rollouts were not read yet';
    const { running, lines } = await startWith(
      clusterWith({
        checks: [{ name: 'caches', failing: () => why }],
        caches: () => [{ kind: 'Service', synced: true, staleness: 3, nameOnly: 0 }],
        cacheBytes: () => 4096,
      }),
    );
    const readyz = `http://127.0.0.1:${running.healthPort}/readyz`;
    expect((await fetch(readyz)).status).toBe(503);
    // Controllers are unknown before the cluster was read.
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
    why = undefined;
    expect((await fetch(readyz)).status).toBe(200);
    expect((await ask(running.port, '/v1/dry-run', agent(), JSON.stringify(unroutedRollout()))).status).toBe(401);
    const metrics = await (await fetch(`http://127.0.0.1:${running.healthPort}/metrics`)).text();
    expect(metrics).toContain('rollgate_cache_staleness_seconds{kind="Service"} 3\n');
    expect(metrics).toContain('rollgate_cache_bytes 4096\n');
  });

  it('reports accounts that only look like controllers, has keeps on, and is ready', async () => {
    const tenant = 'system:serviceaccount:tenant:argo-rollouts';
    const { running, lines } = await startWith(
      clusterWith({ discovered: () => ({ trusted: [], untrusted: [tenant] }) }),
    );
    const warnings = lines.filter(({ level }) => level === 'warn');
    expect(warnings).toMatchObject([{ account: tenant }]);
    const health = `http://127.0.0.1:${running.healthPort}`;
    expect((await fetch(`${health}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${health}/metrics`)).text();
    expect(metrics).toContain('rollgate_untrusted_controllers 1\n');
    expect(metrics).toContain('rollgate_keeps_off 0\n');
  });

  it('warns instead of denying if live objects cannot be read', async () => {
    const { running } = await startWith(clusterWith());
    const review = reviewOf({
      operation: 'UPDATE',
      object: unroutedRollout(),
      oldObject: shopObject('Rollout', 'reviews'),
    });
    const { body } = await ask(running.port, '/validate', agent(), JSON.stringify(review));
    expect(JSON.parse(body)).toMatchObject({
      response: {
        allowed: true,
        warnings: expect.arrayContaining([
          expect.stringContaining('virtualservice-route-exists') as string,
        ]) as string[],
      },
    });
  });

  it('tells of namespaces whose label names nothing in the policy, in the log and without names in the metrics', async () => {
    const labels = { 'rollgate.io/convert': 'canry' };
    const world = storeOf([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } }]);
    const { running, lines } = await startWith(clusterWith({ world }));
    expect(lines.filter(({ msg }) => msg === 'a label of a namespace has no effect')).toEqual([
      expect.objectContaining({ namespace: 'shop', reason: expect.stringContaining('use "canary"') as string }),
    ]);
    const metrics = await (await fetch(`http://127.0.0.1:${running.healthPort}/metrics`)).text();
    expect(metrics.split('\n').filter((line) => line.startsWith('rollgate_unknown_labels'))).toEqual([
      'rollgate_unknown_labels{label="rollgate.io/policy"} 0',
      'rollgate_unknown_labels{label="rollgate.io/convert"} 1',
    ]);
  });

  it('accepts break-glass only if the API server confirms the right', async () => {
    const world = worldOf(SHOP);
    const live = liveOf(() => [...world.all()]);
    const rollout = unroutedRollout();
    rollout['metadata'] = {
      ...(rollout['metadata'] as Json),
      annotations: {
        'rollgate.io/break-glass': `${new Date(Date.now() + 3_600_000).toISOString()} the controller is dead`,
      },
    };
    const review = JSON.stringify(
      reviewOf({ operation: 'UPDATE', object: rollout, oldObject: shopObject('Rollout', 'reviews') }),
    );
    for (const [mayBreakGlass, allowed] of [
      [() => Promise.resolve(true), true],
      [() => Promise.resolve(false), false],
      [() => Promise.reject(new Error('connection refused')), false],
    ] as const) {
      const { running, lines } = await startWith(
        clusterWith({ world, live, authorizer: { ...clusterWith().authorizer, mayBreakGlass } }),
      );
      const { body } = await ask(running.port, '/validate', agent(), review);
      expect(JSON.parse(body)).toMatchObject({ response: { allowed } });
      expect(lines.filter(({ msg }) => msg === 'internal error')).toEqual([]);
    }
  });

  it('stops the cluster when it stops, and when it cannot start', async () => {
    let stopped = 0;
    const stop = (): Promise<void> => {
      stopped++;
      return Promise.resolve();
    };
    const { running } = await startWith(clusterWith({ stop }));
    await running.stop();
    expect(stopped).toBe(1);
    const certDir = await directory(asFiles(certificate()));
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanup.push(() => taken.close());
    const { port } = taken.address() as AddressInfo;
    await expect(
      start({ certDir, host: '127.0.0.1', port }, { connect: () => Promise.resolve(clusterWith({ stop })) }),
    ).rejects.toThrow('is in use');
    expect(stopped).toBe(2);
  });
});

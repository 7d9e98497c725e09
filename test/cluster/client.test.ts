import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient, ApiError } from '../../src/cluster/client.ts';
import { TIMING } from '../../src/cluster/timing.ts';
import { core, eventually, names, recorder, rollout, serve, synced, watch } from './helpers.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rollgate-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const forever = (): AbortSignal => new AbortController().signal;

describe('credentials', () => {
  it('from a token file are read again when they are rejected, once for all requests', async () => {
    const server = await serve();
    server.tokens = new Set(['first']);
    const tokenFile = join(directory, 'token');
    // Files written by hand end in a newline.
    writeFileSync(tokenFile, 'first\n');
    const cluster = await synced(server, { kubeConfig: server.kubeConfig({ tokenFile }) });
    await eventually(() => expect(server.watching('argoproj.io/rollouts')).toBe(1));
    server.tokens = new Set(['second']);
    writeFileSync(tokenFile, 'second');
    server.put(rollout('a'));
    server.cutWatches();
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']));
    expect(cluster.unknown()).toEqual(new Map());
  });

  it('that are rejected are renewed within the request', async () => {
    const server = await serve();
    server.tokens = new Set(['second']);
    const tokenFile = join(directory, 'token');
    writeFileSync(tokenFile, 'first');
    const client = new ApiClient(server.kubeConfig({ tokenFile }), TIMING);
    await expect(client.get({ path: '/apis', signal: forever() })).rejects.toThrow('401 Unauthorized');
    await expect(client.get({ path: '/apis', signal: forever() })).rejects.toThrow('401 Unauthorized');
    expect(server.requests.map(({ authorization }) => authorization)).toEqual([
      'Bearer first',
      'Bearer first',
      'Bearer first',
    ]);
    client.close();
    const other = new ApiClient(server.kubeConfig({ tokenFile }), TIMING);
    server.tokens = new Set(['first']);
    await other.get({ path: '/apis', signal: forever() });
    server.tokens = new Set(['second']);
    writeFileSync(tokenFile, 'second');
    expect(await other.get({ path: '/apis', signal: forever() })).toMatchObject({ kind: 'APIGroupList' });
    other.close();
  });

  it('that stay rejected are tried again later', async () => {
    const server = await serve();
    server.tokens = new Set(['late']);
    const tokenFile = join(directory, 'token');
    writeFileSync(tokenFile, 'early');
    const { lines, logger } = recorder();
    const cluster = watch(server, { kubeConfig: server.kubeConfig({ tokenFile }), logger });
    await eventually(() => expect(lines.map(({ fields }) => fields['error'])).toContain('401 Unauthorized'));
    expect(cluster.ready().reasons.join()).toContain('401 Unauthorized');
    writeFileSync(tokenFile, 'late');
    await eventually(() => expect(cluster.ready().ok).toBe(true));
  });

  it('from an exec plugin are requested once, and again when they are rejected', async () => {
    const server = await serve();
    server.tokens = new Set(['token-1']);
    const count = join(directory, 'count');
    const plugin = join(directory, 'plugin');
    writeFileSync(count, '');
    const credential =
      '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"token-%s"}}';
    writeFileSync(
      plugin,
      `#!/bin/sh\nprintf x >> "${count}"\nprintf '${credential}' "$(wc -c < "${count}" | tr -d ' ')"\n`,
    );
    chmodSync(plugin, 0o755);
    const kubeConfig = server.kubeConfig();
    kubeConfig.users = [{ name: 'test', exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin } }];
    const cluster = await synced(server, { kubeConfig, timing: { credentials: 0 } });
    await eventually(() => expect(server.watching()).toBeGreaterThan(20));
    expect(readFileSync(count, 'utf8')).toBe('x');
    server.tokens = new Set(['token-2']);
    server.put(rollout('a'));
    server.cutWatches();
    await eventually(() => expect(names(cluster, 'Rollout.argoproj.io')).toEqual(['a']));
    await eventually(() => expect(server.watching()).toBeGreaterThan(20));
    expect(readFileSync(count, 'utf8')).toBe('xx');
  });

  it('from an exec plugin that fails cause an error that says so', async () => {
    const server = await serve();
    const kubeConfig = server.kubeConfig();
    kubeConfig.users = [
      { name: 'test', exec: { apiVersion: 'client.authentication.k8s.io/v1', command: join(directory, 'none') } },
    ];
    const client = new ApiClient(kubeConfig, TIMING);
    await expect(client.get({ path: '/apis', signal: forever() })).rejects.toThrow('ENOENT');
    client.close();
  });

  it('are not sent over plain HTTP unless this is allowed', async () => {
    const server = await serve();
    const kubeConfig = server.kubeConfig({ token: 'secret' });
    kubeConfig.clusters = kubeConfig.clusters.map((each) => ({ ...each, skipTLSVerify: false }));
    const client = new ApiClient(kubeConfig, TIMING);
    await expect(client.get({ path: '/apis', signal: forever() })).rejects.toThrow('HTTP protocol is not allowed');
    expect(server.requests).toEqual([]);
    client.close();
  });
});

describe('requests', () => {
  it('keep the base path of the server URL', async () => {
    const server = await serve();
    const kubeConfig = server.kubeConfig();
    kubeConfig.clusters = kubeConfig.clusters.map((each) => ({ ...each, server: `${server.url}/k8s/clusters/c-1/` }));
    const client = new ApiClient(kubeConfig, TIMING);
    await expect(client.get({ path: '/apis', query: { a: 'b c' }, signal: forever() })).rejects.toThrow(
      '404 Not Found',
    );
    expect(server.requests.map(({ path, query }) => [path, query.get('a')])).toEqual([
      ['/k8s/clusters/c-1/apis', 'b c'],
    ]);
    client.close();
  });

  it('end at their deadline, and when they are aborted', async () => {
    const server = await serve();
    server.stall('/services');
    const client = new ApiClient(server.kubeConfig(), TIMING);
    const path = '/api/v1/services';
    await expect(client.get({ path, signal: forever(), timeout: 100 })).rejects.toThrow('no response within 0.1 s');
    await expect(client.get({ path, signal: AbortSignal.timeout(50) })).rejects.toThrow();
    await expect(client.stream({ path, signal: AbortSignal.abort() })).rejects.toThrow();
    client.close();
  });

  it('for a list may take as long as data arrives, and no longer', async () => {
    const items = Array.from({ length: 20 }, (_, index) => JSON.stringify({ index }));
    const slow = createServer((request, response) => {
      const pieces = ['{"kind":"List","items":[', items.join(',\n'), '],"metadata":{}}'].join('').split(/(?<=\n)/);
      if (request.url === '/half') pieces.splice(10);
      void (async () => {
        for (const piece of pieces) {
          response.write(piece);
          await sleep(20);
        }
        if (request.url !== '/half') response.end();
      })();
    });
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromClusterAndUser(
      { name: 'slow', server: `http://127.0.0.1:${(slow.address() as AddressInfo).port}`, skipTLSVerify: true },
      { name: 'test' },
    );
    const client = new ApiClient(kubeConfig, TIMING);
    const found: unknown[] = [];
    expect(
      await client.list({ path: '/all', signal: forever(), timeout: 5_000 }, (item) => found.push(item.value)),
    ).toEqual({
      kind: 'List',
      items: [],
      metadata: {},
    });
    expect(found).toEqual(items.map((item): unknown => JSON.parse(item)));
    await expect(client.list({ path: '/half', signal: forever(), timeout: 250 }, () => undefined)).rejects.toThrow(
      'no response within',
    );
    client.close();
    slow.close();
  });

  it('distinguish a missing object from a kind that is not served', async () => {
    const server = await serve();
    const client = new ApiClient(server.kubeConfig(), TIMING);
    const failed = async (path: string): Promise<ApiError | undefined> => {
      try {
        await client.get({ path, signal: forever() });
      } catch (error) {
        return error instanceof ApiError ? error : undefined;
      }
      return undefined;
    };
    expect(await failed('/api/v1/namespaces/shop/services/none')).toMatchObject({ status: 404, objectNotFound: true });
    expect(await failed('/api/v1/namespaces/shop/nonsense/none')).toMatchObject({ status: 404, objectNotFound: false });
    client.close();
  });

  it('in large numbers leave no dead connections: closed ones are opened again', async () => {
    const server = await serve();
    server.put(core('Service', 'shop', 'a'));
    const client = new ApiClient(server.kubeConfig(), TIMING);
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        Array.from({ length: 20 }, () => client.list({ path: '/api/v1/services', signal: forever() }, () => undefined)),
      );
      await server.stop();
      await server.listen();
    }
    expect(await client.get({ path: '/api/v1/services', signal: forever() })).toMatchObject({ kind: 'ServiceList' });
    client.close();
  });
});

describe('a pause', () => {
  it('ends as soon as an unreachable server answers again', async () => {
    const server = await serve();
    const client = new ApiClient(server.kubeConfig(), TIMING);
    await server.stop();
    await expect(client.get({ path: '/apis', signal: forever() })).rejects.toThrow('ECONNREFUSED');
    let over = false;
    const pause = client.pause(3_600_000, forever()).then(() => {
      over = true;
    });
    await server.listen();
    expect(over).toBe(false);
    await client.get({ path: '/apis', signal: forever() });
    await pause;
    client.close();
  });

  it('ends when it is aborted', async () => {
    const server = await serve();
    const client = new ApiClient(server.kubeConfig(), TIMING);
    await client.pause(3_600_000, AbortSignal.timeout(20));
    await client.pause(3_600_000, AbortSignal.abort());
    await client.pause(1, forever());
    client.close();
  });
});

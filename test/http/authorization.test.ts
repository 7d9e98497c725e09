import { AuthenticationV1Api, AuthorizationV1Api, KubeConfig } from '@kubernetes/client-node';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { json as bodyOf } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import type { UserInfo } from '../../src/admission/review.ts';
import { clusterAuthorizer, type Authorizer } from '../../src/server/authorization.ts';
import { certificate } from '../support/certificates.ts';
import { FAR } from '../support/eventually.ts';
import type { Json } from '../support/reviews.ts';

const JANE: UserInfo = { username: 'jane', groups: ['team-a'], uid: 'u1', extra: { 'example.com/scope': ['x', 'y'] } };
const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

interface ApiServer {
  readonly authorizer: Authorizer;
  /** The specs of the received reviews. */
  readonly asked: Json[];
  /** The time of the authorizer's clock, in milliseconds. */
  time: number;
  /** The number of connections to the API server. */
  connections: number;
}

/**
 * Returns an authorizer that asks a test API server over HTTP.
 *
 * @param answer - Returns the `status` of the review, the HTTP status of a failure, or undefined for no answer.
 */
async function apiServer(
  answer: (path: string, spec: Json) => Json | number | undefined,
  timeout = FAR,
): Promise<ApiServer> {
  const asked: Json[] = [];
  const pair = certificate();
  const state = { asked, time: 0, connections: 0 };
  const server = https.createServer(pair, (request, response) => {
    void bodyOf(request).then((body) => {
      const { spec } = body as { spec: Json };
      asked.push(spec);
      const status = answer(request.url ?? '', spec);
      if (status === undefined) return;
      response.writeHead(typeof status === 'number' ? status : 201, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify(
          typeof status === 'number' ? { kind: 'Status', message: 'out of order' } : { ...(body as Json), status },
        ),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.on('secureConnection', () => state.connections++);
  cleanup.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const config = new KubeConfig();
  const cluster = {
    name: 'test',
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    skipTLSVerify: false,
    caData: Buffer.from(pair.cert).toString('base64'),
  };
  config.loadFromClusterAndUser(cluster, { name: 'rollgate', token: 'own' });
  const authorizer = clusterAuthorizer({
    authentication: config.makeApiClient(AuthenticationV1Api),
    authorization: config.makeApiClient(AuthorizationV1Api),
    timeout,
    now: () => state.time,
  });
  return Object.assign(state, { authorizer });
}

describe('authenticate', () => {
  it('identifies the user of a token, and asks at most once in ten seconds', async () => {
    const api = await apiServer((_path, { token }) =>
      token === 'good'
        ? {
            authenticated: true,
            user: { username: 'jane', groups: ['team-a'], uid: 'u1', extra: { 'example.com/scope': ['x', 'y'] } },
          }
        : { authenticated: false, error: 'unknown' },
    );
    expect(await api.authorizer.authenticate('good')).toEqual(JANE);
    expect(await api.authorizer.authenticate('good')).toEqual(JANE);
    expect(await api.authorizer.authenticate('bad')).toBeUndefined();
    expect(api.asked).toEqual([{ token: 'good' }, { token: 'bad' }]);
    api.time = 10_000;
    expect(await api.authorizer.authenticate('good')).toEqual(JANE);
    expect(api.asked).toHaveLength(3);
  });

  it('asks once for many requests at the same time', async () => {
    const api = await apiServer(() => ({ authenticated: true, user: { username: 'jane' } }));
    const users = await Promise.all(Array.from({ length: 20 }, () => api.authorizer.authenticate('good')));
    expect(new Set(users.map((user) => user?.username))).toEqual(new Set(['jane']));
    expect(api.asked).toHaveLength(1);
  });

  it('accepts only an explicit yes', async () => {
    for (const status of [
      {},
      { authenticated: false, user: { username: 'jane' } },
      { authenticated: 'true', user: { username: 'jane' } },
      { authenticated: true },
      { authenticated: true, user: {} },
    ]) {
      const api = await apiServer(() => status);
      expect(await api.authorizer.authenticate('good')).toBeUndefined();
    }
  });

  it('rejects when the API server fails or does not answer in time, and asks again', async () => {
    const failing = await apiServer(() => 500);
    await expect(failing.authorizer.authenticate('good')).rejects.toThrow('out of order');
    await expect(failing.authorizer.authenticate('good')).rejects.toThrow('out of order');
    expect(failing.asked).toHaveLength(2);
    const silent = await apiServer(() => undefined, 50);
    await expect(silent.authorizer.authenticate('good')).rejects.toThrow();
  });
});

describe('rights', () => {
  it('are requested with everything that is known about the user', async () => {
    const api = await apiServer((path) =>
      path === '/apis/authorization.k8s.io/v1/subjectaccessreviews' ? { allowed: true } : 404,
    );
    const user = { user: 'jane', uid: 'u1', groups: ['team-a'], extra: { 'example.com/scope': ['x', 'y'] } };
    expect(await api.authorizer.mayUse(JANE)).toBe(true);
    expect(await api.authorizer.mayBreakGlass(JANE, 'shop')).toBe(true);
    expect(await api.authorizer.mayRead(JANE, 'Rollout.argoproj.io', 'shop')).toBe(true);
    expect(await api.authorizer.mayRead(JANE, 'Service', '')).toBe(true);
    expect(await api.authorizer.mayRead(JANE, 'ClusterAnalysisTemplate.argoproj.io', 'shop')).toBe(true);
    expect(api.asked).toEqual([
      { ...user, nonResourceAttributes: { path: '/v1/dry-run', verb: 'create' } },
      {
        ...user,
        resourceAttributes: { group: 'rollgate.io', resource: 'overrides', verb: 'break-glass', namespace: 'shop' },
      },
      { ...user, resourceAttributes: { group: 'argoproj.io', resource: 'rollouts', verb: 'get', namespace: 'shop' } },
      { ...user, resourceAttributes: { group: 'argoproj.io', resource: 'rollouts', verb: 'list', namespace: 'shop' } },
      { ...user, resourceAttributes: { group: '', resource: 'services', verb: 'get' } },
      { ...user, resourceAttributes: { group: '', resource: 'services', verb: 'list' } },
      { ...user, resourceAttributes: { group: 'argoproj.io', resource: 'clusteranalysistemplates', verb: 'get' } },
      { ...user, resourceAttributes: { group: 'argoproj.io', resource: 'clusteranalysistemplates', verb: 'list' } },
    ]);
  });

  it('to read mean get and list', async () => {
    for (const verb of ['get', 'list']) {
      const api = await apiServer((_path, spec) => ({
        allowed: (spec['resourceAttributes'] as Json)['verb'] === verb,
      }));
      expect(await api.authorizer.mayRead(JANE, 'Service', 'shop')).toBe(false);
    }
  });

  it('are cached for ten seconds, by user and place', async () => {
    const api = await apiServer((_path, { user }) => ({ allowed: user === 'jane' }));
    for (let count = 0; count < 3; count++) {
      expect(await api.authorizer.mayUse(JANE)).toBe(true);
      expect(await api.authorizer.mayUse({ ...JANE, username: 'joe' })).toBe(false);
    }
    expect(api.asked).toHaveLength(2);
    api.time = 10_000;
    expect(await api.authorizer.mayUse(JANE)).toBe(true);
    expect(api.asked).toHaveLength(3);
  });

  it('are requested over the same few connections, for a minute', async () => {
    const api = await apiServer(() => ({ allowed: true }));
    const askTwelve = async (): Promise<number> => {
      const before = api.connections;
      for (let index = 0; index < 12; index++) await api.authorizer.mayBreakGlass(JANE, `namespace-${index}`);
      return api.connections - before;
    };
    // A second connection may be opened while the first one still reads the end of an answer.
    expect(await askTwelve()).toBeLessThan(6);
    api.time = 60_000;
    const renewed = await askTwelve();
    expect(renewed).toBeGreaterThanOrEqual(1);
    expect(renewed).toBeLessThan(6);
    expect(api.asked).toHaveLength(24);
  });

  it('are denied unless the answer is an explicit yes, and unknown if the API server fails', async () => {
    for (const status of [{}, { allowed: false }, { allowed: 'true' }, { allowed: true, denied: true }]) {
      const api = await apiServer(() => status);
      expect(await api.authorizer.mayUse(JANE)).toBe(false);
    }
    const failing = await apiServer(() => 503);
    await expect(failing.authorizer.mayUse(JANE)).rejects.toThrow();
    await expect(failing.authorizer.mayRead(JANE, 'Service', 'shop')).rejects.toThrow();
    await expect(failing.authorizer.mayBreakGlass(JANE, 'shop')).rejects.toThrow();
  });
});

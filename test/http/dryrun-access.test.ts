import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import type { UserInfo } from '../../src/admission/review.ts';
import type { Authorizer } from '../../src/server/authorization.ts';
import { currentAddress } from '../../src/server/caller.ts';
import { NotAskedError } from '../../src/server/question-limiter.ts';
import type { KindId } from '../../src/world/object.ts';
import { shopObject } from '../support/reviews.ts';
import { type Answer, UNROUTED, post, routeFindings, start } from '../support/dryrun-app.ts';

describe('who may use it without a cluster', () => {
  it('only this machine itself', async () => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address !== undefined && !address.internal && address.family === 'IPv4');
    const app = start();
    const server = http.createServer(app.app);
    const spoofed = http.createServer((incoming, response) => {
      Object.defineProperty(incoming.socket, 'remoteAddress', { value: outside?.address ?? '192.0.2.1' });
      app.app(incoming, response);
    });
    try {
      for (const [listening, status] of [
        [server, 200],
        [spoofed, 403],
      ] as const) {
        await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
        const response = await request(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`)
          .post('/v1/dry-run')
          .send(UNROUTED);
        expect(response.status).toBe(status);
      }
    } finally {
      server.close();
      spoofed.close();
    }
  });
});

describe('who may use it in a cluster', () => {
  interface Rights {
    readonly mayUse?: boolean;
    readonly unreadable?: readonly KindId[];
    readonly broken?: keyof Authorizer;
    readonly error?: Error;
  }

  function authorizer({
    mayUse = true,
    unreadable = [],
    broken,
    error = new Error('connection refused'),
  }: Rights): Authorizer & { readonly asked: string[]; readonly addresses: Set<string> } {
    const asked: string[] = [];
    const addresses = new Set<string>();
    const answer = <T>(what: keyof Authorizer, value: T): Promise<T> => {
      addresses.add(`${what} ${currentAddress()}`);
      return what === broken ? Promise.reject(error) : Promise.resolve(value);
    };
    const jane: UserInfo = { username: 'jane', groups: [], uid: '1', extra: {} };
    return {
      asked,
      addresses,
      authenticate: (token) => answer('authenticate', token === 'good' ? jane : undefined),
      mayUse: () => answer('mayUse', mayUse),
      mayRead(_user, kind, namespace) {
        asked.push(`${kind} in ${namespace}`);
        return answer('mayRead', !unreadable.includes(kind));
      },
      mayGet: () => Promise.resolve(false),
      mayBreakGlass: () => answer('mayBreakGlass', false),
      mayCreateRollouts: () => Promise.resolve(true),
    };
  }

  it.each<[string, string | undefined, Rights, number, string]>([
    ['nobody', undefined, {}, 401, 'missing bearer token: create one, for example with `kubectl create token`'],
    [
      'a password',
      'Basic amFuZTpqYW5l',
      {},
      401,
      'missing bearer token: create one, for example with `kubectl create token`',
    ],
    ['a bad token', 'Bearer bad', {}, 401, 'invalid bearer token'],
    [
      'somebody without the right',
      'Bearer good',
      { mayUse: false },
      403,
      'user "jane" may not use the dry run: grant verbs ["create"] on nonResourceURLs ["/v1/dry-run"] in a ClusterRole',
    ],
    [
      'an API server that does not answer about the token',
      'Bearer good',
      { broken: 'authenticate' },
      503,
      'cannot authenticate you with the API server: try again',
    ],
    [
      'an API server that does not answer about the right',
      'Bearer good',
      { broken: 'mayUse' },
      503,
      'cannot authenticate you with the API server: try again',
    ],
    [
      'an API server that does not answer about objects',
      'Bearer good',
      { broken: 'mayRead' },
      503,
      'cannot check your permissions with the API server: try again',
    ],
  ])('%s is turned away', async (_name, credentials, rights, status, error) => {
    const app = start({ authorizer: authorizer(rights) });
    const sent = post(app, UNROUTED);
    const response = await (credentials === undefined ? sent : sent.set('authorization', credentials));
    expect([response.status, response.body]).toEqual([status, { error }]);
    if (status === 401) expect(response.headers['www-authenticate']).toMatch(/^Bearer/);
    // The worker is ready for the next one all the same.
    const next = start({ authorizer: authorizer({}) });
    expect((await post(next, UNROUTED).set('authorization', 'Bearer good')).status).toBe(200);
  });

  it.each<keyof Authorizer>(['authenticate', 'mayUse', 'mayRead'])(
    'somebody is asked to wait when %s could not be asked because of load',
    async (broken) => {
      for (const [why, status] of [
        ['overload', 429],
        ['failing', 503],
      ] as const) {
        const app = start({ authorizer: authorizer({ broken, error: new NotAskedError(why, 'not asked') }) });
        const response = await post(app, UNROUTED).set('authorization', 'Bearer good');
        expect([response.status, response.headers['retry-after']]).toEqual([status, '1']);
        if (status === 429)
          expect(response.body).toEqual({
            error: 'too many requests need the API server to check tokens and permissions: try again',
          });
        // A flood of requests must not cause a flood of log lines.
        expect(app.lines.filter(({ level }) => level === 'warn')).toEqual([]);
      }
    },
  );

  it('every question is asked on behalf of the address of the client', async () => {
    const rights = authorizer({});
    expect((await post(start({ authorizer: rights }), UNROUTED).set('authorization', 'Bearer good')).status).toBe(200);
    const [address] = [...rights.addresses].map((line) => line.split(' ')[1] ?? '');
    expect(address).toMatch(/127\.0\.0\.1$/);
    expect(rights.addresses).toEqual(
      new Set(['authenticate', 'mayUse', 'mayRead'].map((question) => `${question} ${address}`)),
    );
  });

  it('somebody sees what he may read, and no more', async () => {
    const all = authorizer({});
    const whole = (await post(start({ authorizer: all }), UNROUTED).set('authorization', 'Bearer good')).body as Answer;
    expect(routeFindings(whole)).toHaveLength(1);
    expect(all.asked).toContain('Rollout.argoproj.io in shop');

    const some = authorizer({ unreadable: ['Rollout.argoproj.io'] });
    const part = (await post(start({ authorizer: some }), UNROUTED).set('authorization', 'Bearer good')).body as Answer;
    expect(JSON.stringify(part)).not.toContain('Rollout');
    expect(routeFindings(part)).toEqual([]);

    const rollout = JSON.stringify(shopObject('Rollout', 'reviews')).replace('"main"', '"primary"');
    const blind = (
      await post(
        start({ authorizer: authorizer({ unreadable: ['VirtualService.networking.istio.io'] }) }),
        rollout,
      ).set('authorization', 'Bearer good')
    ).body as Answer;
    expect(routeFindings(blind)).toEqual([]);
    expect(blind.skipped).toContainEqual({
      rule: 'virtualservice-route-exists',
      object: { kind: 'Rollout', namespace: 'shop', name: 'reviews' },
      reason: 'VirtualService shop/reviews: you may not read it',
    });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UserInfo } from '../admission/review.ts';
import { clusterAuthorizer, type Authorizer, type AuthorizerOptions, type QuestionResult } from './authorization.ts';
import { onBehalfOf } from './caller.ts';

type TokenReview = Parameters<AuthorizerOptions['authentication']['createTokenReview']>[0]['body'];
type AccessReview = Parameters<AuthorizerOptions['authorization']['createSubjectAccessReview']>[0]['body'];

const FLOODER = '10.0.0.66';
const GENUINE = '10.0.0.1';

/** An API server whose answers wait until the test lets them go. */
class HeldApi {
  readonly authorizer: Authorizer;
  readonly tokens: string[] = [];
  readonly users: string[] = [];
  readonly results: Partial<Record<`${string} ${QuestionResult}`, number>> = {};
  time = 0;
  underWay = 0;
  mostUnderWay = 0;
  failing = false;
  #held: (() => void)[] = [];

  constructor(valid: (name: string) => boolean, hold = true) {
    const answer = <T>(value: () => T): Promise<T> => {
      this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
      return new Promise((resolve, reject) => {
        const release = (): void => {
          this.underWay--;
          if (this.failing) reject(new Error('etcd is down'));
          else resolve(value());
        };
        if (hold) this.#held.push(release);
        else release();
      });
    };
    this.authorizer = clusterAuthorizer({
      authentication: {
        createTokenReview: ({ body }: { body: TokenReview }) => {
          const token = body.spec.token ?? '';
          this.tokens.push(token);
          return answer(() => ({
            ...body,
            status: valid(token) ? { authenticated: true, user: { username: token } } : { authenticated: false },
          }));
        },
      },
      authorization: {
        createSubjectAccessReview: ({ body }: { body: AccessReview }) => {
          const user = body.spec.user ?? '';
          this.users.push(user);
          return answer(() => ({ ...body, status: { allowed: valid(user) } }));
        },
      },
      now: () => this.time,
      metrics: {
        question: (question, result) => {
          this.results[`${question} ${result}`] = (this.results[`${question} ${result}`] ?? 0) + 1;
        },
        questionsInFlight: () => undefined,
      },
    });
  }

  /** Answers in turn, until nothing is under way. Returns how many answers that took. */
  async drain(): Promise<number> {
    let answered = 0;
    for (let idle = 0; idle < 3;) {
      const release = this.#held.shift();
      if (release === undefined) idle++;
      else {
        idle = 0;
        answered++;
        release();
      }
      await new Promise(setImmediate);
    }
    return answered;
  }

  authenticate(token: string, address: string): Promise<UserInfo | undefined> {
    return onBehalfOf(address, () => this.authorizer.authenticate(token));
  }

  mayBreakGlass(username: string, address: string, namespace = 'shop'): Promise<boolean> {
    return onBehalfOf(address, () => this.authorizer.mayBreakGlass(userOf(username), namespace));
  }
}

function userOf(username: string): UserInfo {
  return { username, groups: [], uid: '', extra: {} };
}

function outcomes<T>(promises: readonly Promise<T>[]): Promise<readonly (T | 'not asked' | 'failed')[]> {
  return Promise.all(
    promises.map((promise) =>
      promise.catch((error: unknown) =>
        error instanceof Error && error.name === 'NotAskedError' ? ('not asked' as const) : ('failed' as const),
      ),
    ),
  );
}

describe('a flood of invalid tokens', () => {
  it('costs a bounded number of TokenReviews, and a genuine caller is answered', async () => {
    const api = new HeldApi((token) => token === 'good');
    const flood = outcomes(Array.from({ length: 3_000 }, (_, index) => api.authenticate(`junk-${index}`, FLOODER)));
    const genuine = api.authenticate('good', GENUINE);
    await api.drain();
    expect(await genuine).toMatchObject({ username: 'good' });
    expect(api.tokens.length).toBeLessThanOrEqual(100);
    expect(api.mostUnderWay).toBeLessThanOrEqual(8);
    // The genuine question waited for none of the junk: the flooder never gets every place.
    expect(api.tokens.indexOf('good')).toBeLessThanOrEqual(8);
    const results = await flood;
    expect(new Set(results)).toEqual(new Set([undefined, 'not asked']));
    expect(api.results['token shed']).toBe(results.filter((result) => result === 'not asked').length);
    expect((api.results['token allowed'] ?? 0) + (api.results['token denied'] ?? 0)).toBe(api.tokens.length);
  });

  it('costs no more if it waits for each answer', async () => {
    const api = new HeldApi((token) => token === 'good', false);
    for (let index = 0; index < 3_000; index++) await outcomes([api.authenticate(`junk-${index}`, FLOODER)]);
    expect(api.tokens.length).toBeLessThanOrEqual(100);
    expect(await api.authenticate('good', GENUINE)).toMatchObject({ username: 'good' });
    // The flooder's address gets a chance again as time passes.
    api.time += 1_000;
    expect(await api.authenticate('good-2', FLOODER)).toBeUndefined();
  });

  it('does not evict the answers to genuine tokens', async () => {
    const api = new HeldApi((token) => token.startsWith('good'), false);
    await api.authenticate('good', GENUINE);
    for (let index = 0; index < 5_000; index++) {
      await outcomes([api.authenticate(`junk-${index}`, `10.1.${index >> 8}.${index & 255}`)]);
    }
    expect(api.tokens.length).toBe(5_001);
    await api.authenticate('good', GENUINE);
    expect(api.tokens.length).toBe(5_001);
  });

  it.each([
    ['empty', ''],
    ['longer than 16 KiB', 'x'.repeat(16 * 1024 + 1)],
    ['with a control character', 'abc\u0007def'],
    ['with a space', 'abc def'],
    ['with other characters than ASCII', 'abcä'],
  ])('costs nothing for a token that is %s', async (_name, token) => {
    const api = new HeldApi(() => true, false);
    expect(await api.authenticate(token, GENUINE)).toBeUndefined();
    expect([api.tokens, api.results]).toEqual([[], { 'token shed': 1 }]);
  });
});

describe('a flood of forged reviews', () => {
  it('of 500 users never has more than 16 questions under way, and a genuine user is answered', async () => {
    const api = new HeldApi((user) => user === 'jane');
    const flood = outcomes(Array.from({ length: 500 }, (_, index) => api.mayBreakGlass(`forged-${index}`, FLOODER)));
    const genuine = api.mayBreakGlass('jane', GENUINE);
    await api.drain();
    expect(await genuine).toBe(true);
    expect(api.mostUnderWay).toBeLessThanOrEqual(16);
    expect(api.users.indexOf('jane')).toBeLessThanOrEqual(16);
    expect(new Set(await flood)).toEqual(new Set([false]));
  });

  it('of 500 users does not drive out a genuine user at the same address', async () => {
    const api = new HeldApi((user) => user === 'jane');
    const flood = outcomes(Array.from({ length: 500 }, (_, index) => api.mayBreakGlass(`forged-${index}`, GENUINE)));
    const genuine = api.mayBreakGlass('jane', GENUINE);
    await api.drain();
    expect(await genuine).toBe(true);
    expect(api.mostUnderWay).toBeLessThanOrEqual(16);
    expect(new Set(await flood)).toEqual(new Set([false]));
  });

  it('of 5,000 users is asked about in part, and a genuine user is answered', async () => {
    const api = new HeldApi((user) => user === 'jane');
    const flood = outcomes(Array.from({ length: 5_000 }, (_, index) => api.mayBreakGlass(`forged-${index}`, FLOODER)));
    const genuine = api.mayBreakGlass('jane', GENUINE);
    await api.drain();
    expect(await genuine).toBe(true);
    expect(api.users.indexOf('jane')).toBeLessThanOrEqual(16);
    expect(api.users.length).toBeLessThanOrEqual(600);
    expect(new Set(await flood)).toEqual(new Set([false, 'not asked']));
  });

  it('of one user loses to other users from the same address', async () => {
    const api = new HeldApi((user) => user === 'jane');
    const flood = outcomes(
      Array.from({ length: 1_000 }, (_, index) => api.mayBreakGlass('forged', GENUINE, `namespace-${index}`)),
    );
    const genuine = api.mayBreakGlass('jane', GENUINE);
    await api.drain();
    expect(await genuine).toBe(true);
    expect(api.users.indexOf('jane')).toBeLessThanOrEqual(17);
    expect(new Set(await flood)).toEqual(new Set([false, 'not asked']));
  });

  it('that repeats a genuine question does not hold it up', async () => {
    const api = new HeldApi((user) => user === 'jane');
    const flood = outcomes([
      ...Array.from({ length: 200 }, (_, index) => api.mayBreakGlass(`forged-${index}`, FLOODER)),
      api.mayBreakGlass('jane', FLOODER),
    ]);
    const genuine = api.mayBreakGlass('jane', GENUINE);
    await api.drain();
    expect(await genuine).toBe(true);
    expect(api.users.indexOf('jane')).toBeLessThanOrEqual(16);
    expect(api.users.filter((user) => user === 'jane')).toHaveLength(1);
    expect((await flood).at(-1)).toBe(true);
  });

  it('with users of hundreds of KiB costs no question', async () => {
    const api = new HeldApi(() => true, false);
    const huge = { ...userOf('forged'), groups: ['g'.repeat(300 * 1024)] };
    expect(await outcomes([api.authorizer.mayBreakGlass(huge, 'shop')])).toEqual(['not asked']);
    expect(api.users).toEqual([]);
  });
});

describe('answers', () => {
  it('are asked for once while the question is under way', async () => {
    const api = new HeldApi(() => true);
    const answers = Array.from({ length: 50 }, (_, index) => api.mayBreakGlass('jane', `10.0.0.${index}`));
    await api.drain();
    expect(new Set(await Promise.all(answers))).toEqual(new Set([true]));
    expect(api.users).toEqual(['jane']);
    expect(api.results).toEqual({ 'access allowed': 1, 'access remembered': 49 });
  });

  it('are remembered for ten seconds, refusals for three', async () => {
    const api = new HeldApi((name) => name === 'jane', false);
    const askAll = async (): Promise<number> => {
      const before = api.users.length + api.tokens.length;
      for (const name of ['jane', 'joe']) {
        await api.mayBreakGlass(name, GENUINE);
        await api.authenticate(name, GENUINE);
      }
      return api.users.length + api.tokens.length - before;
    };
    expect(await askAll()).toBe(4);
    api.time = 2_999;
    expect(await askAll()).toBe(0);
    api.time = 3_000;
    expect(await askAll()).toBe(2);
    api.time = 9_999;
    expect(await askAll()).toBe(2);
    api.time = 10_000;
    expect(await askAll()).toBe(2);
  });

  it('count from the time of the question, not of the answer', async () => {
    const api = new HeldApi(() => true);
    const first = api.mayBreakGlass('jane', GENUINE);
    api.time = 9_000;
    await api.drain();
    await first;
    api.time = 10_000;
    const second = api.mayBreakGlass('jane', GENUINE);
    await api.drain();
    await second;
    expect(api.users).toHaveLength(2);
  });
});

describe('errors', () => {
  it('are not remembered as refusals, and bounded in number', async () => {
    const api = new HeldApi(() => true, false);
    api.failing = true;
    const results: unknown[] = [];
    for (let index = 0; index < 1_000; index++)
      results.push(...(await outcomes([api.mayBreakGlass(`user-${index}`, GENUINE)])));
    expect(results[0]).toBe('failed');
    expect(new Set(results)).toEqual(new Set(['failed', 'not asked']));
    expect(api.users.length).toBeLessThanOrEqual(32);
    // Another caller is not held up by them.
    api.failing = false;
    expect(await api.mayBreakGlass('user-0', FLOODER)).toBe(true);
    api.time += 1_000;
    expect(await api.mayBreakGlass('user-1', GENUINE)).toBe(true);
  });
});

describe('a yes', () => {
  const NAMES = ['ann', 'bob', 'cid'];
  const steps = fc.array(
    fc.oneof(
      fc.record({ ask: fc.constantFrom(...NAMES), from: fc.constantFrom(FLOODER, GENUINE) }),
      fc.record({ revoke: fc.constantFrom(...NAMES) }),
      fc.record({ grant: fc.constantFrom(...NAMES) }),
      fc.record({ wait: fc.integer({ min: 1, max: 12_000 }) }),
      fc.record({ failing: fc.boolean() }),
    ),
    { maxLength: 60 },
  );

  it('is only one that the API server gave within the last ten seconds', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const granted = new Set<string>();
        const lastYes = new Map<string, number>();
        const api: HeldApi = new HeldApi((name) => {
          if (granted.has(name)) lastYes.set(name, api.time);
          return granted.has(name);
        }, false);
        for (const step of script) {
          if ('revoke' in step) granted.delete(step.revoke);
          else if ('grant' in step) granted.add(step.grant);
          else if ('wait' in step) api.time += step.wait;
          else if ('failing' in step) api.failing = step.failing;
          else {
            const since = (name: string): number => api.time - (lastYes.get(name) ?? -Infinity);
            const [right] = await outcomes([api.mayBreakGlass(step.ask, step.from)]);
            if (right === true) expect(since(step.ask)).toBeLessThan(10_000);
            if (granted.has(step.ask) && !api.failing) expect(right).not.toBe('failed');
            const [user] = await outcomes([api.authenticate(step.ask, step.from)]);
            if (typeof user === 'object') {
              expect(user.username).toBe(step.ask);
              expect(since(step.ask)).toBeLessThan(10_000);
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the question whether a user may get an object', () => {
  it('names the object, with everything that is known about the user', async () => {
    const asked: unknown[] = [];
    const authorizer = clusterAuthorizer({
      authentication: { createTokenReview: () => Promise.reject(new Error('not used')) },
      authorization: {
        createSubjectAccessReview: ({ body }) => {
          asked.push(body.spec);
          return Promise.resolve({ spec: {}, status: { allowed: true } });
        },
      },
    });
    const user = { username: 'jane', groups: ['devs'], uid: '7', extra: { scopes: ['a'] } };
    expect(await authorizer.mayGet(user, 'VirtualService.networking.istio.io', 'mesh', 'reviews')).toBe(true);
    expect(await authorizer.mayGet(user, 'Service', 'mesh', 'reviews')).toBe(true);
    const about = { user: 'jane', groups: ['devs'], uid: '7', extra: { scopes: ['a'] } };
    const place = { verb: 'get', namespace: 'mesh', name: 'reviews' };
    expect(asked).toEqual([
      { ...about, resourceAttributes: { group: 'networking.istio.io', resource: 'virtualservices', ...place } },
      { ...about, resourceAttributes: { group: '', resource: 'services', ...place } },
    ]);
  });
});

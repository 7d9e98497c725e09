import { spawn } from 'node:child_process';
import { once } from 'node:events';
import https from 'node:https';
import { join } from 'node:path';
import request from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { allowed } from '../../src/admission/response.ts';
import type { GateAnswer } from '../../src/admission/gate.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { MAX_BODY } from '../../src/server/body.ts';
import { BodyLanes } from '../../src/server/body-lanes.ts';
import { metric, testApp, CONTROLLER, type AppOptions, type TestApp } from '../support/app.ts';
import { reviewOf, SHOP, shopObject, type Json } from '../support/reviews.ts';
import { ask } from '../support/server.ts';

const UID = '705ab4f5-6393-11e8-b7cc-42010a800002';
const LARGER = 'its review is larger than 7340032 bytes: make the object smaller';
const HEAVY = 'its review has too many fields and list items: make the object smaller';
const NO_TURN = 'too many large reviews are in progress: try again, or make the object smaller';
const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

function start(options?: AppOptions): TestApp {
  const app = testApp(SHOP, options);
  cleanup.push(() => app.stop());
  return app;
}

/** Returns a review as the API server writes it, with something in its object. */
function reviewWith(padding: string, change: Parameters<typeof reviewOf>[0] | object = {}): string {
  const object = { ...shopObject('Rollout', 'reviews'), padding: '@' };
  return JSON.stringify(reviewOf({ operation: 'CREATE', object, ...change })).replace('"@"', () => padding);
}

function text(bytes: number): string {
  return JSON.stringify('x'.repeat(bytes));
}

function emptyObjects(bytes: number): string {
  return `[${'{},'.repeat(Math.floor(bytes / 3))}{}]`;
}

async function post(app: TestApp, path: string, body: string): Promise<{ status: number; answer: Json }> {
  const response = await request(app.app).post(path).set('content-type', 'application/json').send(body);
  return { status: response.status, answer: (response.body as { response: Json }).response };
}

describe('a review that is larger than 7 MiB', () => {
  it.each(['mutate', 'validate'])('is allowed by /%s with a warning that it was not checked', async (webhook) => {
    const app = start();
    expect(await post(app, `/${webhook}`, reviewWith(text(MAX_BODY)))).toEqual({
      status: 200,
      answer: {
        uid: UID,
        allowed: true,
        warnings: [`Rollout "reviews" could not be checked: ${LARGER}`],
        auditAnnotations: { verdict: 'warn', skipped: '*' },
      },
    });
    expect(await metric(app.metrics, 'rollgate_skipped_total{rule="*"}')).toBe(1);
    expect(app.lines).toMatchObject([{ verdict: 'warn', skipped: ['*'], uid: UID, name: 'reviews', user: 'jane' }]);
  });

  it('without a declared size is answered alike', async () => {
    const sent = request(start().app)
      .post('/validate')
      .set('content-type', 'application/json')
      .set('transfer-encoding', 'chunked');
    sent.write(reviewWith(text(MAX_BODY)));
    expect((await sent).body).toMatchObject({ response: { uid: UID, allowed: true } });
  });

  it('is denied if the policy says so for its namespace, but not in audit mode, nor when it is a deletion', async () => {
    const denying: Partial<Policy> = { overrides: [{ name: 'shop', namespaces: ['shop'], onTooLarge: 'deny' }] };
    const body = reviewWith(text(MAX_BODY));
    for (const webhook of ['mutate', 'validate']) {
      const { status, answer } = await post(start({ policy: { ...denying } }), `/${webhook}`, body);
      expect([status, answer]).toMatchObject([
        200,
        {
          uid: UID,
          allowed: false,
          status: {
            code: 413,
            reason: 'RequestEntityTooLarge',
            message: `Rollout "reviews" could not be checked: ${LARGER} [rollgate, onTooLarge: deny]`,
          },
        },
      ]);
    }
    const audit = await post(start({ policy: { ...denying, mode: 'audit' } }), '/validate', body);
    expect(audit.answer).toMatchObject({ allowed: true });
    const oldObject = { ...shopObject('Rollout', 'reviews'), padding: 'x'.repeat(MAX_BODY) };
    const deletion = JSON.stringify(reviewOf({ operation: 'DELETE', oldObject }));
    expect((await post(start({ policy: { ...denying } }), '/validate', deletion)).answer).toMatchObject({
      allowed: true,
    });
  });

  it.each<[string, AppOptions, object]>([
    ['an exempt namespace', { policy: { exemptions: { accounts: [], namespaces: ['sh*'] } } }, {}],
    ['an exempt account', {}, { user: CONTROLLER }],
    [
      'an unknown kind',
      {},
      { object: { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'x' }, padding: '@' } },
    ],
  ])('is allowed without a warning in or by %s', async (_name, options, change) => {
    const { status, answer } = await post(start(options), '/validate', reviewWith(text(MAX_BODY), change));
    expect([status, answer]).toEqual([200, { uid: UID, allowed: true }]);
  });
});

describe('a review that would become too large in memory', () => {
  it('is not parsed, and answered like one that is too large', async () => {
    const app = start();
    const { status, answer } = await post(app, '/validate', reviewWith(emptyObjects(6_500_000)));
    expect(status).toBe(200);
    expect(answer).toMatchObject({ uid: UID, allowed: true, warnings: [expect.stringContaining(HEAVY) as string] });
  });
});

describe('large reviews', () => {
  const quick: GateAnswer = {
    response: allowed(UID),
    record: { verdict: 'allow', findings: [], skipped: [], kept: [] },
  };

  it('wait for their turn, and never delay or reject a small one', async () => {
    const limiter = new BodyLanes({
      requests: 1,
      weight: 1_000_000,
      large: { from: 100_000, weight: 1_000_000, bytes: 1_000_000, waiting: 2 },
    });
    const decisions: { resolve(answer: GateAnswer): void; name: string }[] = [];
    const gate = {
      validate: ({ name }: { name: string }): Promise<GateAnswer> =>
        name === 'small'
          ? Promise.resolve(quick)
          : new Promise((resolve) => {
              decisions.push({ resolve, name });
            }),
      mutate: () => Promise.resolve(quick),
    };
    const app = start({ limiter, gate });
    const large = (name: string): Promise<{ status: number; answer: Json }> =>
      post(app, '/validate?timeout=30s', reviewWith(`[${'1,'.repeat(10_000)}1]`, { object: named(name) }));
    const first = large('first');
    await eventually(() => expect(decisions).toHaveLength(1));
    const waiting = [large('second'), large('third')];
    await eventually(() => expect(limiter.waiting).toBe(2));
    // There is no place for another one.
    expect((await large('fourth')).answer).toMatchObject({
      allowed: true,
      warnings: [`Rollout "fourth" could not be checked: ${NO_TURN}`],
    });
    const small = await post(app, '/validate', reviewWith('0', { object: named('small') }));
    expect(small.answer).toEqual({ uid: UID, allowed: true });
    expect(decisions.map(({ name }) => name)).toEqual(['first']);
    decisions[0]?.resolve(quick);
    await eventually(() => expect(decisions).toHaveLength(2));
    decisions[1]?.resolve(quick);
    await eventually(() => expect(decisions).toHaveLength(3));
    decisions[2]?.resolve(quick);
    for (const { answer } of await Promise.all([first, ...waiting]))
      expect(answer).toEqual({ uid: UID, allowed: true });
    expect(decisions.map(({ name }) => name)).toEqual(['first', 'second', 'third']);
    await eventually(() =>
      expect([limiter.requests, limiter.weight, limiter.largeBytes, limiter.waiting]).toEqual([0, 0, 0, 0]),
    );
  });

  it('are answered when their turn does not come in time', async () => {
    const limiter = new BodyLanes({ requests: 1, weight: 1_000_000, large: { from: 100_000, weight: 1_000_000 } });
    const { promise, resolve } = Promise.withResolvers<GateAnswer>();
    const entered = Promise.withResolvers<void>();
    const wait = (): Promise<GateAnswer> => {
      entered.resolve();
      return promise;
    };
    const app = start({ limiter, gate: { validate: wait, mutate: wait } });
    const body = reviewWith(`[${'1,'.repeat(10_000)}1]`);
    const first = post(app, '/validate?timeout=30s', body);
    await entered.promise;
    expect((await post(app, '/validate?timeout=100ms', body)).answer).toMatchObject({
      allowed: true,
      warnings: [`Rollout "reviews" could not be checked: ${NO_TURN}`],
    });
    resolve(quick);
    expect((await first).answer).toEqual({ uid: UID, allowed: true });
  });

  function named(name: string): Json {
    return { ...shopObject('Rollout', 'reviews'), metadata: { name, namespace: 'shop' }, padding: '@' };
  }
});

describe('the process with the memory flags of the image', () => {
  it('survives floods of large reviews, and answers small ones between', async () => {
    const flags = ['--max-old-space-size=384', '--max-semi-space-size=8', '--v8-pool-size=1', '--expose-gc'];
    const program = join(import.meta.dirname, '../support/slow-gate-process.ts');
    const child = spawn(process.execPath, [...flags, program], { stdio: ['ignore', 'pipe', 'inherit'] });
    cleanup.push(() => child.kill('SIGKILL'));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(line.toString());
    const agent = new https.Agent({ keepAlive: true });
    cleanup.push(() => agent.destroy());
    const send = async (body: string): Promise<Json> => {
      const { status, body: answer } = await ask(port, '/validate?timeout=30s', agent, body);
      expect(status).toBe(200);
      return (JSON.parse(answer) as { response: Json }).response;
    };
    const bodies = [
      // Not parsed: each would become 140 or 237 MiB.
      reviewWith(emptyObjects(6_868_000)),
      reviewWith(`[${'{"30":0},'.repeat(762_000)}0]`),
      // The worst that is still parsed, one after the other: 107 MiB each.
      reviewWith(`[${'{"30":0},'.repeat(325_000)}0]`),
    ];
    for (const body of bodies) {
      const flood = Promise.all(Array.from({ length: 4 }, () => send(body)));
      const small = await send(reviewWith('0'));
      expect(small).toMatchObject({ uid: UID });
      for (const answer of await flood) expect(answer).toMatchObject({ uid: UID });
    }
    expect(child.exitCode).toBeNull();
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

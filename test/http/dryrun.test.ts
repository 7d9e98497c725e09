import fc from 'fast-check';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { POLICY_CATALOG } from '../../src/admission/policy-catalog.ts';
import type { UserInfo } from '../../src/admission/review.ts';
import { fallbackPolicy } from '../../src/policy/fallback.ts';
import type { Authorizer } from '../../src/server/authorization.ts';
import { dig } from '../../src/world/read.ts';
import { metric } from '../support/app.ts';
import { mutatedReview, reviewOf, shopObject, type Json } from '../support/reviews.ts';
import { type Answer, type Line, UNROUTED, post, routeFindings, start } from '../support/dryrun-app.ts';

describe('POST /v1/dry-run', () => {
  it('checks manifests in the world, with positions, and says what would be stored', async () => {
    const app = start();
    const response = await post(
      app,
      `${UNROUTED}---\napiVersion: v1\nkind: Service\nmetadata: {name: reviews-canary, namespace: shop}\nspec: {selector: {app: reviews}, ports: [{name: http, port: 80, targetPort: http}]}\n`,
    );
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    const answer = response.body as Answer;
    expect(answer.verdict).toBe('deny');
    expect(routeFindings(answer)).toMatchObject([
      {
        decision: 'deny',
        object: { kind: 'Rollout', namespace: 'shop', name: 'reviews' },
        message: 'VirtualService "reviews" has no http route "main" (it has "primary")',
      },
    ]);
    expect(answer.results.map(({ object, patch }) => ({ object, patch }))).toEqual([
      { object: { kind: 'VirtualService', namespace: 'shop', name: 'reviews' }, patch: [] },
      {
        object: { kind: 'Service', namespace: 'shop', name: 'reviews-canary' },
        patch: [{ op: 'add', path: '/spec/selector/rollouts-pod-template-hash', value: '7d4b9c' }],
      },
    ]);
    expect(answer.results[1]?.patched).toMatchObject({
      spec: { selector: { app: 'reviews', 'rollouts-pod-template-hash': '7d4b9c' } },
    });
    expect(await metric(app.metrics, 'rollgate_dry_runs_total{code="200"}')).toBe(1);
  });

  it('takes JSON, lists, and an AdmissionReview, and places what names no namespace', async () => {
    const app = start();
    const rollout = shopObject('Rollout', 'reviews');
    const unrouted = JSON.parse(JSON.stringify(rollout).replace('"main"', '"primary"')) as Json;
    const homeless = { ...unrouted, metadata: { name: 'reviews' } };
    const bodies: [body: unknown, query: string][] = [
      [unrouted, ''],
      [[unrouted], ''],
      [{ apiVersion: 'v1', kind: 'List', items: [unrouted] }, ''],
      [reviewOf({ operation: 'UPDATE', object: unrouted, oldObject: rollout }), ''],
      [homeless, '?namespace=shop'],
      [{ manifests: unrouted }, ''],
      [{ manifests: [unrouted] }, ''],
      [{ manifests: JSON.stringify(unrouted) }, ''],
    ];
    for (const [body, query] of bodies) {
      const response = await post(app, JSON.stringify(body), query);
      expect(routeFindings(response.body as Answer), JSON.stringify(body).slice(0, 60)).toMatchObject([
        {
          decision: 'deny',
          path: 'spec.strategy.canary.trafficRouting.istio.virtualService.routes[0]',
          line: expect.any(Number) as number,
        },
      ]);
    }
    const elsewhere = await post(app, JSON.stringify(homeless), '?namespace=other');
    expect(routeFindings(elsewhere.body as Answer)).toEqual([]);
  });

  it('makes what is missing a contradiction with requireReferences', async () => {
    const app = start();
    const rollout = JSON.stringify(shopObject('Rollout', 'reviews')).replace('"reviews-canary"', '"nowhere"');
    const lenient = (await post(app, rollout)).body as Answer;
    const strict = (await post(app, rollout, '?requireReferences=true')).body as Answer;
    const missing = ({ findings }: Answer): Line[] => findings.filter(({ rule }) => rule === 'reference-exists');
    expect(missing(lenient).map(({ decision }) => decision)).toEqual(['warn']);
    expect(missing(strict).map(({ decision }) => decision)).toEqual(['deny']);
    expect(strict.verdict).toBe('deny');
  });

  it('says what a candidate policy would change', async () => {
    const app = start();
    const body = JSON.stringify({ manifests: UNROUTED, policy: 'rules: {virtualservice-route-exists: warn}' });
    const answer = (await post(app, body)).body as Answer;
    expect(routeFindings(answer)[0]?.decision).toBe('deny');
    expect(answer.candidate).toMatchObject({ changed: [{ rule: 'virtualservice-route-exists', decision: 'warn' }] });
    const asObject = (
      await post(
        app,
        JSON.stringify({ manifests: UNROUTED, policy: { rules: { 'virtualservice-route-exists': 'off' } } }),
      )
    ).body as Answer;
    expect(asObject.candidate).toMatchObject({ dropped: [{ rule: 'virtualservice-route-exists' }] });
  });

  it('says that nothing is denied while a fallback takes the place of the policy, and says it only then', async () => {
    const app = start({ policy: fallbackPolicy('mode: [', POLICY_CATALOG) });
    const answer = (await post(app, UNROUTED)).body as Answer;
    expect(answer).toMatchObject({ verdict: 'allow', fallbackPolicy: true });
    const text = (await post(app, UNROUTED).set('accept', 'text/plain')).text;
    expect(text).toContain('Rollgate has no valid policy, so it denies nothing now.');
    expect((await post(start(), UNROUTED)).body).not.toHaveProperty('fallbackPolicy');
  });

  it('answers as text and as SARIF when asked to', async () => {
    const app = start();
    const text = await post(app, UNROUTED).set('accept', 'text/plain');
    expect(text.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(text.text).toContain('VirtualService "reviews" has no http route "main"');
    expect(text.text).not.toContain('\u001b');
    const sarif = await post(app, UNROUTED)
      .set('accept', 'application/sarif+json')
      .buffer(true)
      .parse((response, done) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => done(null, body));
      });
    expect(sarif.headers['content-type']).toBe('application/sarif+json; charset=utf-8');
    expect(JSON.parse(String(sarif.body))).toMatchObject({ version: '2.1.0' });
    expect((await post(app, UNROUTED).set('accept', 'image/png')).status).toBe(406);
  });

  it('reports what could not be read beside what could, and refuses what cannot be read at all', async () => {
    const app = start();
    const half = (await post(app, `${UNROUTED}---\nkind: [\n`)).body as Answer;
    expect(half.errors).toHaveLength(1);
    expect(routeFindings(half)).toHaveLength(1);
    const bomb = `a: &a [${'x,'.repeat(9)}x]\n${[...'bcdefghij'].map((name, index) => `${name}: &${name} [${`*${'abcdefghi'[index]},`.repeat(9)}*${'abcdefghi'[index]}]`).join('\n')}\n`;
    for (const [body, message] of [
      ['', 'the body contains no Kubernetes object'],
      ['# nothing\n', 'the body contains no Kubernetes object'],
      ['just a sentence', 'the body is invalid: line 1, column 1: '],
      ['{"a": ', 'the body is invalid: line 1'],
      [bomb, 'the body is invalid: line 1, column 1: '],
      [`a: ${'['.repeat(5_000)}`, 'the body is invalid: line 1'],
      [`${'{"a":['.repeat(101)}${']}'.repeat(101)}`, 'the body is invalid: line 1'],
      ['\u0000\u0001', 'the body is invalid: line 1'],
      [JSON.stringify({ manifests: 7 }), 'manifests: must be text, an object or a list of objects'],
      [
        JSON.stringify({ manifest: UNROUTED }),
        'unknown key "manifest": send manifests with apiVersion and kind, or an envelope with manifests and policy',
      ],
      [JSON.stringify({ manifests: UNROUTED, policy: 7 }), 'policy: must be text or an object'],
      [
        JSON.stringify({ manifests: UNROUTED, policy: { mod: 'audit' } }),
        'policy: unknown key "mod"; did you mean "mode"?',
      ],
      [JSON.stringify({ manifests: UNROUTED, policy: 'mode: [' }), 'policy: '],
    ] as const) {
      const response = await post(app, body);
      expect(response.status, body.slice(0, 40)).toBe(400);
      expect((response.body as Json)['error']).toContain(message);
    }
    expect(app.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('refuses settings that it does not know', async () => {
    const app = start();
    for (const [query, error] of [
      ['?requireReference=true', 'unknown query parameter "requireReference"; available: namespace, requireReferences'],
      ['?requireReferences=yes', 'requireReferences: must be true or false'],
      ['?namespace=A_b', 'namespace: invalid name of a namespace'],
    ]) {
      const response = await post(app, UNROUTED, query);
      expect([response.status, response.body]).toEqual([400, { error }]);
    }
  });

  it('refuses more than 1 MiB, and manifests that would take too much memory', async () => {
    const app = start();
    const large = await post(app, `# ${'x'.repeat(1024 * 1024)}\n${UNROUTED}`);
    expect([large.status, large.body]).toEqual([
      413,
      { error: 'the body is larger than 1048576 bytes: send fewer manifests' },
    ]);
    for (const dense of [`[${'0,'.repeat(300_000)}0]`, 'a:\n'.repeat(150_000), '- - '.repeat(150_000)]) {
      const heavy = await post(app, dense);
      expect([heavy.status, heavy.body]).toEqual([
        413,
        { error: 'the body has more than 100000 values: send fewer manifests' },
      ]);
    }
    // No line that a worker died.
    expect(app.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('refuses aliases that expand to gigabytes', async () => {
    const levels = Array.from({ length: 9 }, (_, level) => {
      const uses = Array.from({ length: 10 }, () => `*a${level}`).join(', ');
      return `a${level + 1}: &a${level + 1} [${uses}]`;
    });
    const response = await post(start(), `a0: &a0 [x]\n${levels.join('\n')}\n`);
    expect(response.status).toBe(400);
    expect((response.body as Json)['error']).toContain('Excessive alias count');
  });

  it('survives wrong types everywhere', async () => {
    const app = start();
    const { apiVersion, kind, metadata } = shopObject('Rollout', 'reviews');
    for (const spec of [
      7,
      [],
      'x',
      { strategy: [] },
      { strategy: { canary: { steps: {} } }, template: 'x' },
      { strategy: { canary: { trafficRouting: { istio: { virtualService: [[]] } } } } },
    ]) {
      const response = await post(
        app,
        JSON.stringify({ apiVersion, kind, metadata, spec, ['__proto__']: { polluted: true } }),
      );
      expect(response.status).toBe(200);
      expect((response.body as Answer).findings.filter(({ rule }) => rule === 'internal-error')).toEqual([]);
    }
    expect(Object.prototype).not.toHaveProperty('polluted');
  });

  it('checks whatever is sent, or says what is wrong with it', async () => {
    const app = start();
    const statuses = new Set<number>();
    await fc.assert(
      fc.asyncProperty(mutatedReview, fc.boolean(), async (review, bare) => {
        const submitted = dig(review, 'request', 'object');
        const response = await post(
          app,
          bare ? stringify(submitted, { aliasDuplicateObjects: false }) : JSON.stringify(review),
        );
        statuses.add(response.status);
        expect([200, 400]).toContain(response.status);
        expect(JSON.stringify(response.body)).not.toContain('internal-error');
      }),
      { numRuns: 300 },
    );
    expect([...statuses].sort()).toEqual([200, 400]);
  });

  it('changes nothing in the world', async () => {
    const app = start();
    const before = JSON.stringify([...app.world.all()]);
    await post(app, UNROUTED);
    expect(JSON.stringify([...app.world.all()])).toBe(before);
  });
});

describe('the thread of the dry runs', () => {
  const several = Array.from({ length: 500 }, (_, index) =>
    UNROUTED.replace('name: reviews,', `name: reviews-${index},`),
  ).join('---\n');

  it('is ended when a run takes too long, and the next one gets a new thread', async () => {
    const jane: UserInfo = { username: 'jane', groups: [], uid: '1', extra: {} };
    let patience: Promise<boolean> = new Promise(() => undefined);
    const authorizer: Authorizer = {
      authenticate: () => Promise.resolve(jane),
      mayUse: () => Promise.resolve(true),
      mayRead: () => patience,
      mayGet: () => Promise.resolve(false),
      mayBreakGlass: () => Promise.resolve(false),
      mayCreateRollouts: () => Promise.resolve(true),
    };
    // What is ended never ends by itself, and what follows has time on any machine.
    let limit = 100;
    const app = start({ authorizer, dryRunTimeLimit: () => limit });
    const stuck = await post(app, UNROUTED).set('authorization', 'Bearer x');
    expect([stuck.status, stuck.body]).toEqual([
      504,
      { error: 'the dry run took longer than 0.1 s: send fewer manifests' },
    ]);
    patience = Promise.resolve(true);
    limit = 600_000;
    expect((await post(app, UNROUTED).set('authorization', 'Bearer x')).status).toBe(200);

    // The thread runs by now; no machine checks 500 manifests in a millisecond.
    limit = 1;
    expect((await post(app, several).set('authorization', 'Bearer x')).status).toBe(504);
    limit = 600_000;
    expect((await post(app, UNROUTED).set('authorization', 'Bearer x')).status).toBe(200);
  });

  it('is replaced when it died', async () => {
    const app = start();
    const cut = post(app, several).then((response) => response);
    await request(app.app).get('/v1/rules');
    await app.stop();
    // Whether it was ended before, during or after the run, there is an answer.
    expect([200, 503]).toContain((await cut).status);
    expect((await post(app, UNROUTED)).status).toBe(200);
  });

  it('does not delay admission requests', async () => {
    const app = start();
    await post(app, UNROUTED);
    const finished: string[] = [];
    const slow = post(app, several).then(() => finished.push('dry run'));
    const review = reviewOf({ operation: 'CREATE', object: shopObject('Rollout', 'reviews') });
    while (!finished.includes('dry run')) {
      await request(app.app).post('/validate').send(review);
      finished.push('admission');
    }
    await slow;
    expect(finished.slice(0, 5)).toEqual(Array(5).fill('admission'));
  });

  it('takes only so many runs at a time', async () => {
    const app = start();
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(app, UNROUTED)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(8);
    expect(statuses.every((status) => status === 200 || status === 503)).toBe(true);
    expect(answers.find(({ status }) => status === 503)?.body).toEqual({
      error: 'too many dry runs are waiting: try again',
    });
  });
});

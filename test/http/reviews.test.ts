import { gzipSync } from 'node:zlib';
import request from 'supertest';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { GateAnswer, Limits } from '../../src/admission/gate.ts';
import { allowed } from '../../src/admission/response.ts';
import { RULES } from '../../src/rules/index.ts';
import { defineRule } from '../../src/rules/define.ts';
import { MAX_BODY } from '../../src/server/body.ts';
import { currentAddress } from '../../src/server/caller.ts';
import { BodyLanes } from '../../src/server/body-lanes.ts';
import { metric, testApp, type AppOptions, type TestApp } from '../support/app.ts';
import { reviewOf, SHOP, shopObject, type Json } from '../support/reviews.ts';

const UID = '705ab4f5-6393-11e8-b7cc-42010a800002';

let running: TestApp | undefined;

function start(options?: AppOptions): TestApp {
  running = testApp(SHOP, options);
  return running;
}

afterEach(async () => {
  await running?.stop();
});

function post(app: TestApp, path: string, body: string | Buffer | Json, type = 'application/json'): request.Test {
  const sent = request(app.app).post(path).set('content-type', type);
  return sent.send(
    typeof body === 'string' ? body : Buffer.isBuffer(body) ? body.toString('latin1') : JSON.stringify(body),
  );
}

function rolloutOnRoute(route: string): Json {
  const rollout = shopObject('Rollout', 'reviews');
  const { strategy } = rollout['spec'] as {
    strategy: { canary: { trafficRouting: { istio: { virtualService: Json } } } };
  };
  strategy.canary.trafficRouting.istio.virtualService['routes'] = [route];
  return rollout;
}

describe('a question on behalf of a client', () => {
  it('is asked for the address that the review came from', async () => {
    const object = rolloutOnRoute('primary');
    (object['metadata'] as Json)['annotations'] = {
      'rollgate.io/break-glass': `${new Date(Date.now() + 3_600_000).toISOString()} the controller is down`,
    };
    const review = reviewOf({ operation: 'UPDATE', object, oldObject: shopObject('Rollout', 'reviews') });
    const addresses: string[] = [];
    const mayBreakGlass = (): Promise<boolean> => {
      addresses.push(currentAddress());
      return Promise.resolve(true);
    };
    const app = start({ gate: { mayBreakGlass } });
    const clients = ['10.0.0.1', '10.0.0.2'].map((address) => ({
      address,
      app: {
        ...app,
        app: ((incoming, response) => {
          Object.defineProperty(incoming.socket, 'remoteAddress', { value: address });
          app.app(incoming, response);
        }) satisfies TestApp['app'],
      },
    }));
    await Promise.all(clients.map((client) => post(client.app, '/validate', review)));
    expect(addresses.sort()).toEqual(clients.map(({ address }) => address));
    expect(currentAddress()).toBe('');
  });
});

describe('POST /validate', () => {
  it('names the objects that a first apply has not brought yet in one warning, and counts each', async () => {
    const object = shopObject('Rollout', 'reviews');
    delete object['status'];
    const app = (running = testApp('', { gate: { rules: RULES } }));
    const response = await post(app, '/validate', reviewOf({ operation: 'CREATE', object }));
    const { allowed: isAllowed, warnings } = (response.body as Json)['response'] as Json;
    expect([isAllowed, warnings]).toEqual([
      true,
      [
        'Rollout "reviews": not found: canary Service "reviews-canary", stable Service "reviews-stable", AnalysisTemplate "success-rate", DestinationRule "reviews", VirtualService "reviews": fine if they come with this apply [rollgate/reference-exists]',
      ],
    ]);
    const decided = { verdict: 'warn', rules: ['reference-exists'] };
    expect(app.lines.find(({ msg }) => msg === 'decided')).toMatchObject(decided);
    expect(await metric(app.metrics, 'rollgate_findings_total{rule="reference-exists",decision="warn"}')).toBe(5);
  });

  it('denies an object that conflicts with the world, as the API server rejects an invalid object', async () => {
    const app = start();
    const response = await post(
      app,
      '/validate?timeout=5s',
      reviewOf({ operation: 'UPDATE', object: rolloutOnRoute('primary'), oldObject: shopObject('Rollout', 'reviews') }),
    );
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
    const message =
      'VirtualService "reviews" has no http route "primary" (it has "main"): name one of its routes in the Rollout, or add this route first [rollgate/virtualservice-route-exists]';
    const field = 'spec.strategy.canary.trafficRouting.istio.virtualService.routes[0]';
    expect(response.body).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: {
        uid: UID,
        allowed: false,
        status: {
          code: 422,
          reason: 'Invalid',
          message: `Rollout "reviews" is invalid: ${field}: ${message}`,
          details: {
            group: 'argoproj.io',
            kind: 'Rollout',
            name: 'reviews',
            causes: [{ reason: 'FieldValueInvalid', field, message }],
          },
        },
        auditAnnotations: { verdict: 'deny', rules: 'virtualservice-route-exists' },
      },
    });
  });

  it('admits a valid object', async () => {
    const app = start();
    const response = await post(
      app,
      '/validate',
      reviewOf({ operation: 'CREATE', object: shopObject('Rollout', 'reviews') }),
    );
    expect(response.body).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: UID, allowed: true },
    });
  });

  it('logs one line per decision without the object, and counts it', async () => {
    const app = start();
    await post(
      app,
      '/validate',
      reviewOf({
        operation: 'UPDATE',
        object: rolloutOnRoute('primary'),
        oldObject: shopObject('Rollout', 'reviews'),
        dryRun: true,
      }),
    );
    expect(app.lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/) as string,
        webhook: 'validate',
        uid: UID,
        operation: 'UPDATE',
        kind: 'Rollout.argoproj.io',
        namespace: 'shop',
        name: 'reviews',
        user: 'jane',
        dryRun: true,
        verdict: 'deny',
        rules: ['virtualservice-route-exists'],
        kept: [],
        ms: expect.any(Number) as number,
        msg: 'decided',
      },
    ]);
    const labels = 'webhook="validate",operation="UPDATE",kind="Rollout.argoproj.io",verdict="deny",dry_run="true"';
    expect(await metric(app.metrics, `rollgate_admission_requests_total{${labels}}`)).toBe(1);
    expect(
      await metric(app.metrics, 'rollgate_findings_total{rule="virtualservice-route-exists",decision="deny"}'),
    ).toBe(1);
    expect(
      await metric(app.metrics, 'rollgate_admission_duration_seconds_count{webhook="validate",operation="UPDATE"}'),
    ).toBe(1);
  });

  it('counts all unknown kinds as one', async () => {
    const app = start();
    for (const kind of ['Widget', 'Gadget']) {
      await post(
        app,
        '/validate',
        reviewOf({
          operation: 'CREATE',
          object: { apiVersion: 'example.com/v1', kind, metadata: { name: 'x', namespace: 'shop' } },
        }),
      );
    }
    const labels = 'webhook="validate",operation="CREATE",kind="other",verdict="exempt",dry_run="false"';
    expect(await metric(app.metrics, `rollgate_admission_requests_total{${labels}}`)).toBe(2);
    expect(await app.metrics.registry.metrics()).not.toMatch(/Widget|Gadget|shop/);
  });
});

describe('POST /mutate', () => {
  it("answers with a patch that preserves the controller's fields", async () => {
    const app = start();
    const submitted = shopObject('Service', 'reviews-canary');
    submitted['spec'] = { ...(submitted['spec'] as Json), selector: { app: 'reviews' } };
    const response = await post(
      app,
      '/mutate',
      reviewOf({ operation: 'UPDATE', object: submitted, oldObject: shopObject('Service', 'reviews-canary') }),
    );
    expect(response.status).toBe(200);
    const answer = (response.body as { response: Json }).response;
    expect(answer).toMatchObject({
      uid: UID,
      allowed: true,
      patchType: 'JSONPatch',
      auditAnnotations: { kept: 'service-hash' },
    });
    const patch: unknown = JSON.parse(Buffer.from(String(answer['patch']), 'base64').toString());
    expect(patch).toEqual([{ op: 'add', path: '/spec/selector/rollouts-pod-template-hash', value: '7d4b9c' }]);
    expect(await metric(app.metrics, 'rollgate_kept_total{keep="service-hash"}')).toBe(1);
  });
});

describe('a body that is no AdmissionReview', () => {
  const valid = reviewOf({ operation: 'CREATE', object: shopObject('Rollout', 'reviews') });

  function nested(levels: number): string {
    return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"${UID}","operation":"CREATE","object":${'{"a":['.repeat(levels / 2)}${']}'.repeat(levels / 2)}}}`;
  }

  it.each<[string, string | Json, number, string]>([
    ['an empty body', '', 400, 'the body is not JSON: Unexpected end of JSON input'],
    ['no JSON', '{"kind": AdmissionReview}', 400, 'the body is not JSON: '],
    ['a list', '[]', 400, 'the body is not an AdmissionReview: a JSON object is needed'],
    ['null', 'null', 400, 'the body is not an AdmissionReview: a JSON object is needed'],
    [
      'another kind',
      shopObject('Rollout', 'reviews'),
      400,
      'the body is not an AdmissionReview: its kind is "Rollout"',
    ],
    ['no request', { ...valid, request: undefined }, 400, 'the AdmissionReview has no request'],
    ['no uid', { ...valid, request: { ...valid.request, uid: undefined } }, 400, 'the request has no uid'],
    ['a uid that is a number', { ...valid, request: { ...valid.request, uid: 7 } }, 400, 'the request has no uid'],
    [
      'v1beta1 without a uid',
      { ...valid, apiVersion: 'admission.k8s.io/v1beta1', request: {} },
      400,
      'only admission.k8s.io/v1 is understood, not "admission.k8s.io/v1beta1"',
    ],
    ['200 levels and more', nested(202), 400, 'the body is nested more than 200 levels deep'],
    ['5000 levels', nested(5_000), 400, 'the body is nested more than 200 levels deep'],
    ['a million levels that never close', '['.repeat(1_000_000), 400, 'the body is nested more than 200 levels deep'],
  ])('%s', async (_name, body, status, message) => {
    const app = start();
    for (const webhook of ['mutate', 'validate']) {
      const response = await post(app, `/${webhook}`, body);
      expect(response.status).toBe(status);
      expect((response.body as Json)['error']).toContain(message);
      expect(
        await metric(app.metrics, `rollgate_unreadable_requests_total{webhook="${webhook}",code="${status}"}`),
      ).toBe(1);
    }
  });

  it.each<[string, Json, string]>([
    [
      'v1beta1',
      { ...valid, apiVersion: 'admission.k8s.io/v1beta1' },
      'only admission.k8s.io/v1 is understood, not "admission.k8s.io/v1beta1"',
    ],
    [
      'no operation',
      { ...valid, request: { ...valid.request, operation: undefined } },
      'operation null is not one of CREATE, UPDATE, DELETE, CONNECT',
    ],
    [
      'no object',
      { ...valid, request: { ...valid.request, object: 'none' } },
      'neither request.object nor request.oldObject is a Kubernetes object',
    ],
  ])('%s, but with a uid: it is answered with a review', async (_name, body, message) => {
    const app = start();
    for (const webhook of ['mutate', 'validate']) {
      const response = await post(app, `/${webhook}`, body);
      expect(response.status).toBe(400);
      expect(response.body).toMatchObject({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: UID, allowed: false, status: { code: 400, reason: 'BadRequest' } },
      });
      expect((response.body as { response: { status: Json } }).response.status['message']).toContain(message);
    }
  });

  it('is not read if its content type is not JSON', async () => {
    const app = start();
    for (const type of ['text/plain', 'application/yaml', 'application/jsonp', 'multipart/form-data; boundary=x']) {
      const response = await post(app, '/validate', JSON.stringify(valid), type);
      expect(response.status).toBe(415);
      expect(response.body).toEqual({
        error: `send an AdmissionReview with content type application/json, not ${type}`,
      });
    }
    const untyped = await request(app.app).post('/validate').unset('content-type');
    expect([untyped.status, untyped.body]).toEqual([
      415,
      { error: 'send an AdmissionReview with content type application/json, not without one' },
    ]);
    const zipped = await request(app.app)
      .post('/validate')
      .set('content-type', 'application/json')
      .set('content-encoding', 'gzip')
      .send(gzipSync('{}').toString('latin1'));
    expect(zipped.status).toBe(415);
    const charset = await post(app, '/validate', valid, 'application/json; charset=utf-8');
    expect(charset.status).toBe(200);
  });

  it('is rejected if it is larger than 7 MiB and has no uid', async () => {
    const app = start();
    for (const body of ['x'.repeat(MAX_BODY + 1), JSON.stringify({ padding: 'x'.repeat(MAX_BODY) })]) {
      const response = await post(app, '/validate', body);
      expect([response.status, response.body]).toEqual([413, { error: `the body is larger than ${MAX_BODY} bytes` }]);
    }
    const padded = JSON.stringify({ ...valid, padding: '' });
    const fits = await post(app, '/validate', `${padded}${' '.repeat(MAX_BODY - padded.length)}`);
    expect((fits.body as Json)['response']).toEqual({ uid: UID, allowed: true });
  });

  it('may contain keys with a meaning in JavaScript, and wrong types everywhere', async () => {
    const app = start();
    const text = JSON.stringify(valid)
      .replace('"metadata":', '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"metadata":')
      .replace(
        '"spec":',
        '"spec":{"strategy":{"canary":[],"blueGreen":7},"selector":"x","template":null,"replicas":{"a":[]}},"ignored":',
      );
    const response = await post(app, '/validate', text);
    expect(response.status).toBe(200);
    expect((response.body as { response: Json }).response['uid']).toBe(UID);
    expect(Object.prototype).not.toHaveProperty('polluted');
    const odd = await post(
      app,
      '/validate',
      reviewOf({
        operation: 'CREATE',
        object: { apiVersion: '__proto__/v1', kind: 'constructor', metadata: { name: 'x' } },
      }),
    );
    expect((odd.body as Json)['response']).toEqual({ uid: UID, allowed: true });
  });
});

describe('an internal error', () => {
  const review = reviewOf({ operation: 'CREATE', object: shopObject('Rollout', 'reviews') });
  const broken = {
    mutate: (): Promise<GateAnswer> => Promise.reject(new Error('a wheel came off')),
    validate: (): Promise<GateAnswer> => Promise.reject(new Error('a wheel came off')),
  };

  it('admits the request with a warning', async () => {
    const app = start({ gate: broken });
    for (const webhook of ['mutate', 'validate']) {
      const response = await post(app, `/${webhook}`, review);
      expect(response.status).toBe(200);
      expect((response.body as Json)['response']).toEqual({
        uid: UID,
        allowed: true,
        warnings: ['internal error in Rollgate: the request was allowed without being checked'],
      });
      expect(await metric(app.metrics, `rollgate_internal_errors_total{webhook="${webhook}"}`)).toBe(1);
    }
    expect(app.lines[0]).toMatchObject({
      level: 'error',
      msg: 'internal error',
      uid: UID,
      reason: expect.stringContaining('a wheel came off') as string,
    });
  });

  it('denies the request if the policy says so, but not in audit mode', async () => {
    const strict = await post(start({ gate: broken, policy: { onInternalError: 'deny' } }), '/validate', review);
    expect(strict.status).toBe(200);
    expect((strict.body as Json)['response']).toMatchObject({
      uid: UID,
      allowed: false,
      status: { code: 500, reason: 'InternalError' },
    });
    const audit = await post(
      start({ gate: broken, policy: { onInternalError: 'deny', mode: 'audit' } }),
      '/validate',
      review,
    );
    expect((audit.body as Json)['response']).toMatchObject({ allowed: true });
    const elsewhere = await post(
      start({ gate: broken, policy: { overrides: [{ name: 'shop', namespaces: ['shop'], onInternalError: 'deny' }] } }),
      '/validate',
      review,
    );
    expect((elsewhere.body as Json)['response']).toMatchObject({ allowed: false });
  });

  it('names the rule that threw', async () => {
    const rule = defineRule({
      id: 'always-throws',
      summary: '',
      explanation: '',
      subject: { 'Rollout.argoproj.io': [] },
      reads: {},
      messages: {},
      check() {
        throw new TypeError('no such thing');
      },
    });
    const app = start({ gate: { rules: [rule] } });
    const response = await post(app, '/validate', review);
    expect((response.body as Json)['response']).toMatchObject({
      allowed: true,
      warnings: [expect.stringContaining('the rule always-throws failed: no such thing') as string],
    });
    expect(await metric(app.metrics, 'rollgate_rule_errors_total{rule="always-throws"}')).toBe(1);
  });

  it('answers in time if the evaluation never ends', async () => {
    const app = start({
      gate: {
        mutate: () => Promise.withResolvers<GateAnswer>().promise,
        validate: () => Promise.withResolvers<GateAnswer>().promise,
      },
    });
    const response = await post(app, '/validate?timeout=50ms', review);
    expect((response.body as Json)['response']).toMatchObject({
      uid: UID,
      allowed: true,
      warnings: [expect.stringContaining('internal error') as string],
    });
  });
});

describe('the timeout of the API server', () => {
  it.each([
    ['?timeout=5s', 4_000],
    ['?timeout=1m0s', 24_000],
    ['?timeout=500ms', 400],
    ['', 8_000],
    ['?timeout=soon', 8_000],
    ['?timeout=-5s', 8_000],
    ['?timeout=1d', 8_000],
  ])('%s: evaluation ends at 80 % of it', async (query, milliseconds) => {
    const seen: Limits[] = [];
    const quick = (_request: unknown, limits: Limits): Promise<GateAnswer> => {
      seen.push(limits);
      return Promise.resolve({
        response: allowed(UID),
        record: { verdict: 'allow', findings: [], skipped: [], kept: [] },
      });
    };
    const app = start({ gate: { mutate: quick, validate: quick } });
    const before = Date.now();
    await post(app, `/validate${query}`, reviewOf({ operation: 'CREATE', object: shopObject('Rollout', 'reviews') }));
    const after = Date.now();
    // The API server's timeout includes the time for reading the body.
    expect(seen[0]?.deadline).toBeGreaterThanOrEqual(before + milliseconds - (after - before) - 1);
    expect(seen[0]?.deadline).toBeLessThanOrEqual(after + milliseconds);
  });
});

describe('when too many requests are in progress', () => {
  const review = reviewOf({ operation: 'CREATE', object: shopObject('Rollout', 'reviews') });

  it('rejects requests above the maximum number, and accepts them again afterwards', async () => {
    const { promise, resolve } = Promise.withResolvers<GateAnswer>();
    const entered = Promise.withResolvers<void>();
    const wait = (): Promise<GateAnswer> => {
      entered.resolve();
      return promise;
    };
    const limiter = new BodyLanes({ requests: 1, weight: 1_000_000 });
    const app = start({ limiter, gate: { mutate: wait, validate: wait } });
    const first = post(app, '/validate', review).then((response) => response);
    await entered.promise;
    expect(await metric(app.metrics, 'rollgate_in_flight')).toBe(1);
    for (const webhook of ['mutate', 'validate']) {
      const shed = await post(app, `/${webhook}`, review);
      expect([shed.status, shed.body, shed.headers['retry-after']]).toEqual([
        503,
        { error: 'too many requests in progress' },
        '1',
      ]);
    }
    expect(await metric(app.metrics, 'rollgate_shed_total')).toBe(2);
    resolve({ response: allowed(UID), record: { verdict: 'allow', findings: [], skipped: [], kept: [] } });
    expect((await first).status).toBe(200);
    expect((await post(app, '/validate', review)).status).toBe(200);
    await vi.waitFor(() => expect([limiter.requests, limiter.weight]).toEqual([0, 0]));
  });

  it('rejects requests above the maximum total size', async () => {
    const app = start({ limiter: new BodyLanes({ requests: 10, weight: 100_000 }) });
    const large = await post(app, '/validate', { ...review, padding: 'x'.repeat(200_000) });
    expect(large.status).toBe(503);
    for (let index = 0; index < 20; index++) expect((await post(app, '/validate', review)).status).toBe(200);
  });
});

describe('other paths and methods', () => {
  it('are rejected with a JSON body', async () => {
    const app = start();
    const nowhere = await request(app.app).get('/admit');
    expect([nowhere.status, nowhere.body]).toEqual([
      404,
      { error: 'not found; available paths: /mutate, /validate, /v1/dry-run, /v1/rules' },
    ]);
    for (const path of ['/Mutate', '/mutate/', '/v1', '/%2e%2e/mutate'])
      expect((await request(app.app).post(path)).status).toBe(404);
    for (const [method, path, allow] of [
      ['get', '/mutate', 'POST'],
      ['put', '/validate', 'POST'],
      ['get', '/v1/dry-run', 'POST'],
      ['delete', '/v1/rules', 'GET, HEAD'],
    ] as const) {
      const response = await request(app.app)[method](path);
      expect([response.status, response.headers['allow'], response.body]).toEqual([
        405,
        allow,
        { error: `${path} allows ${allow}, not ${method.toUpperCase()}` },
      ]);
    }
    const malformed = await request(app.app).get('/%zz');
    expect(malformed.status).toBe(404);
    expect(malformed.headers).not.toHaveProperty('x-powered-by');
    expect(malformed.headers).not.toHaveProperty('etag');
  });

  it('GET /v1/rules lists rules and keeps', async () => {
    const response = await request(start().app).get('/v1/rules');
    expect(response.status).toBe(200);
    const body = response.body as { rules: Json[]; documentRules: Json[]; keeps: Json[] };
    expect(body.rules.map(({ id }) => id)).toEqual(['virtualservice-route-exists']);
    expect(body.rules[0]).toMatchObject({
      subject: ['Rollout.argoproj.io'],
      messages: { absent: { class: 'invalid' } },
    });
    expect(body.documentRules.map(({ id }) => id)).toContain('unknown-field');
    expect(body.keeps.map(({ id }) => id)).toContain('service-hash');
  });
});

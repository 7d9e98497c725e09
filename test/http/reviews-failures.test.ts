import { gzipSync } from 'node:zlib';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { GateAnswer, Limits } from '../../src/admission/gate.ts';
import { allowed } from '../../src/admission/response.ts';
import { defineRule } from '../../src/rules/define.ts';
import { MAX_BODY } from '../../src/server/body.ts';
import { BodyLanes } from '../../src/server/body-lanes.ts';
import { metric } from '../support/app.ts';
import { reviewOf, shopObject, type Json } from '../support/reviews.ts';
import { UID, post, start } from '../support/review-app.ts';

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
    await eventually(() => expect([limiter.requests, limiter.weight]).toEqual([0, 0]));
  });

  it('rejects requests above the maximum total size', async () => {
    const app = start({ limiter: new BodyLanes({ requests: 10, weight: 100_000 }) });
    const large = await post(app, '/validate', { ...review, padding: 'x'.repeat(200_000) });
    expect(large.status).toBe(503);
    for (let index = 0; index < 20; index++) expect((await post(app, '/validate', review)).status).toBe(200);
  });
});

import type { ObjectEvent } from '../../src/server/object-events.ts';
import type { KubeObject } from '../../src/world/object.ts';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { RULES } from '../../src/rules/index.ts';
import { currentAddress } from '../../src/server/caller.ts';
import { metric, type TestApp } from '../support/app.ts';
import { reviewOf, shopObject, type Json } from '../support/reviews.ts';
import { UID, post, start } from '../support/review-app.ts';

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
    const app = start({ gate: { rules: RULES } }, '');
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
    expect(
      await metric(app.metrics, 'rollgate_findings_total{rule="reference-exists",decision="warn",would_deny="false"}'),
    ).toBe(5);
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

  it('records what enforce mode would deny as an Event, once for a write and never for a dry run', async () => {
    const told: unknown[] = [];
    const events = {
      record: (object: KubeObject, event: ObjectEvent) => void told.push([object.metadata.name, event]),
    };
    const write = (route: string, dryRun: boolean): Json =>
      reviewOf({
        operation: 'UPDATE',
        object: rolloutOnRoute(route),
        oldObject: shopObject('Rollout', 'reviews'),
        dryRun,
      });
    const audit = start({ events, policy: { mode: 'audit' } });
    for (const dryRun of [true, false]) await post(audit, '/validate', write('primary', dryRun));
    await post(audit, '/validate', write('main', false));
    await audit.stop();
    await post(start({ events }), '/validate', write('primary', false));
    expect(told).toEqual([
      [
        'reviews',
        {
          reason: 'WouldBeDenied',
          rules: ['virtualservice-route-exists'],
          message: expect.stringContaining('has no http route "primary" (it has "main")') as string,
        },
      ],
    ]);
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
        messages: [
          'VirtualService "reviews" has no http route "primary" (it has "main"): name one of its routes in the Rollout, or add this route first [rollgate/virtualservice-route-exists]',
        ],
        kept: [],
        ms: expect.any(Number) as number,
        msg: 'decided',
      },
    ]);
    const labels = 'webhook="validate",operation="UPDATE",kind="Rollout.argoproj.io",verdict="deny",dry_run="true"';
    expect(await metric(app.metrics, `rollgate_admission_requests_total{${labels}}`)).toBe(1);
    expect(
      await metric(
        app.metrics,
        'rollgate_findings_total{rule="virtualservice-route-exists",decision="deny",would_deny="false"}',
      ),
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

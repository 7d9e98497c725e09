import request from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { RULES } from '../../src/rules/index.ts';
import { testApp, type TestApp } from '../support/app.ts';
import { reviewOf, type Json } from '../support/reviews.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

let running: TestApp | undefined;

afterEach(async () => {
  await running?.stop();
});

// 0.35 MiB, with a mistake every 18 bytes.
function manyPlaceholders(): Json {
  const placeholders = Array.from({ length: 20_000 }, (_, index) => `{{args.n${String(index).padStart(5, '0')}}}`);
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AnalysisTemplate',
    metadata: { name: 'success-rate', namespace: 'shop' },
    spec: {
      args: [{ name: 'service-name' }],
      metrics: [
        {
          name: 'success-rate',
          count: 3,
          provider: { prometheus: { address: 'http://prometheus:9090', query: placeholders.join('') } },
        },
      ],
    },
  };
}

function manyPorts(): Json {
  const ports = Array.from({ length: 4_000 }, () => ({ name: 'http', containerPort: 80 }));
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web:1', ports }] },
      },
      strategy: { canary: { steps: [{ setWeight: 20 }] } },
    },
  };
}

interface Response {
  readonly allowed: boolean;
  readonly status?: { readonly message: string; readonly details: { readonly causes: readonly { message: string }[] } };
  readonly warnings?: readonly string[];
}

async function validate(object: Json): Promise<{ size: number; response: Response }> {
  running = testApp('', { gate: { rules: RULES } });
  const answer = await request(running.app)
    .post('/validate')
    .send(reviewOf({ operation: 'CREATE', object }));
  expect(answer.status).toBe(200);
  return { size: Buffer.byteLength(answer.text), response: (answer.body as { response: Response }).response };
}

describe('the answer to an object with thousands of mistakes', () => {
  it.each([
    ['20,000 placeholders without an argument', manyPlaceholders, 20_000],
    ['4,000 duplicate ports', manyPorts, 4_000],
  ])('%s: a denial with some of them and a number', async (_, object, mistakes) => {
    const { size, response } = await validate(object());
    expect(response.allowed).toBe(false);
    const { message = '', details } = response.status ?? {};
    const causes = details?.causes ?? [];
    const more = Number(/^and (\d+) more$/.exec(causes.at(-1)?.message ?? '')?.[1]);
    expect(causes.length - 1).toBeGreaterThan(0);
    expect(causes.length - 1).toBeLessThanOrEqual(100);
    expect(more).toBeGreaterThan(mistakes / 2);
    expect(message.endsWith(`\n- and ${more} more`)).toBe(true);
    expect(Buffer.byteLength(message)).toBeLessThan(17 * KIB);
    expect(size).toBeLessThan(64 * KIB);
  });

  it('names the same ones in every order of the manifest', async () => {
    const template = manyPlaceholders();
    const reversed = structuredClone(template);
    const { metrics } = reversed['spec'] as { metrics: { provider: { prometheus: { query: string } } }[] };
    const [metric] = metrics;
    if (metric === undefined) throw new Error('no metric');
    const { prometheus } = metric.provider;
    prometheus.query = (prometheus.query.match(/\{\{[^}]+\}\}/g) ?? []).reverse().join('');
    const first = await validate(template);
    await running?.stop();
    const second = await validate(reversed);
    expect(second.response).toEqual(first.response);
  });

  it('is cut in the dry run as well, and its verdict is not', async () => {
    running = testApp('', { gate: { rules: RULES } });
    const answer = await request(running.app)
      .post('/v1/dry-run')
      .set('content-type', 'application/json')
      .set('accept', 'application/json')
      .send(manyPlaceholders());
    const { verdict, findings, more } = answer.body as { verdict: string; findings: Json[]; more: number };
    expect(answer.status).toBe(200);
    expect(verdict).toBe('deny');
    expect(findings.length).toBeLessThanOrEqual(1_000);
    expect(more + findings.length).toBeGreaterThanOrEqual(20_000);
    // The object itself comes back.
    expect(Buffer.byteLength(answer.text)).toBeLessThan(2 * MIB);
  });
});

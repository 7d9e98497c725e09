import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { evaluate, type HealthCheck, type HealthTopic } from '../../src/server/health.ts';
import { HealthApp } from '../../src/server/health-app.ts';
import { Metrics } from '../../src/server/metrics.ts';
import { supportedRange } from '../../src/world/rollouts-versions.ts';

function metricsWith(rules: readonly string[] = ['a-rule'], keepsOff = false): Metrics {
  return new Metrics({
    version: '1.2.3',
    rules,
    keeps: PRESERVERS.map(({ id }) => id),
    inFlight: () => 3,
    droppedLogLines: () => 7,
    keepsOff: () => keepsOff,
    untrustedControllers: () => 2,
    versions: () => supportedRange([]),
    caches: () => [
      { kind: 'Rollout.argoproj.io', synced: true, staleness: 1.5, nameOnly: 0 },
      { kind: 'Service', synced: false, staleness: 400, nameOnly: 2 },
    ],
    cacheBytes: () => 12_345,
  });
}

/** Returns the app of the health port, with a main thread that answers at once. */
function plain(checks: readonly HealthCheck[], metrics = metricsWith()): HealthApp['listener'] {
  const app: HealthApp = new HealthApp({
    limits: { live: 30_000, ready: 5_000 },
    now: () => 0,
    heartbeat: () => 0,
    ask: (topic) => {
      if (topic === 'checks') app.receive({ topic, results: evaluate(checks) });
      else
        void metrics.registry
          .metrics()
          .then((body) => app.receive({ topic, metrics: { type: metrics.registry.contentType, body } }));
    },
  });
  return app.listener;
}

describe('the health port', () => {
  it('/livez is ok whatever fails', async () => {
    const response = await request(plain([{ name: 'caches', failing: () => 'not synced' }])).get('/livez');
    expect([response.status, response.text]).toEqual([200, 'ok\n']);
  });

  it('/readyz names every check, and what fails', async () => {
    let why: string | undefined = 'services were never read';
    const app = plain([
      { name: 'certificate', failing: () => undefined },
      { name: 'caches', failing: () => why },
    ]);
    const before = await request(app).get('/readyz');
    expect([before.status, before.text]).toEqual([
      503,
      '[+] certificate: ok\n[-] caches: services were never read\nnot ready\n',
    ]);
    why = undefined;
    const after = await request(app).get('/readyz');
    expect([after.status, after.text]).toEqual([200, '[+] certificate: ok\n[+] caches: ok\nready\n']);
  });

  it('/readyz is ready in spite of a warning', async () => {
    const app = plain([
      { name: 'caches', failing: () => undefined },
      { name: 'policy', isWarning: true, failing: () => 'is invalid' },
    ]);
    const { status, text } = await request(app).get('/readyz');
    expect([status, text]).toEqual([200, '[+] caches: ok\n[!] policy: is invalid\nready\n']);
  });

  it('/metrics has every series that alerts need from the start', async () => {
    const { status, headers, text } = await request(plain([])).get('/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    for (const line of [
      'rollgate_admission_requests_total{webhook="validate",operation="UPDATE",kind="Rollout.argoproj.io",verdict="deny",dry_run="false"} 0',
      'rollgate_findings_total{rule="a-rule",decision="deny",would_deny="false"} 0',
      'rollgate_skipped_total{rule="a-rule"} 0',
      'rollgate_rule_errors_total{rule="a-rule"} 0',
      'rollgate_kept_total{keep="service-hash"} 0',
      'rollgate_in_flight 3',
      'rollgate_shed_total 0',
      'rollgate_log_lines_dropped_total 7',
      'rollgate_api_questions_total{question="token",result="shed"} 0',
      'rollgate_api_questions_total{question="access",result="error"} 0',
      'rollgate_keeps_off 0',
      'rollgate_tripwire_total 0',
      'rollgate_untrusted_controllers 2',
      'rollgate_bad_patches_total 0',
      'rollgate_break_glass_total 0',
      'rollgate_internal_errors_total{webhook="mutate"} 0',
      'rollgate_certificate_reloads_total{result="error"} 0',
      'rollgate_policy_reloads_total{result="success"} 0',
      'rollgate_cache_synced{kind="Rollout.argoproj.io"} 1',
      'rollgate_cache_synced{kind="Service"} 0',
      'rollgate_cache_staleness_seconds{kind="Service"} 400',
      'rollgate_cache_name_only{kind="Service"} 2',
      'rollgate_cache_bytes 12345',
      'rollgate_build_info{version="1.2.3"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text).toContain('# TYPE rollgate_admission_duration_seconds histogram');
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
    expect(text).toContain('process_resident_memory_bytes');
  });

  it('/metrics reports the questions to the API server', async () => {
    const metrics = metricsWith();
    metrics.questionsInFlight((question) => (question === 'token' ? 2 : 5));
    metrics.question('token', 'denied');
    const { text } = await request(plain([], metrics)).get('/metrics');
    for (const line of [
      'rollgate_api_questions_in_flight{question="token"} 2',
      'rollgate_api_questions_in_flight{question="access"} 5',
      'rollgate_api_questions_total{question="token",result="denied"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  it('/metrics reports that nothing is preserved', async () => {
    const { text } = await request(plain([], metricsWith([], true))).get('/metrics');
    expect(text.split('\n')).toContain('rollgate_keeps_off 1');
  });

  it('answers no other path', async () => {
    const app = plain([]);
    expect((await request(app).post('/mutate').send({})).status).toBe(404);
    expect((await request(app).post('/livez')).status).toBe(405);
    expect((await request(app).head('/readyz')).status).toBe(200);
    expect((await request(app).get('/livez?verbose')).status).toBe(200);
  });

  it('counts a check that throws as failing', async () => {
    const failing = (): never => {
      throw new Error('no such thing');
    };
    const { status, text } = await request(plain([{ name: 'caches', failing }])).get('/readyz');
    expect([status, text]).toEqual([503, '[-] caches: the check failed: no such thing\nnot ready\n']);
  });
});

describe('while the event loop is blocked', () => {
  let now = 0;
  let asked: HealthTopic[] = [];
  let app: HealthApp;

  beforeEach(() => {
    vi.useFakeTimers();
    now = 1_000_000;
    asked = [];
    const started = now;
    app = new HealthApp({
      limits: { live: 30_000, ready: 5_000 },
      now: () => now,
      heartbeat: () => started,
      ask: (topic) => asked.push(topic),
    });
  });

  afterEach(() => vi.useRealTimers());

  async function pass<T>(milliseconds: number, pending: Promise<T>): Promise<T> {
    await vi.advanceTimersByTimeAsync(milliseconds);
    return pending;
  }

  it('/livez fails after 30 s and not before', async () => {
    now += 30_000;
    expect(await app.livez()).toMatchObject({ status: 200, body: 'ok\n' });
    now += 1_000;
    expect(await app.livez()).toMatchObject({ status: 503, body: 'the event loop has been blocked for 31 s\n' });
  });

  it('/readyz shows the last results, and fails after 5 s', async () => {
    app.receive({ topic: 'checks', results: [{ name: 'caches', isWarning: false, why: undefined }] });
    now += 5_000;
    expect(await pass(1_000, app.readyz())).toMatchObject({ status: 200, body: '[+] caches: ok\nready\n' });
    now += 1_000;
    expect(await pass(1_000, app.readyz())).toMatchObject({
      status: 503,
      body: '[+] caches: ok\n[-] event loop: the checks were last evaluated 6 s ago\nnot ready\n',
    });
    app.receive({ topic: 'checks', results: [{ name: 'caches', isWarning: false, why: undefined }] });
    expect(await pass(1_000, app.readyz())).toMatchObject({ status: 200 });
  });

  it('/readyz fails if the checks have not been evaluated yet', async () => {
    expect(await pass(1_000, app.readyz())).toMatchObject({
      status: 503,
      body: '[-] event loop: the checks have not been evaluated yet\nnot ready\n',
    });
  });

  it('/metrics says so after 5 s', async () => {
    expect(await pass(5_000, app.metrics())).toMatchObject({
      status: 503,
      body: '{"error":"the event loop did not answer within 5 s"}',
    });
  });

  it('asks the event loop only once for each, and serves everybody with its answer', async () => {
    const scrapes = Array.from({ length: 100 }, () => app.metrics());
    const probes = Array.from({ length: 100 }, () => app.readyz());
    expect(asked).toEqual(['metrics', 'checks']);
    app.receive({ topic: 'checks', results: [] });
    app.receive({ topic: 'metrics', metrics: { type: 'text/plain', body: 'x 1\n' } });
    for (const reply of await Promise.all(scrapes)) expect(reply).toMatchObject({ status: 200, body: 'x 1\n' });
    for (const reply of await Promise.all(probes)) expect(reply.status).toBe(200);
    void app.metrics();
    expect(asked).toEqual(['metrics', 'checks', 'metrics']);
  });

  it('/metrics fails if they cannot be written', async () => {
    const scrape = app.metrics();
    app.receive({ topic: 'metrics', metrics: undefined });
    expect(await scrape).toMatchObject({ status: 500 });
  });
});

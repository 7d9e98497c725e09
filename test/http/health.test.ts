import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { createLog } from '../../src/server/log.ts';
import { Metrics } from '../../src/server/metrics.ts';
import { createHealthApp, type HealthCheck } from '../../src/server/health.ts';

const log = createLog('silent', { write: () => undefined });

function metricsWith(rules: readonly string[] = ['a-rule'], keepsOff = false): Metrics {
  return new Metrics({
    version: '1.2.3',
    rules,
    keeps: PRESERVERS.map(({ id }) => id),
    inFlight: () => 3,
    droppedLogLines: () => 7,
    keepsOff: () => keepsOff,
    untrustedControllers: () => 2,
    caches: () => [
      { kind: 'Rollout.argoproj.io', synced: true, staleness: 1.5 },
      { kind: 'Service', synced: false, staleness: 400 },
    ],
  });
}

function plain(checks: readonly HealthCheck[]): ReturnType<typeof createHealthApp> {
  return createHealthApp({ checks, metrics: metricsWith(), log });
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

  it('/metrics has every series that alerts need from the start', async () => {
    const { status, headers, text } = await request(plain([])).get('/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    for (const line of [
      'rollgate_admission_requests_total{webhook="validate",operation="UPDATE",kind="Rollout.argoproj.io",verdict="deny",dry_run="false"} 0',
      'rollgate_findings_total{rule="a-rule",decision="deny"} 0',
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
    const { text } = await request(createHealthApp({ checks: [], metrics, log })).get('/metrics');
    for (const line of [
      'rollgate_api_questions_in_flight{question="token"} 2',
      'rollgate_api_questions_in_flight{question="access"} 5',
      'rollgate_api_questions_total{question="token",result="denied"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  it('/metrics reports that nothing is preserved', async () => {
    const { text } = await request(createHealthApp({ checks: [], metrics: metricsWith([], true), log })).get(
      '/metrics',
    );
    expect(text.split('\n')).toContain('rollgate_keeps_off 1');
  });

  it('answers no other path', async () => {
    const app = plain([]);
    expect((await request(app).post('/mutate').send({})).status).toBe(404);
    expect((await request(app).post('/livez')).status).toBe(405);
    expect((await request(app).head('/readyz')).status).toBe(200);
  });
});

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { alertRules, type AlertRule } from '../support/monitoring.ts';
import { promtool } from '../support/promtool.ts';
import { ALERT_CASES, EVALUATED_AT, type Series } from './alert-cases.ts';

const RULES = alertRules();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollgate-alerts-'));
  writeFileSync(join(folder, 'rules.yaml'), stringify({ groups: [{ name: 'rollgate', rules: RULES }] }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs promtool. Returns what it complains about. */
function complaints(...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(promtool(), args, { cwd: folder, encoding: 'utf8' });
  if (error !== undefined) throw error;
  return status === 0 ? '' : stdout + stderr;
}

function tests(rule: AlertRule, series: Series, labels: Readonly<Record<string, string>> | undefined): string {
  const file = 'tests.yaml';
  const expected = [{ exp_labels: { ...rule.labels, ...labels }, exp_annotations: rule.annotations }];
  const alert_rule_test = [
    { eval_time: EVALUATED_AT, alertname: rule.alert, exp_alerts: labels === undefined ? [] : expected },
  ];
  const input_series = Object.entries(series).map(([name, values]) => ({ series: name, values }));
  writeFileSync(
    join(folder, file),
    stringify({
      rule_files: ['rules.yaml'],
      evaluation_interval: '1m',
      tests: [{ interval: '1m', input_series, alert_rule_test }],
    }),
  );
  return complaints('test', 'rules', file);
}

describe('alerts', () => {
  it('are valid for Prometheus', () => {
    expect(complaints('check', 'rules', 'rules.yaml')).toBe('');
    writeFileSync(
      join(folder, 'invalid.yaml'),
      stringify({ groups: [{ name: 'a', rules: [{ alert: 'A', expr: '(' }] }] }),
    );
    expect(complaints('check', 'rules', 'invalid.yaml')).toContain('could not parse expression');
  });

  it('each have a case', () => {
    expect(Object.keys(ALERT_CASES)).toEqual(RULES.map(({ alert }) => alert));
  });

  it.each(RULES)('$alert fires', (rule) => {
    const { fires, labels = {} } = ALERT_CASES[rule.alert] ?? { fires: {} };
    expect(tests(rule, fires, labels)).toBe('');
  });

  it.each(RULES)('$alert does not fire when it should not', (rule) => {
    const { quiet } = ALERT_CASES[rule.alert] ?? { quiet: {} };
    expect(tests(rule, quiet, undefined)).toBe('');
  });
});

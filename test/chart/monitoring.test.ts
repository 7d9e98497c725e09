import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { render } from '../../scripts/helm.ts';
import { asArray, asString, dig } from '../../src/world/read.ts';
import { API_SERVER_METRICS, exportedMetrics } from '../support/exported-metrics.ts';
import { alertRules, dashboard, expressions, panels } from '../support/monitoring.ts';
import { metricsIn } from '../support/promql.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const RUNBOOKS = join(ROOT, 'docs', 'runbooks');
// Labels that Prometheus adds, and those of the other side of a match.
const TARGET_LABELS = ['instance', 'job'];

const runbook = (alert: string): string => readFileSync(join(RUNBOOKS, `${alert}.md`), 'utf8');
const sources = globSync('src/**/*.ts', { cwd: ROOT, exclude: ['**/*.test.ts'] })
  .map((file) => readFileSync(join(ROOT, file), 'utf8'))
  .join('\n');

describe('alerts and dashboard', () => {
  it('read only metrics and labels that exist', () => {
    const known = new Map([...exportedMetrics(), ...API_SERVER_METRICS]);
    const unknown = expressions().flatMap(([where, expression]) =>
      metricsIn(expression).flatMap(({ metric, labels }) => {
        const has = known.get(metric);
        if (has === undefined) return [`${where}: no metric ${metric}`];
        return labels
          .filter((label) => !has.has(label) && !TARGET_LABELS.includes(label))
          .map((label) => `${where}: ${metric} has no label ${label}`);
      }),
    );
    expect(unknown).toEqual([]);
    expect(expressions().every(([, expression]) => metricsIn(expression).length > 0)).toBe(true);
  });
});

describe('alerts', () => {
  it.each(alertRules())('$alert says what it is, how bad, and where to read on', ({ alert, labels, annotations }) => {
    expect(alert).toMatch(/^Rollgate[A-Z]/);
    expect(['warning', 'critical']).toContain(labels['severity']);
    expect(annotations['runbook_url']).toBe(`docs/runbooks/${alert}.md`);
    expect(annotations['summary']).toMatch(/^[A-Z][^.]+\.$/);
    expect(annotations['description']).toMatch(/^[A-Z].+\.$/);
  });

  it('link to the runbooks of another place', () => {
    for (const base of ['https://wiki.example.com/rollgate', 'https://wiki.example.com/rollgate/'])
      expect(
        alertRules('--set', `prometheusRule.runbookUrl=${base}`).map(({ annotations }) => annotations['runbook_url']),
      ).toEqual(alertRules().map(({ alert }) => `https://wiki.example.com/rollgate/${alert}.md`));
  });

  it('and runbooks belong together', () => {
    const pages = globSync('*.md', { cwd: RUNBOOKS }).filter((name) => name !== 'README.md');
    expect(pages.map((name) => basename(name, '.md')).sort()).toEqual(
      alertRules()
        .map(({ alert }) => alert)
        .sort(),
    );
    const index = readFileSync(join(RUNBOOKS, 'README.md'), 'utf8');
    for (const { alert, labels } of alertRules())
      expect(index).toMatch(new RegExp(`^\\| \\[${alert}\\]\\(${alert}[.]md\\) *\\| ${labels['severity']} *\\|`, 'm'));
  });

  it.each(alertRules())('$alert has a runbook with all parts', ({ alert, expr }) => {
    const page = runbook(alert);
    expect(page.split('\n')[0]).toBe(`# ${alert}`);
    expect([...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual([
      'What it means',
      'How to look',
      'How to fix',
      'When to switch off',
    ]);
    const look = page.slice(page.indexOf('## How to look'), page.indexOf('## How to fix'));
    expect(look).toContain('```sh\nkubectl ');
    expect(page.length).toBeGreaterThan(300);
    // The commands of the page show what the alert is about.
    for (const { metric } of metricsIn(expr))
      if (!metric.startsWith('apiserver_') && metric !== 'rollgate_build_info')
        expect(page).toContain(metric.replace(/_bucket$/, ''));
  });

  it.each(alertRules())('the runbook of $alert searches for texts that exist', ({ alert }) => {
    const page = runbook(alert);
    const metrics = [...exportedMetrics().keys(), ...API_SERVER_METRICS.keys()];
    for (const [, command = '', text = ''] of page.matchAll(/^kubectl (.*logs|get --raw) .*grep (?:-E )?'([^']+)'/gm))
      for (const part of text.split('|')) {
        const known = command.endsWith('logs') ? sources.includes(part.replaceAll('"', '')) : metrics.includes(part);
        expect([part, known]).toEqual([part, true]);
      }
  });
});

describe('dashboard', () => {
  it('names no data source', () => {
    const text = JSON.stringify(dashboard());
    const sources = [...text.matchAll(/"datasource":(\{.*?"\}|"[^"]*"|null)/g)].map(([, value]) => value);
    expect(sources.length).toBeGreaterThan(panels().length);
    expect(new Set(sources)).toEqual(new Set(['{"type":"prometheus","uid":"${datasource}"}']));
    expect(asArray(dig(dashboard(), 'templating', 'list')).map((variable) => dig(variable, 'type'))).toEqual([
      'datasource',
    ]);
  });

  it('can be read by people: each panel has a title, a description and a place of its own', () => {
    const all = asArray(dashboard()['panels']);
    for (const name of ['id', 'title']) expect(new Set(all.map((panel) => dig(panel, name))).size).toBe(all.length);
    const places = all.map((panel) => JSON.stringify([dig(panel, 'gridPos', 'x'), dig(panel, 'gridPos', 'y')]));
    expect(new Set(places).size).toBe(places.length);
    for (const panel of all.filter((each) => dig(each, 'type') !== 'row'))
      expect(asString(dig(panel, 'description'))).toMatch(/^[A-Z*].+\.$/);
  });

  it('is a ConfigMap for the sidecar of Grafana, if wanted', () => {
    const rendered = (...args: string[]): unknown =>
      parseAllDocuments(render(...args))
        .map((document) => document.toJS() as unknown)
        .find((object) => dig(object, 'metadata', 'name') === 'rollgate-dashboard');
    expect(rendered()).toBeUndefined();
    const map = rendered(
      '--set',
      'dashboard.enabled=true',
      '--set-string',
      'dashboard.labels.team=1',
      '--set',
      'dashboard.annotations.grafana_folder=Gates',
    );
    expect(map).toMatchObject({
      kind: 'ConfigMap',
      metadata: { labels: { grafana_dashboard: '1', team: '1' }, annotations: { grafana_folder: 'Gates' } },
    });
    // Grafana's own placeholders must not be taken for Helm's.
    expect(JSON.parse(asString(dig(map, 'data', 'rollgate.json')))).toEqual(dashboard());
  });
});

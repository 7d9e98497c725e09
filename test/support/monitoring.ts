import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHART } from '../../scripts/helm.ts';
import { asArray, asObject, asString, dig, type JsonObject } from '../../src/world/read.ts';
import { objectOf, objects } from './helm.ts';

/** An alert of the chart. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * Returns the alerts that the chart renders.
 *
 * @param args - Further arguments for Helm.
 */
export function alertRules(...args: string[]): AlertRule[] {
  const rule = objectOf(objects('--set', 'prometheusRule.enabled=true', ...args), 'PrometheusRule');
  return asArray(dig(rule, 'spec', 'groups')).flatMap((group) => asArray(dig(group, 'rules'))) as AlertRule[];
}

/** A panel of the dashboard that shows metrics. */
export interface Panel {
  readonly title: string;
  readonly expressions: readonly string[];
}

/** Returns the dashboard of the chart. */
export function dashboard(): JsonObject {
  return asObject(JSON.parse(readFileSync(join(CHART, 'files', 'dashboard.json'), 'utf8')));
}

/** Returns the panels of the dashboard that show metrics. */
export function panels(): Panel[] {
  return asArray(dashboard()['panels'])
    .filter((panel) => dig(panel, 'type') !== 'row')
    .map((panel) => ({
      title: asString(dig(panel, 'title')),
      expressions: asArray(dig(panel, 'targets')).map((target) => asString(dig(target, 'expr'))),
    }));
}

/** Returns every expression of the alerts and the dashboard, by where it is. */
export function expressions(): [string, string][] {
  return [
    ...alertRules().map(({ alert, expr }): [string, string] => [`alert ${alert}`, expr]),
    ...panels().flatMap(({ title, expressions: all }) =>
      all.map((expression): [string, string] => [`panel "${title}"`, expression]),
    ),
  ];
}

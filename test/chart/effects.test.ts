import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART, template, type HelmOutput } from '../../scripts/helm.ts';
import { asString, dig, isObject, type JsonObject } from '../../src/world/read.ts';
import { CHART_FACTORS, merged, type Values } from '../support/chart-values.ts';

const DEFAULTS = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as JsonObject;

// Kubernetes defines their keys, so each of them is one value.
const WHOLE = ['podSecurityContext', 'securityContext'];

// Everything that can be switched off is off.
const ALL_OFF: Values = {
  serviceAccount: { create: false, name: 'existing' },
  controllers: { discover: false },
  conversion: { enabled: false },
  certificates: { mode: 'self' },
  selfTest: { enabled: false },
};

function rendered(values: Values): HelmOutput {
  return template(
    {},
    ...Object.entries(values).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]),
  );
}

/** Returns the paths of the values in a values file. A map that users fill is one value, as `values.yaml` has it. */
function paths(values: Values, path: readonly string[] = []): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const to = [...path, key];
    const fallback = dig(DEFAULTS, ...to);
    const hasValues = isObject(fallback) && Object.keys(fallback).length > 0 && !WHOLE.includes(key);
    return isObject(value) && hasValues ? paths(value, to) : [to.join('.')];
  });
}

function valueAt(path: string, value: unknown): Values {
  return path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Values;
}

// What only `helm test` creates is no structural value.
const OF_THE_TEST: Values = { selfTest: { enabled: false, namespace: 'smoke' } };
const levels = [...Object.values(CHART_FACTORS).flatMap((factor) => Object.values(factor)), OF_THE_TEST];
const changed = new Map(
  levels.flatMap((values) => paths(values).map((path) => [path, dig(values, ...path.split('.'))] as const)),
);
const switches = paths(ALL_OFF);
const off = rendered(ALL_OFF).stdout;

describe('each value of the chart', () => {
  it('has a level that changes it', () => {
    expect(paths(DEFAULTS).filter((path) => !changed.has(path))).toEqual([]);
  });

  it.each([...changed].filter(([path]) => !switches.includes(path)))(
    '%s changes the objects or is refused, also if all else is off',
    (path, value) => {
      expect(off).toContain('kind: Deployment');
      const { code, stdout, stderr } = rendered(merged(ALL_OFF, valueAt(path, value)));
      expect(code === 0 ? stdout : stderr).not.toBe(off);
      if (code !== 0) expect(asString(stderr)).toContain(path.split('.')[0]);
    },
  );

  it.each(switches)('%s can be off by itself', (path) => {
    const account = path === 'serviceAccount.create' ? { serviceAccount: { name: 'existing' } } : {};
    expect(rendered(merged(account, valueAt(path, dig(ALL_OFF, ...path.split('.'))))).stderr).toBe('');
  });
});

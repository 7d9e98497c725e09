import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART } from '../../scripts/helm.ts';
import { isObject, type JsonObject } from '../../src/world/read.ts';
import { templateValues } from '../support/helm.ts';

const VALUES = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as JsonObject;

// Kubernetes defines what these contain. Without a value its defaults apply, and some users need that.
const OF_KUBERNETES: readonly string[] = [
  'resources',
  'strategy',
  'podSecurityContext',
  'securityContext',
  'startupProbe',
  'livenessProbe',
  'readinessProbe',
];

function keyPaths(values: JsonObject, path: readonly string[] = []): string[][] {
  return Object.entries(values).flatMap(([key, value]) => {
    const to = [...path, key];
    return [to, ...(isObject(value) ? keyPaths(value, to) : [])];
  });
}

// Helm removes the default of a key without a value. That happens to people who delete the lines below a key.
it('a key without a value is refused by its name, or changes nothing', async () => {
  const usual = await templateValues('');
  expect(usual.code).toBe(0);
  const wrong: string[] = [];
  for (const path of keyPaths(VALUES).filter(([key = '']) => !OF_KUBERNETES.includes(key))) {
    const values = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), null);
    const { code, stdout, stderr } = await templateValues(JSON.stringify(values));
    const key = path.at(-1) ?? '';
    const isRefused = stderr.includes(`"${key}" from your values`) || stderr.includes(`missing property '${key}'`);
    if (code === 0 ? stdout !== usual.stdout : !isRefused) wrong.push(`${path.join('.')}: ${stderr}`);
  }
  expect(wrong).toEqual([]);
});

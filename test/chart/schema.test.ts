import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CHART } from '../../scripts/helm.ts';
import { dig, isObject, type JsonObject } from '../../src/world/read.ts';
import { resolved } from '../support/json-schema.ts';
import { templateValues } from '../support/helm.ts';

const SCHEMA = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as JsonObject;
const VALUES = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as JsonObject;

// Parent charts put values of their own into it.
const OPEN = ['global'];
// Their keys are optional: those of the file rollgate.yaml, and those that Kubernetes has defaults for.
const OPTIONAL = ['policy', 'startupProbe', 'livenessProbe', 'readinessProbe'];

/** Returns each property of the schema with a fixed name, by its path, and the schemas that have properties. */
function described(schema: unknown, path = ''): { paths: string[]; open: string[] } {
  const { properties, additionalProperties } = resolved(schema, SCHEMA);
  if (!isObject(properties)) return { paths: [], open: [] };
  const below = Object.entries(properties).map(([key, value]) => {
    const to = path === '' ? key : `${path}.${key}`;
    const inside = described(value, to);
    return { paths: [to, ...inside.paths], open: inside.open };
  });
  return {
    paths: below.flatMap(({ paths }) => paths),
    open: [...(additionalProperties === false ? [] : [path]), ...below.flatMap(({ open }) => open)],
  };
}

function valuePaths(values: JsonObject, path = ''): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const to = path === '' ? key : `${path}.${key}`;
    return [to, ...(isObject(value) ? valuePaths(value, to) : [])];
  });
}

const isBelow = (path: string, parents: readonly string[]): boolean =>
  parents.some((parent) => path.startsWith(`${parent}.`));

describe('the schema of the values', () => {
  const { paths, open } = described(SCHEMA);

  it('refuses unknown keys wherever it names keys', () => {
    expect(open).toEqual(OPEN);
  });

  it('has each value of values.yaml, and no other', () => {
    const values = valuePaths(VALUES);
    // Maps with keys that Kubernetes defines, such as resources, are open.
    const closed = values.filter((path) => !values.some((parent) => isBelow(path, [parent]) && isOpen(parent)));
    expect(closed.filter((path) => !paths.includes(path))).toEqual([]);
    const shown = paths.filter((path) => !isBelow(path, [...OPTIONAL, ...mapsOfUsers(VALUES)]));
    expect(shown.filter((path) => !values.includes(path))).toEqual([]);
  });

  function isOpen(path: string): boolean {
    return paths.includes(path) && !paths.some((other) => isBelow(other, [path]));
  }

  it.each<[string, unknown, string]>([
    ['an unknown key', { replica: 2 }, "'replica'"],
    ['an unknown key inside', { image: { name: 'x' } }, "'name'"],
    ['a digest without its algorithm', { image: { digest: 'abc' } }, '/image/digest'],
    ['a label that the chart sets', { commonLabels: { 'app.kubernetes.io/name': 'x' } }, '/commonLabels'],
    ['the same for pods', { podLabels: { 'app.kubernetes.io/instance': 'x' } }, '/podLabels'],
    ['a label that is no text', { commonLabels: { stage: true } }, '/commonLabels/stage'],
    ['a name that no Service can have', { fullnameOverride: '1gate' }, '/fullnameOverride'],
    [
      'an unknown operator',
      { webhooks: { namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'is' }] } } },
      '',
    ],
    ['an unknown timing', { readinessProbe: { httpGet: {} } }, "'httpGet'"],
    ['an argument that is no option', { extraArgs: ['scan'] }, '/extraArgs/0'],
    ['a port that is no number', { networkPolicy: { egressPorts: ['https'] } }, '/networkPolicy/egressPorts/0'],
    ['a peer of another kind', { networkPolicy: { webhookFrom: [{ cidr: '10.0.0.0/8' }] } }, "'cidr'"],
  ])('refuses %s, and says where', async (_, values, where) => {
    const { code, stderr } = await templateValues(JSON.stringify(values));
    expect([code, stderr]).toEqual([1, expect.stringContaining(where)]);
    expect(stderr).toContain("values don't meet the specifications of the schema");
  });
});

/** Returns the values that are an empty map: users fill them. */
function mapsOfUsers(values: JsonObject): readonly string[] {
  return valuePaths(values).filter((path) => {
    const value = dig(values, ...path.split('.'));
    return isObject(value) && Object.keys(value).length === 0;
  });
}

describe('values that do not fit together', () => {
  it.each<[string, unknown, string]>([
    [
      'selectors with conversion',
      { webhooks: { namespaceSelector: { matchLabels: { a: 'b' } } } },
      'webhooks: namespaceSelector and objectSelector need conversion.enabled=false',
    ],
    [
      'the same, for objects',
      { webhooks: { objectSelector: { matchLabels: { a: 'b' } } } },
      'use webhooks.excludedNamespaces',
    ],
    ['no account', { serviceAccount: { create: false } }, 'serviceAccount: name the account of Rollgate'],
    [
      'two that write caBundle',
      { certificates: { mode: 'self' }, webhooks: { annotations: { 'cert-manager.io/inject-ca-from': 'a/b' } } },
      'would overwrite caBundle in turn',
    ],
    [
      'two that cert-manager would inject',
      { webhooks: { annotations: { 'cert-manager.io/inject-ca-from': 'a/b' } } },
      'it competes with the annotation of the chart',
    ],
    [
      'annotations of no Service',
      { metrics: { service: { annotations: { a: 'b' } } } },
      'metrics.service.annotations has no effect without metrics.service.separate=true: set that too, or remove',
    ],
    [
      'a key of no Secret',
      { istioKubeconfig: { key: 'a' } },
      'istioKubeconfig.key has no effect without istioKubeconfig.secretName: set that too, or remove',
    ],
    [
      'another default without effect',
      { networkPolicy: { egressPorts: [6443] } },
      'networkPolicy.egressPorts has no effect without networkPolicy.enabled=true',
    ],
    ['the account of all pods', { serviceAccount: { name: 'default' } }, 'an account that no other pods use'],
    ['one port for two', { ports: { health: 8443 } }, 'ports: webhook and health are both 8443'],
    [
      'the port of the kubelet',
      { hostNetwork: true, ports: { webhook: 10250 } },
      'the kubelet already uses port 10250',
    ],
    ['a repository with a tag', { image: { repository: 'a.example.com:5000/b:0.1.0' } }, 'write it to image.tag'],
    ['a repository with a digest', { image: { repository: 'a/b@sha256:0' } }, 'or image.digest instead'],
    // What is left if somebody deletes the lines below it.
    ['a key without a value', { certificates: null }, 'certificates has no value: remove the empty key "certificates"'],
    // What --reuse-values leaves of the values of a chart that did not have them.
    ['values of an earlier chart', { serviceAccount: null }, '--reset-then-reuse-values'],
  ])('are refused: %s', async (_, values, message) => {
    const { code, stderr } = await templateValues(JSON.stringify(values));
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });
});

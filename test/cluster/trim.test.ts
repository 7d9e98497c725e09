import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { statusManagers } from '../../src/admission/tripwire.ts';
import { NAME_ONLY, trim, whole } from '../../src/cluster/trim.ts';
import { evaluate } from '../../src/rules/engine.ts';
import { identity } from '../../src/rules/finding.ts';
import { RULES } from '../../src/rules/index.ts';
import { bundleWorld, parseManifests, placeObjects } from '../../src/world/manifests.ts';
import { kindOf, type KubeObject } from '../../src/world/object.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

describe('the part of an object that is kept', () => {
  it('is everything except large fields that nothing reads', () => {
    const raw = {
      metadata: {
        name: 'web',
        namespace: 'shop',
        labels: { app: 'web' },
        annotations: { [LAST_APPLIED]: '{}', team: 'a' },
        managedFields: [{ manager: 'kubectl' }],
        selfLink: '/x',
        deletionTimestamp: '2026-01-01T00:00:00Z',
      },
      spec: { ports: [{ port: 80 }] },
      status: { loadBalancer: {} },
    };
    const before = structuredClone(raw);
    expect(trim('Service', 'v1', raw)).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'web',
        namespace: 'shop',
        labels: { app: 'web' },
        annotations: { team: 'a' },
        deletionTimestamp: '2026-01-01T00:00:00Z',
      },
      spec: { ports: [{ port: 80 }] },
    });
    expect(raw).toEqual(before);
  });

  it('is the whole status of a Rollout, and its field managers', () => {
    const managedFields = [
      { manager: 'kubectl', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
      { manager: 'rollouts-controller', operation: 'Update', fieldsV1: { 'f:status': { 'f:phase': {} } } },
      { manager: 'other-controller', operation: 'Update', subresource: 'status' },
      'nonsense',
    ];
    const raw = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name: 'web', managedFields },
      spec: {},
      status: { phase: 'Healthy', canary: { weights: {} } },
    };
    const kept = trim('Rollout.argoproj.io', 'argoproj.io/v1alpha1', raw);
    expect(kept?.['status']).toEqual(raw.status);
    expect(kept?.metadata['managedFields']).toHaveLength(2);
    expect(kept && statusManagers(kept)).toEqual(['rollouts-controller', 'other-controller']);
  });

  it('is the part of the status that is read', () => {
    const status = { replicas: 3, availableReplicas: 2, conditions: [{ type: 'Available', message: 'long' }] };
    expect(trim('Deployment.apps', 'apps/v1', { metadata: { name: 'web' }, status })).toMatchObject({
      status: { replicas: 3, availableReplicas: 2 },
    });
    expect(trim('Deployment.apps', 'apps/v1', { metadata: { name: 'web' }, status })?.['status']).not.toHaveProperty(
      'conditions',
    );
    expect(trim('Namespace', 'v1', { metadata: { name: 'shop' }, status: { phase: 'Terminating' } })).toMatchObject({
      status: { phase: 'Terminating' },
    });
    expect(
      trim('Experiment.argoproj.io', 'argoproj.io/v1alpha1', {
        metadata: { name: 'e' },
        status: { phase: 'Running', templateStatuses: [] },
      })?.['status'],
    ).toEqual({ phase: 'Running' });
    expect(trim('Deployment.apps', 'apps/v1', { metadata: { name: 'web' }, status: 'nonsense' })).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
    });
  });

  it('has no values of environment variables and commands, only that they are there', () => {
    const container = {
      name: 'web',
      image: 'registry.example/web:1.2.3',
      command: ['sh', ''],
      args: [7, 'x'],
      env: [
        { name: 'PASSWORD', value: 'secret' },
        { name: 'EMPTY', value: '' },
        { name: 'REF', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
        'nonsense',
      ],
      ports: [{ containerPort: 80 }],
    };
    const kept = {
      name: 'web',
      image: 'registry.example/web:1.2.3',
      command: ['-', ''],
      args: [7, '-'],
      env: [
        { name: 'PASSWORD', value: '-' },
        { name: 'EMPTY', value: '' },
        { name: 'REF', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
        'nonsense',
      ],
      ports: [{ containerPort: 80 }],
    };
    const pod = { containers: [container, 'nonsense'], initContainers: 'nonsense', volumes: [{ name: 'image' }] };
    const keptPod = { ...pod, containers: [kept, 'nonsense'] };
    const metadata = { name: 'web' };
    for (const kind of ['Rollout.argoproj.io', 'Deployment.apps', 'ReplicaSet.apps'] as const)
      expect(trim(kind, 'v1', { metadata, spec: { replicas: 1, template: { spec: pod } } })).toMatchObject({
        spec: { replicas: 1, template: { spec: keptPod } },
      });
    expect(trim('PodTemplate', 'v1', { metadata, template: { spec: pod } })).toMatchObject({
      template: { spec: keptPod },
    });
    // The arguments of an analysis are read.
    const job = { metadata, spec: { metrics: [{ provider: { job: { spec: { template: { spec: pod } } } } }] } };
    expect(trim('AnalysisTemplate.argoproj.io', 'v1', job)).toMatchObject(job);
  });

  it('is enough for every rule: they find the same in all their fixtures', () => {
    for (const rule of RULES) {
      const folder = join(import.meta.dirname, '../../src/rules', rule.id, 'fixtures');
      for (const name of readdirSync(folder).filter((file) => file.endsWith('.yaml'))) {
        const { objects } = parseManifests(readFileSync(join(folder, name), 'utf8'), name);
        const complete = placeObjects(objects).sources.map(({ object }) => object);
        const trimmed = complete.map((object) => {
          const kind = kindOf(object);
          return kind === undefined || NAME_ONLY.has(kind) ? object : (trim(kind, object.apiVersion, object) ?? object);
        });
        const found = (all: readonly KubeObject[]): string[] =>
          evaluate(bundleWorld(all), all, [rule])
            .findings.map((finding) => identity(finding))
            .sort();
        expect(found(trimmed), `${rule.id}/${name}`).toEqual(found(complete));
      }
    }
  });

  it('is the name if nothing else is read', () => {
    const metadata = {
      name: 'token',
      namespace: 'shop',
      uid: 'u',
      resourceVersion: '7',
      labels: { a: 'b' },
      annotations: { c: 'd' },
    };
    const raw = { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata, data: { password: 'hidden' } };
    const named = { metadata: { name: 'token', namespace: 'shop', uid: 'u', resourceVersion: '7' } };
    for (const kind of ['Secret', 'ConfigMap', 'ServiceAccount'] as const)
      expect(trim(kind, 'v1', raw)).toEqual({ apiVersion: 'v1', kind, ...named });
    expect(
      trim('Secret', 'v1', { ...raw, metadata: { ...metadata, name: 'argo-rollouts-config' } }),
    ).not.toHaveProperty('data');
  });

  it('is nothing for a value that is no object', () => {
    for (const raw of [
      undefined,
      null,
      7,
      'x',
      [],
      {},
      { metadata: null },
      { metadata: {} },
      { metadata: { name: 7 } },
      { metadata: { name: '' } },
    ]) {
      expect(trim('Service', 'v1', raw)).toBe(undefined);
      expect(whole('Service', 'v1', raw)).toBe(undefined);
    }
  });

  it('has no inherited properties, for any keys', () => {
    const raw: unknown = JSON.parse(
      '{"metadata":{"name":"a","__proto__":{"x":1},"annotations":{"__proto__":"y","kubectl.kubernetes.io/last-applied-configuration":""}},"__proto__":{"spec":{"z":1}}}',
    );
    const kept = trim('Service', 'v1', raw);
    expect(kept?.['spec']).toBe(undefined);
    expect(kept?.metadata['x']).toBe(undefined);
    expect(Object.getPrototypeOf(kept)).toBe(Object.prototype);
  });
});

import { describe, expect, it } from 'vitest';
import { fieldValue, hasValueAt, isMetadataPath, sectionsOf } from './field-path.ts';

describe('isMetadataPath', () => {
  it.each([
    'metadata.name',
    'metadata.namespace',
    'metadata.uid',
    'metadata.labels',
    'metadata.annotations',
    "metadata.labels['app']",
    "metadata.labels['example.org/app']",
    "metadata.annotations['Example.org/Team']",
  ])('takes %j', (path) => {
    expect(isMetadataPath(path)).toBe(true);
  });

  it.each([
    'metadata',
    'metadata.generation',
    'metadata.labels.app',
    'metadata.labels[app]',
    "metadata.labels['']",
    "metadata.labels['a b']",
    "metadata.labels['a']['b']",
    "metadata.name['x']",
    "metadata.labels['Example.org/app']",
    'metadataname',
  ])('does not take %j', (path) => {
    expect(isMetadataPath(path)).toBe(false);
  });
});

describe('hasValueAt', () => {
  const value = { a: { 'b.c': 1, d: [{ e: '' }, null], f: false, g: 0 } };

  it.each(['a.d[0].e', 'a.f', 'a.g', '.a..f.', 'a.d.0.e', 'a.d[+0].e'])('finds %j', (path) => {
    expect(hasValueAt(value, sectionsOf(path))).toBe(true);
  });

  it.each([
    '',
    'a',
    'a.d',
    'a.d[0]',
    'a.d[1]',
    'a.d[2].e',
    'a.d[-1].e',
    'a.d.x',
    'a.b.c',
    "a['f']",
    'a.f.g',
    'a.constructor.name',
    'x.y',
  ])('does not find %j', (path) => {
    expect(hasValueAt(value, sectionsOf(path))).toBe(false);
  });
});

describe('hasValueAt in a Rollout', () => {
  const containers = [
    {
      image: '',
      ports: [{ containerPort: 80, hostPort: 0 }],
      env: [{ name: 'A', value: '' }],
      livenessProbe: { grpc: { port: 0 } },
    },
  ];
  const rollout = {
    spec: {
      minReadySeconds: 0,
      paused: false,
      progressDeadlineSeconds: 0,
      strategy: { canary: { stableService: '', maxSurge: 0 }, blueGreen: {} },
      template: { spec: { hostNetwork: false, containers } },
    },
  };

  it.each([
    'progressDeadlineSeconds',
    'strategy.canary.maxSurge',
    'strategy.blueGreen.activeService',
    'template.spec.containers[0].ports[0].protocol',
    'template.spec.containers[0].livenessProbe.grpc.service',
  ])('finds %j, which the API server or Go writes', (path) => {
    expect(hasValueAt(rollout, sectionsOf(`spec.${path}`))).toBe(true);
  });

  it.each([
    'minReadySeconds',
    'paused',
    'strategy.canary.stableService',
    'strategy.blueGreen.previewService',
    'template.spec.hostNetwork',
    'template.spec.containers[0].image',
    'template.spec.containers[0].env[0].value',
    'template.spec.containers[0].ports[0].hostPort',
    'template.spec.containers[0].ports[1].protocol',
  ])('does not find %j, which Go leaves out', (path) => {
    expect(hasValueAt(rollout, sectionsOf(`spec.${path}`))).toBe(false);
  });
});

describe('fieldValue', () => {
  const object = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: {
      name: 'reviews',
      namespace: 'shop',
      labels: { app: 'web' },
      annotations: { 'example.com/team': 'shop' },
      generation: 2,
    },
    spec: {
      paused: true,
      minReadySeconds: 30,
      progressDeadlineSeconds: 1_000_000,
      strategy: { canary: { maxSurge: '25%' } },
      template: { spec: { containers: [{ image: 'web:1', resources: { limits: { memory: '1024Mi' } } }] } },
    },
    status: { phase: 'Healthy' },
  };

  it.each([
    ['metadata.name', 'reviews'],
    ['metadata.namespace', 'shop'],
    ["metadata.labels['app']", 'web'],
    ["metadata.labels['none']", ''],
    ["metadata.annotations['example.com/team']", 'shop'],
    ['metadata.labels', 'app="web"'],
    ['metadata.annotations', undefined],
    ['metadata.uid', undefined],
    ['metadata.generation', undefined],
    ['status.phase', undefined],
    ['spec.replicas', '1'],
    ['spec.paused', 'true'],
    ['spec.strategy', undefined],
    ['spec.strategy.canary.maxSurge', '25%'],
    ['spec.progressDeadlineSeconds', undefined],
    ['spec.minReadySeconds', '30'],
    ['spec.template.spec.containers[0].image', 'web:1'],
    ['spec.template.spec.containers[0].resources.limits.memory', undefined],
  ])('%j reads %j', (path, value) => {
    expect(fieldValue(object, path)).toBe(value);
  });

  it('reads a namespace of another type as text', () => {
    const metadata = { ...object.metadata, namespace: 7 } as unknown as typeof object.metadata;
    expect(fieldValue({ ...object, metadata }, 'metadata.namespace')).toBe('');
  });

  it('reads the number of replicas that is given', () => {
    expect(fieldValue({ ...object, spec: { replicas: 3 } }, 'spec.replicas')).toBe('3');
  });

  it('reads no template beside a workloadRef, where the controller takes that of the workload and shows none', () => {
    const spec = { ...object.spec, workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'reviews' } };
    expect(fieldValue({ ...object, spec }, 'spec.template.spec.containers[0].image')).toBeUndefined();
  });
});

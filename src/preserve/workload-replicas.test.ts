import { describe, expect, it } from 'vitest';
import { apply, yaml } from '../../test/support/preserver-tester.ts';
import type { KubeObject } from '../world/object.ts';
import { LAST_APPLIED } from '../world/writers.ts';
import { workloadReplicas } from './workload-replicas.ts';

const HEALTHY = 'currentPodHash: a, stableRS: a, phase: Healthy, availableReplicas: 5';

function rollout(status = HEALTHY, scaleDown = 'onsuccess'): KubeObject {
  return yaml(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web, scaleDown: ${scaleDown}}}
status: {${status}}
`);
}

interface Field {
  readonly manager: string;
  readonly operation?: string;
  readonly owns?: readonly string[];
  readonly subresource?: string;
}

function deployment(
  replicas: number | string | undefined,
  options: { lastApplied?: number | 'none' | 'broken'; fields?: readonly Field[] } = {},
): KubeObject {
  const { lastApplied, fields } = options;
  const applied =
    lastApplied === 'broken' ? '{' : JSON.stringify({ spec: lastApplied === 'none' ? {} : { replicas: lastApplied } });
  return yaml(`
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations: ${lastApplied === undefined ? '{}' : JSON.stringify({ [LAST_APPLIED]: applied })}
  managedFields: ${JSON.stringify((fields ?? []).map(managed))}
spec: {${replicas === undefined ? '' : `replicas: ${replicas}, `}template: {spec: {containers: [{name: web, image: "web:2"}]}}}
`);
}

function managed({ manager, operation = 'Update', owns = [], subresource }: Field): unknown {
  const spec = Object.fromEntries(owns.map((name) => [`f:${name}`, {}]));
  return {
    manager,
    operation,
    apiVersion: 'apps/v1',
    fieldsType: 'FieldsV1',
    fieldsV1: { 'f:spec': spec },
    ...(subresource === undefined ? {} : { subresource }),
  };
}

const MANIFEST = ['selector', 'template'];
const CONTROLLER: Field = { manager: 'rollouts-controller', owns: ['replicas'] };

describe('workload-replicas', () => {
  // What each way to write looks like to an admission webhook; in the stored object the controller has taken the count
  // over, until the first apply is kept at 0.
  it.each<[string, KubeObject, KubeObject]>([
    [
      'kubectl apply',
      deployment(5, {
        lastApplied: 5,
        fields: [{ manager: 'kubectl-client-side-apply', owns: [...MANIFEST, 'replicas'] }],
      }),
      deployment(0, { lastApplied: 5, fields: [{ manager: 'kubectl-client-side-apply', owns: MANIFEST }, CONTROLLER] }),
    ],
    [
      'Argo CD, client-side apply',
      deployment(5, { lastApplied: 5, fields: [{ manager: 'argocd-controller', owns: [...MANIFEST, 'replicas'] }] }),
      deployment(0, { lastApplied: 5, fields: [{ manager: 'argocd-controller', owns: MANIFEST }, CONTROLLER] }),
    ],
    [
      'Argo CD, server-side apply with force-conflicts (and its dry run), the first time',
      deployment(5, {
        fields: [{ manager: 'argocd-controller', operation: 'Apply', owns: [...MANIFEST, 'replicas'] }],
      }),
      deployment(0, { fields: [{ manager: 'argocd-controller', operation: 'Apply', owns: MANIFEST }, CONTROLLER] }),
    ],
    [
      'Argo CD, server-side apply, once more after it was kept',
      deployment(5, {
        fields: [{ manager: 'argocd-controller', operation: 'Apply', owns: [...MANIFEST, 'replicas'] }],
      }),
      deployment(0, {
        fields: [{ manager: 'argocd-controller', operation: 'Apply', owns: [...MANIFEST, 'replicas'] }],
      }),
    ],
    [
      'Argo CD, server-side apply, with an annotation left from the time before',
      deployment(5, {
        lastApplied: 3,
        fields: [{ manager: 'argocd-controller', operation: 'Apply', owns: [...MANIFEST, 'replicas'] }],
      }),
      deployment(0, {
        lastApplied: 3,
        fields: [{ manager: 'argocd-controller', operation: 'Apply', owns: MANIFEST }, CONTROLLER],
      }),
    ],
    [
      'the first server-side apply after client-side ones',
      deployment(5, {
        lastApplied: 5,
        fields: [{ manager: 'kubectl', operation: 'Apply', owns: [...MANIFEST, 'replicas'] }],
      }),
      deployment(0, { lastApplied: 5, fields: [{ manager: 'kubectl-client-side-apply', owns: MANIFEST }, CONTROLLER] }),
    ],
    [
      'the first server-side apply by another tool',
      deployment(5, {
        lastApplied: 5,
        fields: [{ manager: 'argocd-controller', operation: 'Apply', owns: [...MANIFEST, 'replicas'] }],
      }),
      deployment(0, { lastApplied: 5, fields: [{ manager: 'kubectl-client-side-apply', owns: MANIFEST }, CONTROLLER] }),
    ],
    [
      'Argo CD, replace',
      deployment(5, { fields: [{ manager: 'argocd-controller', owns: [...MANIFEST, 'replicas'] }] }),
      deployment(0, { fields: [{ manager: 'argocd-controller', owns: MANIFEST }, CONTROLLER] }),
    ],
    [
      'kubectl replace after kubectl apply',
      deployment(5, {
        fields: [
          { manager: 'kubectl-client-side-apply', owns: MANIFEST },
          { manager: 'kubectl-replace', owns: ['replicas'] },
        ],
      }),
      deployment(0, { lastApplied: 5, fields: [{ manager: 'kubectl-client-side-apply', owns: MANIFEST }, CONTROLLER] }),
    ],
    [
      'kubectl replace once more',
      deployment(5, {
        fields: [
          { manager: 'kubectl-client-side-apply', owns: MANIFEST },
          { manager: 'kubectl-replace', owns: ['replicas'] },
        ],
      }),
      deployment(0, {
        fields: [
          { manager: 'kubectl-client-side-apply', owns: MANIFEST },
          { manager: 'kubectl-replace', owns: ['replicas'] },
        ],
      }),
    ],
    [
      'a bundle laid over the cluster, client-side',
      deployment(5),
      deployment(0, { lastApplied: 5, fields: [CONTROLLER] }),
    ],
    [
      'a bundle laid over the cluster, server-side',
      deployment(5),
      deployment(0, { fields: [{ manager: 'argocd-controller', operation: 'Apply', owns: MANIFEST }, CONTROLLER] }),
    ],
    ['a manifest without a count', deployment(undefined), deployment(0, { lastApplied: 'none', fields: [CONTROLLER] })],
  ])('keeps 0 through a re-apply: %s', (_, submitted, old) => {
    const { object, operations, notes } = apply(workloadReplicas, submitted, old, rollout());
    const counted = 'replicas' in (submitted['spec'] as object);
    expect(operations).toEqual([{ op: counted ? 'replace' : 'add', path: '/spec/replicas', value: 0 }]);
    expect(object).toEqual({ ...submitted, spec: { ...(submitted['spec'] as object), replicas: 0 } });
    expect(notes).toEqual([
      `replicas 0, not ${counted ? 5 : 1}: the Rollout runs these pods (use kubectl scale to change it)`,
    ]);
  });

  it.each<[string, KubeObject, KubeObject]>([
    [
      'kubectl edit, to the very number of the manifest',
      deployment(5, { lastApplied: 5, fields: [{ manager: 'kubectl-edit', owns: ['replicas'] }] }),
      deployment(0, { lastApplied: 5, fields: [CONTROLLER] }),
    ],
    [
      'kubectl edit, by whom edited it down before',
      deployment(5, { fields: [{ manager: 'kubectl-edit', owns: ['replicas'] }] }),
      deployment(0, { fields: [{ manager: 'kubectl-edit', owns: ['replicas'] }] }),
    ],
    [
      'kubectl patch',
      deployment(5, { lastApplied: 5, fields: [{ manager: 'kubectl-patch', owns: ['replicas'] }] }),
      deployment(0, { lastApplied: 5, fields: [CONTROLLER] }),
    ],
    [
      'kubectl apply of a new count',
      deployment(7, {
        lastApplied: 7,
        fields: [{ manager: 'kubectl-client-side-apply', owns: [...MANIFEST, 'replicas'] }],
      }),
      deployment(0, { lastApplied: 5, fields: [{ manager: 'kubectl-client-side-apply', owns: MANIFEST }, CONTROLLER] }),
    ],
    [
      'kubectl apply of a count where Git had 0',
      deployment(5, {
        lastApplied: 5,
        fields: [{ manager: 'kubectl-client-side-apply', owns: [...MANIFEST, 'replicas'] }],
      }),
      deployment(0, {
        lastApplied: 0,
        fields: [{ manager: 'kubectl-client-side-apply', owns: [...MANIFEST, 'replicas'] }],
      }),
    ],
    [
      'kubectl apply --server-side of a new count, beside an annotation',
      deployment(7, {
        lastApplied: 7,
        fields: [{ manager: 'kubectl', operation: 'Apply', owns: [...MANIFEST, 'replicas'] }],
      }),
      deployment(0, {
        lastApplied: 5,
        fields: [{ manager: 'kubectl', operation: 'Apply', owns: MANIFEST }, CONTROLLER],
      }),
    ],
    [
      'Argo CD, the first server-side apply, with a new count',
      deployment(7, {
        lastApplied: 5,
        fields: [{ manager: 'argocd-controller', operation: 'Apply', owns: [...MANIFEST, 'replicas'] }],
      }),
      deployment(0, { lastApplied: 5, fields: [{ manager: 'argocd-controller', owns: MANIFEST }, CONTROLLER] }),
    ],
    [
      'a tool that never wrote this manifest',
      deployment(5, { fields: [{ manager: 'console', owns: ['replicas'] }] }),
      deployment(0, { fields: [{ manager: 'argocd-controller', operation: 'Apply', owns: MANIFEST }, CONTROLLER] }),
    ],
    ['nobody knows', deployment(5), deployment(0, { lastApplied: 'broken' })],
    [
      'only the status was written by the same manager',
      deployment(5, { fields: [{ manager: 'console', owns: ['replicas'] }] }),
      deployment(0, { fields: [{ manager: 'console', owns: MANIFEST, subresource: 'status' }] }),
    ],
  ])('lets a count through that somebody chose, and says so: %s', (_, submitted, old) => {
    const { operations, notes } = apply(workloadReplicas, submitted, old, rollout());
    expect(operations).toEqual([]);
    expect(notes).toEqual([
      expect.stringMatching(
        /^nothing; replicas changes from 0 to [57] as requested, so these pods run in addition to the Rollout's$/,
      ),
    ]);
  });

  const submitted = deployment(5, { lastApplied: 5 });
  const old = deployment(0, { lastApplied: 5 });

  it.each([
    ['progressively', rollout(HEALTHY, 'progressively')],
    ['in the middle of an update', rollout('currentPodHash: b, stableRS: a, phase: Paused, availableReplicas: 6')],
    ['while a pod is replaced', rollout('currentPodHash: a, stableRS: a, phase: Progressing, availableReplicas: 4')],
    ['after an abort', rollout('currentPodHash: b, stableRS: a, phase: Degraded, abort: true, availableReplicas: 5')],
  ])('keeps 0 while the Rollout serves: %s', (_, subject) => {
    expect(apply(workloadReplicas, submitted, old, subject).operations).toHaveLength(1);
  });

  it.each<[string, KubeObject, KubeObject | undefined, KubeObject]>([
    ['scaleDown is never', submitted, old, rollout(HEALTHY, 'never')],
    ['scaleDown is a word that the controller takes for never', submitted, old, rollout(HEALTHY, 'onSuccess')],
    ['the Rollout has no available pod', submitted, old, rollout('currentPodHash: a, stableRS: a, phase: Healthy')],
    [
      'the Rollout failed with the only pods it has',
      submitted,
      old,
      rollout('currentPodHash: a, stableRS: a, phase: Degraded, availableReplicas: 1'),
    ],
    ['the Rollout has no phase', submitted, old, rollout('currentPodHash: a, stableRS: a, availableReplicas: 5')],
    ['the Deployment is new', submitted, undefined, rollout()],
    ['the Deployment was not at 0', submitted, deployment(3, { lastApplied: 5 }), rollout()],
    ['it stays at 0', deployment(0, { lastApplied: 5 }), old, rollout()],
    ['the count is none', deployment('many', { lastApplied: 5 }), old, rollout()],
    ['another Deployment', { ...submitted, metadata: { ...submitted.metadata, name: 'other' } }, old, rollout()],
  ])('does nothing: %s', (_, object, before, subject) => {
    const outcome = apply(workloadReplicas, object, before, subject);
    expect([outcome.operations, outcome.notes]).toEqual([[], []]);
  });
});

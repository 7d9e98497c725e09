import { namespaceOf } from '../../world/object.ts';
import { dig, optionalNumber } from '../../world/read.ts';
import { isBeingDeleted, workloadRefOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

const SCALES_DOWN = new Set(['onsuccess', 'progressively']);

export const workloadDoubleCapacity = defineRule({
  id: 'workload-double-capacity',
  summary:
    'A Deployment that an active Rollout takes its pod template from has 0 replicas, or the Rollout scales it down.',
  explanation:
    'The controller does not scale the Deployment of a workloadRef unless scaleDown is onsuccess or ' +
    'progressively. Without that, both run their pods behind the same Services until somebody scales the ' +
    'Deployment to 0. Until then the old pods take traffic that bypasses the canary. The controller scales down ' +
    'only at the first revision of the Rollout. Later, or after an apply that restores the count, you must do it ' +
    'yourself. Source: Argo Rollouts v1.9.1, docs/migrating.md, rollout/sync.go (promoteStable) and ' +
    'rollout/replicaset.go (reconcileNewReplicaSet).',
  subject: { 'Rollout.argoproj.io': ['spec.replicas', 'spec.workloadRef'] },
  reads: { 'Deployment.apps': ['spec.replicas', 'metadata.deletionTimestamp'] },
  example: {
    fixture: 'bad-both-run.yaml',
    referenced: 'Deployment shop',
    before: [['replicas: 3', 'replicas: 0']],
  },
  messages: {
    both: {
      class: 'advice',
      text: 'Deployment "{name}" runs {replicas} in addition to the pods of the Rollout',
      fix: 'scale it to 0 once the Rollout is healthy; a new Rollout with workloadRef.scaleDown: onsuccess does this itself',
    },
  },
  check(context, rollout) {
    const ref = workloadRefOf(rollout);
    if (ref?.kind !== 'Deployment.apps' || ref.name === '' || SCALES_DOWN.has(ref.scaleDown)) return;
    if (optionalNumber(dig(rollout, 'spec', 'replicas')) === 0) return;
    const deployment = context.find('Deployment.apps', namespaceOf(rollout), ref.name);
    if (deployment === undefined || isBeingDeleted(deployment)) return;
    const replicas = optionalNumber(dig(deployment, 'spec', 'replicas')) ?? 1;
    if (replicas <= 0) return;
    const { name } = deployment.metadata;
    context.report('both', {
      path: ['spec', 'workloadRef', 'name'],
      anchor: name,
      data: { name, replicas: replicas === 1 ? '1 pod' : `${replicas} pods` },
      related: [{ object: deployment, path: ['spec', 'replicas'] }],
    });
  },
});

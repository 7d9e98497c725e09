import { memo } from '../../world/memo.ts';
import { namespaceOf, type KindId, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { asArray, dig, optionalNumber, stringMap } from '../../world/read.ts';
import { REFERENCE_PLACES } from '../../world/reference-places.ts';
import { isBeingDeleted, workloadRefOf } from '../../world/rollout.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { listed } from '../wording.ts';

const MAX_DUPLICATES = 10;
const WORKLOAD_PLACES = ['spec.selector', 'spec.replicas', 'metadata.deletionTimestamp'] as const;

const messages = {
  same: {
    class: 'advice',
    text: 'Deployment "{name}" selects the same pods ({labels}), so both run pods side by side',
    fix: 'delete the Deployment or scale it to 0 once the Rollout is healthy, or reference it in workloadRef',
  },
  adopted: {
    class: 'advice',
    text: 'ReplicaSet "{name}" has the labels of this selector ({labels}) and no owner, so the Rollouts controller adopts it and scales it',
    fix: 'delete the ReplicaSet, or give it other labels',
  },
  rollout: {
    class: 'advice',
    text: 'Rollout "{name}" selects the same pods ({labels}), so Services and autoscalers cannot tell the pods of the two apart',
    fix: 'add a label to the selector and the pod template of each that only its own pods have',
  },
  workload: {
    class: 'advice',
    text: 'Rollout "{name}" also refers to {kind} "{workload}", so Services and autoscalers cannot tell the pods of the two apart',
    fix: 'delete one of the two, or give each a workload of its own',
  },
} as const;

export const duplicateWorkload = defineRule({
  id: 'duplicate-workload',
  summary: 'No other workload selects the same pods as a Rollout.',
  explanation:
    'A Deployment with the same selector as a Rollout, often left over from before the Rollout, runs its own pods ' +
    'behind the same Services. These pods receive traffic outside of the canary weights and are never updated. ' +
    'Neither controller notices, because each looks only at the ReplicaSets that it owns. Two Rollouts with one ' +
    'selector, or with one workload in workloadRef, do the same. The pods of both have the same hash if their ' +
    'templates are the same, and then even the stable and canary Services send to the pods of both. A ReplicaSet ' +
    'without an owner becomes a part of the Rollout, which scales it. A workload with 0 replicas runs nothing and is ' +
    'not reported. A selector with expressions may select other pods, so it is not reported either. Source: Argo ' +
    'Rollouts v1.9.1, rollout/replicaset.go (getReplicaSetsForRollouts).',
  subject: { 'Rollout.argoproj.io': ['spec.workloadRef', 'spec.selector', 'spec.replicas'] },
  reads: {
    'Deployment.apps': WORKLOAD_PLACES,
    'ReplicaSet.apps': [...WORKLOAD_PLACES, 'metadata.labels', 'metadata.ownerReferences'],
    'Rollout.argoproj.io': [...REFERENCE_PLACES['Rollout.argoproj.io'], ...WORKLOAD_PLACES],
  },
  example: { fixture: 'bad-same-selector.yaml', referenced: 'Deployment shop' },
  messages,
  check(context, rollout) {
    if (!mayRunThePods(rollout)) return;
    if (workloadRefOf(rollout) !== undefined) {
      checkWorkloadRef(context, rollout);
      return;
    }
    const labels = stringMap(dig(rollout, 'spec', 'selector', 'matchLabels'));
    if (labels.size === 0) return;
    const report = (id: 'same' | 'adopted' | 'rollout', other: KubeObject, path: Path): void => {
      context.report(id, {
        path: ['spec', 'selector'],
        anchor: other.metadata.name,
        data: { name: other.metadata.name, labels: listed(labels, ([key, value]) => `${key}=${value}`) },
        related: [{ object: other, path }],
      });
    };
    const duplicates = (kind: KindId): readonly KubeObject[] =>
      duplicatesOf(context.samePods(kind, namespaceOf(rollout), labels));
    for (const deployment of duplicates('Deployment.apps')) report('same', deployment, ['spec', 'selector']);
    for (const replicaSet of duplicates('ReplicaSet.apps')) {
      const own = stringMap(replicaSet.metadata['labels']);
      if (asArray(replicaSet.metadata['ownerReferences']).length > 0) continue;
      if ([...labels].every(([key, value]) => own.get(key) === value))
        report('adopted', replicaSet, ['metadata', 'labels']);
    }
    // Once for each pair at most.
    const [first] = duplicates('Rollout.argoproj.io');
    if (first !== undefined && first.metadata.name < rollout.metadata.name)
      report('rollout', first, ['spec', 'selector']);
  },
});

function checkWorkloadRef(context: RuleContext<typeof messages>, rollout: KubeObject): void {
  const ref = workloadRefOf(rollout);
  if (ref?.kind === undefined) return;
  const [first] = duplicatesOf(context.referrers('Rollout.argoproj.io', ref.kind, namespaceOf(rollout), ref.name));
  if (first === undefined || first.metadata.name >= rollout.metadata.name) return;
  context.report('workload', {
    path: ['spec', 'workloadRef', 'name'],
    anchor: first.metadata.name,
    data: { name: first.metadata.name, kind: ref.kindName, workload: ref.name },
    related: [{ object: first, path: ['spec', 'workloadRef', 'name'] }],
  });
}

// All Rollouts with this selector have the same duplicates. More of them would only repeat the message.
const duplicatesOf = memo((deployments: readonly KubeObject[]): readonly KubeObject[] =>
  deployments
    .filter((deployment) => !isBeingDeleted(deployment) && mayRunThePods(deployment))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .slice(0, MAX_DUPLICATES),
);

function mayRunThePods(workload: KubeObject): boolean {
  return (
    optionalNumber(dig(workload, 'spec', 'replicas')) !== 0 &&
    asArray(dig(workload, 'spec', 'selector', 'matchExpressions')).length === 0
  );
}

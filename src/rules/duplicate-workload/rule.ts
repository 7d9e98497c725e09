import { memo } from '../../world/memo.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { asArray, dig, optionalNumber, stringMap } from '../../world/read.ts';
import { isBeingDeleted, workloadRefOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';
import { listed } from '../wording.ts';

const MAX_DUPLICATES = 10;

export const duplicateWorkload = defineRule({
  id: 'duplicate-workload',
  summary: 'No Deployment selects the same pods as a Rollout that does not refer to it.',
  explanation:
    'A Deployment with the same selector as a Rollout, often left over from before the Rollout, runs its own pods ' +
    'behind the same Services. These pods receive traffic outside of the canary weights and are never updated. ' +
    'Neither controller notices, because each looks only at the ReplicaSets that it owns. A Deployment or Rollout ' +
    'with 0 replicas runs nothing and is not reported. A selector with expressions may select other pods, so it is ' +
    'not reported either.',
  subject: { 'Rollout.argoproj.io': ['spec.workloadRef', 'spec.selector', 'spec.replicas'] },
  reads: { 'Deployment.apps': ['spec.selector', 'spec.replicas', 'metadata.deletionTimestamp'] },
  example: { fixture: 'bad-same-selector.yaml', referenced: 'Deployment shop' },
  messages: {
    same: {
      class: 'advice',
      text: 'Deployment "{name}" selects the same pods ({labels}), so both run pods side by side',
      fix: 'delete the Deployment or scale it to 0 once the Rollout is healthy, or reference it in workloadRef',
    },
  },
  check(context, rollout) {
    const labels = stringMap(dig(rollout, 'spec', 'selector', 'matchLabels'));
    if (workloadRefOf(rollout) !== undefined || labels.size === 0 || !mayRunThePods(rollout)) return;
    for (const deployment of duplicatesOf(context.samePods('Deployment.apps', namespaceOf(rollout), labels))) {
      const { name } = deployment.metadata;
      context.report('same', {
        path: ['spec', 'selector'],
        anchor: name,
        data: { name, labels: listed(labels, ([key, value]) => `${key}=${value}`) },
        related: [{ object: deployment, path: ['spec', 'selector'] }],
      });
    }
  },
});

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

import { namespaceOf } from '../../world/object.ts';
import { dig, optionalNumber, stringMap } from '../../world/read.ts';
import { workloadRefOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

export const duplicateWorkload = defineRule({
  id: 'duplicate-workload',
  summary: 'No Deployment selects the same pods as a Rollout that does not refer to it.',
  explanation:
    'A Deployment that was left behind when its Rollout was written, with the same selector, runs its own pods behind the same Services: they take traffic past the canary and are never updated. Neither controller notices, since each ' +
    'looks only at the ReplicaSets it owns.',
  subject: ['Rollout.argoproj.io'],
  reads: ['Deployment.apps'],
  messages: {
    same: {
      class: 'advice',
      text: 'Deployment "{name}" selects the same pods ({labels}), so that both run side by side',
      fix: 'delete the Deployment, or have the Rollout take its template with workloadRef',
    },
  },
  check(context, rollout) {
    if (workloadRefOf(rollout) !== undefined) return;
    const labels = stringMap(dig(rollout, 'spec', 'selector', 'matchLabels'));
    if (labels.size === 0) return;
    for (const deployment of context.samePods('Deployment.apps', namespaceOf(rollout), labels)) {
      if (optionalNumber(dig(deployment, 'spec', 'replicas')) === 0) continue;
      const { name } = deployment.metadata;
      context.report('same', {
        path: ['spec', 'selector'],
        anchor: name,
        data: { name, labels: [...labels].map(([key, value]) => `${key}=${value}`).join(', ') },
        related: [{ object: deployment, path: ['spec', 'selector'] }],
      });
    }
  },
});

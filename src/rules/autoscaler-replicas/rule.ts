import { kindId, namespaceOf } from '../../world/object.ts';
import { inEach } from '../../world/place.ts';
import { asString, dig, optionalNumber } from '../../world/read.ts';
import { hasStatus } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

export const autoscalerReplicas = defineRule({
  id: 'autoscaler-replicas',
  summary: 'The manifest of a Rollout has no replica count if an autoscaler sets it.',
  explanation:
    'If the manifest has spec.replicas, each sync sets the count back to it, and the autoscaler sets it again a moment ' +
    'later. Pods are deleted and started each time. A count in the cluster may be that of the autoscaler, so this is ' +
    'only advice of lint and the dry run; a write that changes the count draws a warning at admission. The count 0 ' +
    'switches an autoscaler off, so it is no mistake. Source: Argo Rollouts v1.9.1, docs/features/hpa-support.md.',
  subject: inEach(['HorizontalPodAutoscaler.autoscaling', 'ScaledObject.keda.sh'], ['spec.scaleTargetRef']),
  lintOnly: true,
  reads: { 'Rollout.argoproj.io': ['spec.replicas', 'status.currentPodHash', 'status.stableRS'] },
  messages: {
    reset: {
      class: 'advice',
      text: 'Rollout "{rollout}" has replicas {replicas}, but {kind} "{name}" sets the count, so each sync resets it',
      fix: 'remove spec.replicas from the Rollout',
    },
  },
  check(context, scaler) {
    const ref = dig(scaler, 'spec', 'scaleTargetRef');
    if (kindId(asString(dig(ref, 'apiVersion')), asString(dig(ref, 'kind'))) !== 'Rollout.argoproj.io') return;
    const rollout = context.find('Rollout.argoproj.io', namespaceOf(scaler), asString(dig(ref, 'name')));
    // One with a status is from a cluster, where the autoscaler has set the count.
    if (rollout === undefined || hasStatus(rollout)) return;
    const replicas = optionalNumber(dig(rollout, 'spec', 'replicas'));
    if (replicas === undefined || replicas === 0) return;
    context.report('reset', {
      object: rollout,
      path: ['spec', 'replicas'],
      anchor: 'replicas',
      related: [{ object: scaler, path: ['spec', 'scaleTargetRef', 'name'] }],
      data: { rollout: rollout.metadata.name, replicas, kind: scaler.kind, name: scaler.metadata.name },
    });
  },
});

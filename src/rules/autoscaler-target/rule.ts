import { groupOf, namespaceOf, type KubeObject } from '../../world/object.ts';
import { dig, optionalString, string } from '../../world/read.ts';
import { workloadRefOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

const PATH = ['spec', 'scaleTargetRef'];

export const autoscalerTarget = defineRule({
  id: 'autoscaler-target',
  summary: 'An autoscaler aims at the Rollout, not at the Deployment behind it or at a kind that does not exist.',
  explanation:
    'An autoscaler that aims at the Deployment of a Rollout scales pods that are to be gone, or does nothing once the Deployment is at 0, while the Rollout keeps its count under any load. One that aims at a Rollout under apps/v1 finds nothing: ' +
    'Rollouts are of argoproj.io/v1alpha1 and have a scale subresource of their own. Source: Argo Rollouts v1.9.1, docs/features/hpa-support.md and docs/migrating.md.',
  subject: ['HorizontalPodAutoscaler.autoscaling', 'ScaledObject.keda.sh'],
  reads: ['Deployment.apps', 'Rollout.argoproj.io'],
  messages: {
    group: {
      class: 'advice',
      text: '{kind} "{name}" aims at a Rollout of "{apiVersion}", which does not exist',
      fix: 'write apiVersion: argoproj.io/v1alpha1 in scaleTargetRef',
    },
    workload: {
      class: 'advice',
      text: '{kind} "{name}" scales Deployment "{target}", whose pods Rollout "{rollout}" runs',
      fix: 'aim at the Rollout: scaleTargetRef of apiVersion argoproj.io/v1alpha1, kind Rollout, name {rollout}',
    },
    replaced: {
      class: 'advice',
      text: '{kind} "{name}" scales Deployment "{target}", and there is a Rollout of that name',
      fix: 'if the Rollout is meant, aim at it: scaleTargetRef of apiVersion argoproj.io/v1alpha1, kind Rollout, name {target}',
    },
  },
  check(context, scaler) {
    const ref = dig(scaler, ...PATH);
    const target = string(dig(ref, 'name'));
    if (target === '') return;
    const isKeda = scaler.kind === 'ScaledObject';
    const targetKind = optionalString(dig(ref, 'kind')) ?? (isKeda ? 'Deployment' : '');
    const apiVersion = optionalString(dig(ref, 'apiVersion')) ?? (isKeda ? 'apps/v1' : '');
    const { name } = scaler.metadata;
    const { kind } = scaler;
    const namespace = namespaceOf(scaler);
    if (targetKind === 'Rollout') {
      if (groupOf(apiVersion) !== 'argoproj.io') context.report('group', { path: [...PATH, 'apiVersion'], anchor: apiVersion, data: { kind, name, apiVersion } });
      return;
    }
    if (targetKind !== 'Deployment' || groupOf(apiVersion) !== 'apps') return;
    const behind = context.referrers('Rollout.argoproj.io', 'Deployment.apps', namespace, target).filter((rollout) => isWorkload(rollout, target));
    const path = [...PATH, 'name'];
    for (const rollout of behind) {
      context.report('workload', {
        path,
        anchor: rollout.metadata.name,
        data: { kind, name, target, rollout: rollout.metadata.name },
        related: [{ object: rollout, path: ['spec', 'workloadRef', 'name'] }],
      });
    }
    if (behind.length > 0) return;
    const rollout = context.lookup('Rollout.argoproj.io', namespace, target);
    if (rollout.state !== 'present' || workloadRefOf(rollout.object) !== undefined) return;
    const deployment = context.lookup('Deployment.apps', namespace, target);
    context.report('replaced', {
      path,
      anchor: target,
      data: { kind, name, target },
      related: [{ object: rollout.object, path: ['metadata', 'name'] }, ...(deployment.state === 'present' ? [{ object: deployment.object, path: ['metadata', 'name'] }] : [])],
    });
  },
});

function isWorkload(rollout: KubeObject, deployment: string): boolean {
  const ref = workloadRefOf(rollout);
  return ref?.kind === 'Deployment.apps' && ref.name === deployment;
}

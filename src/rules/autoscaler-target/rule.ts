import { groupOf, kindId, kindOf, namespaceOf, type KubeObject } from '../../world/object.ts';
import { inEach } from '../../world/place.ts';
import { dig, optionalString, asString } from '../../world/read.ts';
import { REFERENCE_PLACES } from '../../world/reference-places.ts';
import { isBeingDeleted, workloadRefOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

const PATH = ['spec', 'scaleTargetRef'];
const NATIVE_WORKLOAD = /^(deployment|replicaset|statefulset)s?$/i;

export const autoscalerTarget = defineRule({
  id: 'autoscaler-target',
  summary: 'An autoscaler targets the Rollout, not its Deployment or a kind that does not exist.',
  explanation:
    'An autoscaler that targets the Deployment of a Rollout scales pods that should be gone. Once the Deployment is ' +
    'at 0, it has no effect, and the Rollout keeps its replica count under any load. KEDA assumes apps/v1 if no ' +
    'apiVersion is set. An autoscaler that targets a Rollout in apps/v1, or a Deployment in ' +
    'argoproj.io/v1alpha1, finds nothing. Rollouts belong to argoproj.io/v1alpha1 and have a scale subresource of their own. A PodDisruptionBudget has no target; it ' +
    'selects pods by labels and works for both. Source: Argo Rollouts v1.9.1, docs/features/hpa-support.md and ' +
    'docs/migrating.md.',
  subject: inEach(['HorizontalPodAutoscaler.autoscaling', 'ScaledObject.keda.sh'], ['spec.scaleTargetRef']),
  reads: {
    'Deployment.apps': ['metadata.deletionTimestamp'],
    'Rollout.argoproj.io': [...REFERENCE_PLACES['Rollout.argoproj.io'], 'metadata.deletionTimestamp'],
  },
  example: { fixture: 'bad-deployment-behind-rollout.yaml', referenced: 'Rollout a-shop' },
  messages: {
    group: {
      class: 'advice',
      text: '{kind} "{name}" targets kind {wrong}, which does not exist',
      fix: 'set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name {target}',
    },
    workload: {
      class: 'advice',
      text: '{kind} "{name}" scales Deployment "{target}", but Rollout "{rollout}" runs its pods',
      fix: 'set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name {rollout}',
    },
    replaced: {
      class: 'advice',
      text: '{kind} "{name}" scales Deployment "{target}", which does not exist, but a Rollout with that name does',
      fix: 'set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name {target}',
    },
    beside: {
      class: 'advice',
      text: '{kind} "{name}" scales Deployment "{target}", not the Rollout with the same name',
      fix: 'if you mean the Rollout, set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name {target}',
    },
  },
  check(context, scaler) {
    const { apiVersion, kind: targetKind, target } = targetOf(scaler);
    if (target === '') return;
    const namespace = namespaceOf(scaler);
    const names = { kind: scaler.kind, name: scaler.metadata.name, target };
    const path = [...PATH, 'name'];

    const isOfOtherGroup = NATIVE_WORKLOAD.test(targetKind) && groupOf(apiVersion) === 'argoproj.io';
    if (/^rollouts?$/i.test(targetKind) || isOfOtherGroup) {
      if (kindId(apiVersion, targetKind) === 'Rollout.argoproj.io') return;
      const wrong = apiVersion === '' ? `${targetKind} without apiVersion` : `${targetKind} of ${apiVersion}`;
      context.report('group', {
        path: [...PATH, targetKind === 'Rollout' ? 'apiVersion' : 'kind'],
        anchor: wrong,
        data: { ...names, wrong },
      });
      return;
    }
    if (kindId(apiVersion, targetKind) !== 'Deployment.apps') return;

    const behind = context
      .referrers('Rollout.argoproj.io', 'Deployment.apps', namespace, target)
      .filter((rollout) => !isBeingDeleted(rollout));
    const [rollout] = behind.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    if (rollout !== undefined) {
      const related = [{ object: rollout, path: ['spec', 'workloadRef', 'name'] }];
      context.report('workload', {
        path,
        anchor: rollout.metadata.name,
        data: { ...names, rollout: rollout.metadata.name },
        related,
      });
      return;
    }

    const namesake = context.find('Rollout.argoproj.io', namespace, target);
    if (namesake === undefined || isBeingDeleted(namesake) || workloadRefOf(namesake) !== undefined) return;
    const deployment = context.lookup('Deployment.apps', namespace, target);
    const related = [{ object: namesake, path: ['metadata', 'name'] }];
    if (deployment.state === 'unknown') context.skip(`Deployment ${namespace}/${target}: ${deployment.reason}`);
    else if (deployment.state === 'present' && !isBeingDeleted(deployment.object))
      context.report('beside', { path, anchor: target, data: names, related });
    else context.report('replaced', { path, anchor: target, data: names, related });
  },
});

function targetOf(scaler: KubeObject): { readonly apiVersion: string; readonly kind: string; readonly target: string } {
  const ref = dig(scaler, ...PATH);
  const isKeda = kindOf(scaler) === 'ScaledObject.keda.sh';
  return {
    apiVersion: optionalString(dig(ref, 'apiVersion')) ?? (isKeda ? 'apps/v1' : ''),
    kind: optionalString(dig(ref, 'kind')) ?? (isKeda ? 'Deployment' : ''),
    target: asString(dig(ref, 'name')),
  };
}

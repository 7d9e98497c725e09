import { nearest } from '../../world/nearest.ts';
import { asArray, dig, isObject, asObject } from '../../world/read.ts';
import { workloadRefOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

const SOURCES: readonly { readonly apiVersion: string; readonly kind: string }[] = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
  { apiVersion: 'v1', kind: 'PodTemplate' },
];
const SCALE_DOWN = ['never', 'onsuccess', 'progressively'];

export const rolloutWorkloadRef = defineRule({
  id: 'rollout-workload-ref',
  summary:
    'A workloadRef names a Deployment, ReplicaSet or PodTemplate, stands in for the pod template, and spells scaleDown as the controller does.',
  explanation:
    "With workloadRef the pod template is the workload's: labels or annotations in spec.template make the Rollout InvalidSpec, anything else in it is passed over in silence. So is a scaleDown in another spelling than never, onsuccess " +
    'and progressively, all lower-case: no schema checks it, and the workload keeps its pods for ever. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutSpec), pkg/apis/rollouts/v1alpha1 ' +
    '(RolloutSpec.EmptyTemplate), rollout/templateref.go, rollout/sync.go and rollout/replicaset.go.',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  messages: {
    kind: {
      class: 'invalid',
      text: 'workloadRef names {what}, from which no pod template can be taken',
      fix: '{correction}',
    },
    name: {
      class: 'invalid',
      text: 'workloadRef has no name',
      fix: 'name the {kind} to take the pod template from',
    },
    template: {
      class: 'invalid',
      text: 'the Rollout has workloadRef and a spec.template of its own, with {parts}',
      fix: 'remove spec.template, or workloadRef',
    },
    unusedTemplate: {
      class: 'advice',
      text: 'the Rollout has workloadRef, so its own spec.template is never used',
      fix: 'remove spec.template; what shall run stands in the {kind} "{name}"',
    },
    scaleDown: {
      class: 'advice',
      text: 'workloadRef.scaleDown is "{value}", which means never to the controller',
      fix: 'write {instead}',
    },
  },
  check(context, rollout) {
    const ref = workloadRefOf(rollout);
    if (ref === undefined) return;
    const path = ['spec', 'workloadRef'];
    const { apiVersion, kindName, name, scaleDown } = ref;

    if (!SOURCES.some((source) => source.apiVersion === apiVersion && source.kind === kindName)) {
      const meant =
        SOURCES.find(({ kind }) => kind === kindName) ??
        SOURCES.find(
          ({ kind }) =>
            kind ===
            nearest(
              kindName,
              SOURCES.map((source) => source.kind),
            ),
        );
      const correction =
        meant === undefined
          ? 'name a Deployment or ReplicaSet of apps/v1, or a PodTemplate of v1'
          : `write apiVersion: ${meant.apiVersion} and kind: ${meant.kind}`;
      const what =
        kindName === '' ? 'no kind' : `${kindName} ${apiVersion === '' ? 'without apiVersion' : `of ${apiVersion}`}`;
      context.report('kind', {
        path: [...path, meant?.kind === kindName ? 'apiVersion' : 'kind'],
        anchor: what,
        data: { what, correction },
      });
    } else if (name === '') {
      context.report('name', { path: [...path, 'name'], anchor: kindName, data: { kind: kindName } });
    }

    const metadata = dig(rollout, 'spec', 'template', 'metadata');
    const parts = ['labels', 'annotations'].filter((part) => Object.keys(asObject(dig(metadata, part))).length > 0);
    const template = { path: ['spec', 'template'], anchor: 'template' };
    if (parts.length > 0) context.report('template', { ...template, data: { parts: parts.join(' and ') } });
    else if (saysSomething(dig(rollout, 'spec', 'template', 'spec')))
      context.report('unusedTemplate', { ...template, data: { kind: kindName, name } });

    if (scaleDown !== '' && !SCALE_DOWN.includes(scaleDown)) {
      const meant =
        SCALE_DOWN.find((word) => word === scaleDown.toLowerCase().replaceAll(/[^a-z]/g, '')) ??
        nearest(scaleDown, SCALE_DOWN);
      const instead = meant === undefined ? 'never, onsuccess or progressively' : `"${meant}"`;
      context.report('scaleDown', {
        path: [...path, 'scaleDown'],
        anchor: scaleDown,
        data: { value: scaleDown, instead },
      });
    }
  },
});

// Clients written in Go send an empty pod spec as `containers: null`.
function saysSomething(podSpec: unknown): boolean {
  return Object.values(asObject(podSpec)).some((value) =>
    isObject(value)
      ? Object.keys(value).length > 0
      : Array.isArray(value)
        ? asArray(value).length > 0
        : value !== null && value !== '',
  );
}

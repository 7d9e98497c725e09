import { CONTAINER_TEXTS } from '../../world/containers.ts';
import { below } from '../../world/place.ts';
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
    'A workloadRef names a Deployment, ReplicaSet or PodTemplate, replaces the pod template, and has a valid scaleDown.',
  explanation:
    'With workloadRef the controller uses the pod template of the workload. Labels or annotations in ' +
    'spec.template make the Rollout InvalidSpec; the controller silently ignores anything else in it. scaleDown ' +
    'must be never, onsuccess or progressively, all in lower case. No schema checks it, and with any other ' +
    'spelling the controller never scales the workload down. Source: Argo Rollouts v1.9.1, ' +
    'pkg/apis/rollouts/validation (ValidateRolloutSpec), pkg/apis/rollouts/v1alpha1 (RolloutSpec.EmptyTemplate), ' +
    'rollout/templateref.go, rollout/sync.go and rollout/replicaset.go.',
  subject: { 'Rollout.argoproj.io': ['spec.workloadRef', 'spec.template', ...below('spec.template', CONTAINER_TEXTS)] },
  reads: {},
  messages: {
    kind: {
      class: 'invalid',
      text: 'workloadRef names {what}, so the Rollouts controller cannot get a pod template',
      fix: '{correction}',
    },
    name: {
      class: 'invalid',
      text: 'workloadRef has no name',
      fix: 'set workloadRef.name to the {kind} that has the pod template',
    },
    template: {
      class: 'invalid',
      text: 'the Rollout has both workloadRef and a spec.template with {parts}',
      fix: 'remove spec.template or workloadRef',
    },
    unusedTemplate: {
      class: 'advice',
      text: 'the Rollout has workloadRef, so its own spec.template has no effect',
      fix: 'remove spec.template, and configure the pods in {kind} "{name}"',
    },
    scaleDown: {
      class: 'advice',
      text: 'workloadRef.scaleDown is "{value}", which the Rollouts controller treats as never',
      fix: 'use {instead}',
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
          ? 'use a Deployment or ReplicaSet of apps/v1, or a PodTemplate of v1'
          : `set apiVersion: ${meant.apiVersion} and kind: ${meant.kind}`;
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

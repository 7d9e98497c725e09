import { inEach } from '../../world/place.ts';
import { dig, asObject, optionalObject } from '../../world/read.ts';
import { effectiveTemplate, workloadRefOf } from '../../world/rollout.ts';
import { meets, renderRequirement, requirementsOf } from '../../world/selector.ts';
import { defineRule } from '../define.ts';

export const workloadSelector = defineRule({
  id: 'workload-selector',
  summary: 'A selector that is set together with workloadRef matches the pod template of the workload.',
  explanation:
    'With workloadRef the selector comes from the Deployment or ReplicaSet, so it does not have to be set. A ' +
    'selector that is set must match the pod template of the workload, otherwise the controller marks the Rollout ' +
    'InvalidSpec. It notices this only when it has read the workload. Source: Argo Rollouts v1.9.1, ' +
    'rollout/templateref.go and pkg/apis/rollouts/validation (ValidateRolloutSpec, with the resolved template).',
  subject: { 'Rollout.argoproj.io': ['spec.workloadRef', 'spec.selector'] },
  reads: {
    ...inEach(['Deployment.apps', 'ReplicaSet.apps'], ['spec.template.metadata.labels']),
    PodTemplate: ['template.metadata.labels'],
  },
  messages: {
    mismatch: {
      class: 'invalid',
      text: 'spec.selector requires {wanted}, but the pod template of {kind} "{name}" has {has}',
      fix: 'make the two agree{or}',
    },
  },
  check(context, rollout) {
    const selector = optionalObject(dig(rollout, 'spec', 'selector'));
    if (selector === undefined || workloadRefOf(rollout) === undefined) return;
    const effective = effectiveTemplate(rollout, (kind, namespace, name) =>
      name === '' ? undefined : context.find(kind, namespace, name),
    );
    if (effective === undefined) return;
    const { source, labels, template } = effective;
    const raw = asObject(dig(template, 'metadata', 'labels'));
    const path = [...effective.path, 'metadata', 'labels'];
    for (const requirement of requirementsOf(selector)) {
      const { key } = requirement;
      if (meets(requirement, labels) || (Object.hasOwn(raw, key) && !labels.has(key))) continue;
      const or = source.kind === 'PodTemplate' ? '' : ', or remove spec.selector to take it from there';
      context.report('mismatch', {
        path: ['spec', 'selector', ...requirement.path],
        anchor: renderRequirement(requirement),
        data: {
          wanted: renderRequirement(requirement),
          kind: source.kind,
          name: source.metadata.name,
          has: labels.has(key) ? `${key}=${labels.get(key) ?? ''}` : `no label "${key}"`,
          or,
        },
        related: [{ object: source, path: labels.has(key) ? [...path, key] : path }],
      });
    }
  },
});

import { ownTemplate, TEMPLATE_PATH } from '../../world/containers.ts';
import { isLabelKey, isLabelValue } from '../../world/names.ts';
import type { Path } from '../../world/path.ts';
import { asArray, dig, asObject, optionalObject, asString, stringMap } from '../../world/read.ts';
import { workloadRefOf } from '../../world/rollout.ts';
import { meets, renderRequirement, requirementsOf, type Requirement } from '../../world/selector.ts';
import { defineRule, type RuleContext } from '../define.ts';

const messages = {
  absent: {
    class: 'invalid',
    text: 'the Rollout has no spec.selector',
    fix: 'add spec.selector.matchLabels with labels from spec.template.metadata.labels',
  },
  podTemplate: {
    class: 'invalid',
    text: 'the Rollout has no spec.selector, and its PodTemplate cannot provide one',
    fix: 'add spec.selector.matchLabels with labels from PodTemplate "{name}"',
  },
  empty: {
    class: 'invalid',
    text: 'spec.selector is empty, so it would select every pod in the namespace',
    fix: 'add matchLabels with labels from spec.template.metadata.labels',
  },
  key: {
    class: 'invalid',
    text: 'spec.selector has the invalid label key "{key}"',
    fix: 'use at most 63 letters, digits, "-", "_" and ".", starting and ending with a letter or digit, optionally after a DNS name and "/"',
  },
  value: {
    class: 'invalid',
    text: 'spec.selector has the invalid value "{value}" for label "{key}"',
    fix: 'use at most 63 letters, digits, "-", "_" and ".", starting and ending with a letter or digit',
  },
  operator: {
    class: 'invalid',
    text: 'spec.selector has the invalid operator "{operator}" for label "{key}"',
    fix: 'use In, NotIn, Exists or DoesNotExist',
  },
  noValues: {
    class: 'invalid',
    text: 'spec.selector has {operator} without values for label "{key}"',
    fix: 'add at least one value, or use Exists or DoesNotExist',
  },
  extraValues: {
    class: 'invalid',
    text: 'spec.selector has {operator} with values for label "{key}"',
    fix: 'remove the values, or use In or NotIn',
  },
  mismatch: {
    class: 'invalid',
    text: 'spec.selector requires {wanted}, but the pod template has {has}',
    fix: 'change spec.template.metadata.labels to match the selector',
  },
} as const;

export const rolloutSelector = defineRule({
  id: 'rollout-selector',
  summary: 'A Rollout has a valid label selector that matches its own pod template.',
  explanation:
    'The selector says which pods belong to the Rollout. Without a valid selector that matches the template, the ' +
    'controller marks the Rollout InvalidSpec. With workloadRef the selector comes from the Deployment or ' +
    'ReplicaSet unless the Rollout sets its own; a PodTemplate has no selector. The selector cannot be changed ' +
    'after creation, so fix the template instead. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation ' +
    '(ValidateRolloutSpec), rollout/templateref.go.',
  subject: { 'Rollout.argoproj.io': ['spec.workloadRef', 'spec.selector', 'spec.template.metadata.labels'] },
  reads: {},
  messages,
  check(context, rollout) {
    const path = ['spec', 'selector'];
    const selector = optionalObject(dig(rollout, 'spec', 'selector'));
    const workload = workloadRefOf(rollout);
    if (selector === undefined) {
      if (workload === undefined) context.report('absent', { path, anchor: 'selector', data: {} });
      else if (workload.kind === 'PodTemplate')
        context.report('podTemplate', { path, anchor: 'selector', data: { name: workload.name } });
      return;
    }
    const size =
      Object.values(asObject(selector['matchLabels'])).filter((value) => value !== null).length +
      asArray(selector['matchExpressions']).length;
    if (size === 0 && workload === undefined) context.report('empty', { path, anchor: 'selector', data: {} });

    const requirements = requirementsOf(selector);
    const valid = requirements.filter((requirement) => isValid(context, requirement, [...path, ...requirement.path]));
    const template = ownTemplate(rollout);
    if (template === undefined || valid.length < requirements.length) return;
    const raw = asObject(dig(template, 'metadata', 'labels'));
    const labels = stringMap(raw);
    for (const requirement of requirements) {
      const { key } = requirement;
      // A label of another type (`version: 1`) is rejected for its type. A mismatch would only distract from that.
      if (meets(requirement, labels) || isOfAnotherType(raw[key])) continue;
      const wanted = renderRequirement(requirement);
      context.report('mismatch', {
        path: [...TEMPLATE_PATH, 'metadata', 'labels', key],
        anchor: wanted,
        data: { wanted, has: labels.has(key) ? `${key}=${asString(labels.get(key))}` : `no label "${key}"` },
      });
    }
  },
});

// The API server drops null before it checks types.
function isOfAnotherType(label: unknown): boolean {
  return label !== undefined && label !== null && typeof label !== 'string';
}

function isValid(context: RuleContext<typeof messages>, { key, operator, values }: Requirement, path: Path): boolean {
  const location = { path, anchor: key, data: { key, operator } };
  const takesValues = operator === 'In' || operator === 'NotIn';
  const takesNone = operator === 'Exists' || operator === 'DoesNotExist';
  const wrong = [...new Set(values.filter((value) => !isLabelValue(value)))];
  if (!isLabelKey(key)) context.report('key', location);
  if (!takesValues && !takesNone) context.report('operator', location);
  if (takesValues && values.length === 0) context.report('noValues', location);
  if (takesNone && values.length > 0) context.report('extraValues', location);
  for (const value of wrong)
    context.report('value', { path, anchor: `${key.slice(0, 100)}=${value}`, data: { key, value } });
  return isLabelKey(key) && wrong.length === 0 && (takesValues ? values.length > 0 : takesNone && values.length === 0);
}

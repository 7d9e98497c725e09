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
    fix: 'add spec.selector.matchLabels with labels of spec.template.metadata.labels',
  },
  podTemplate: {
    class: 'invalid',
    text: 'the Rollout has no spec.selector and a PodTemplate has none to take',
    fix: 'add spec.selector.matchLabels with labels of the PodTemplate "{name}"',
  },
  empty: {
    class: 'invalid',
    text: 'spec.selector is empty, which would select every pod of the namespace',
    fix: 'add matchLabels with labels of spec.template.metadata.labels',
  },
  key: {
    class: 'invalid',
    text: 'spec.selector has the label key "{key}", which is no valid one',
    fix: 'use at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit; a DNS name and "/" may stand before it',
  },
  value: {
    class: 'invalid',
    text: 'spec.selector asks for {key} with the value "{value}", which is no valid label value',
    fix: 'use at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit',
  },
  operator: {
    class: 'invalid',
    text: 'spec.selector has the operator "{operator}" for label "{key}"',
    fix: 'write In, NotIn, Exists or DoesNotExist',
  },
  noValues: {
    class: 'invalid',
    text: 'spec.selector has {operator} without values for label "{key}"',
    fix: 'list at least one value, or use Exists or DoesNotExist',
  },
  extraValues: {
    class: 'invalid',
    text: 'spec.selector has {operator} with values for label "{key}"',
    fix: 'remove the values, or use In or NotIn',
  },
  mismatch: {
    class: 'invalid',
    text: 'spec.selector wants {wanted} and the pod template has {has}',
    fix: 'set that label in spec.template.metadata.labels to what the selector wants',
  },
} as const;

export const rolloutSelector = defineRule({
  id: 'rollout-selector',
  summary: 'The selector of a Rollout is there, is a valid label selector, and matches its own pod template.',
  explanation:
    "The selector says which pods are the Rollout's; without a valid one that matches the template the controller marks the Rollout InvalidSpec. With workloadRef it comes from the Deployment or ReplicaSet unless it is " +
    'given; a PodTemplate has none to give. Once created it cannot be changed, so the template is what is mended. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutSpec), rollout/templateref.go.',
  subject: ['Rollout.argoproj.io'],
  reads: [],
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
      // A label of another type (`version: 1`) is refused for that; that it does not match would be the lesser half of
      // the truth.
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

// The API server drops null before it looks at types.
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

import { ownTemplate, TEMPLATE_PATH } from '../../world/containers.ts';
import { isLabelKey, isLabelValue } from '../../world/names.ts';
import { array, dig, object, optionalObject, string, stringMap } from '../../world/read.ts';
import { workloadRefOf } from '../../world/rollout.ts';
import { meets, renderRequirement, requirementsOf } from '../../world/selector.ts';
import { defineRule } from '../define.ts';

const OPERATORS: readonly string[] = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

export const rolloutSelector = defineRule({
  id: 'rollout-selector',
  summary: 'The selector of a Rollout is there, is a valid label selector, and matches its own pod template.',
  explanation:
    'The selector says which pods are the Rollout\'s; without a valid one that matches the template the controller marks the Rollout InvalidSpec. With workloadRef it comes from the Deployment or ReplicaSet unless it is ' +
    'given; a PodTemplate has none to give. Once created it cannot be changed, so the template is what is mended. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutSpec), rollout/templateref.go.',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  messages: {
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
  },
  check(context, rollout) {
    const path = ['spec', 'selector'];
    const selector = optionalObject(dig(rollout, 'spec', 'selector'));
    const workload = workloadRefOf(rollout);
    if (selector === undefined) {
      if (workload === undefined) context.report('absent', { path, anchor: 'selector', data: {} });
      else if (workload.kind === 'PodTemplate') context.report('podTemplate', { path, anchor: 'selector', data: { name: workload.name } });
      return;
    }
    const size = Object.keys(object(selector['matchLabels'])).length + array(selector['matchExpressions']).length;
    if (size === 0 && workload === undefined) context.report('empty', { path, anchor: 'selector', data: {} });

    let valid = true;
    for (const { key, operator, values, path: inside } of requirementsOf(selector)) {
      const at = [...path, ...inside];
      const wrongValues = values.filter((value) => !isLabelValue(value));
      const missing = (operator === 'In' || operator === 'NotIn') && values.length === 0;
      const extra = (operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0;
      if (!isLabelKey(key)) context.report('key', { path: at, anchor: key, data: { key } });
      if (!OPERATORS.includes(operator)) context.report('operator', { path: at, anchor: key, data: { key, operator } });
      if (missing) context.report('noValues', { path: at, anchor: key, data: { key, operator } });
      if (extra) context.report('extraValues', { path: at, anchor: key, data: { key, operator } });
      for (const value of wrongValues) context.report('value', { path: at, anchor: `${key}=${value}`, data: { key, value } });
      valid &&= isLabelKey(key) && OPERATORS.includes(operator) && !missing && !extra && wrongValues.length === 0;
    }

    const template = ownTemplate(rollout);
    if (!valid || template === undefined) return;
    const raw = object(dig(template, 'metadata', 'labels'));
    const labels = stringMap(raw);
    for (const requirement of requirementsOf(selector)) {
      const { key } = requirement;
      // A label of another type (`version: 1`) is refused for that; that it does not match would be the lesser half of the truth.
      if (meets(requirement, labels) || (Object.hasOwn(raw, key) && !labels.has(key))) continue;
      context.report('mismatch', {
        path: [...TEMPLATE_PATH, 'metadata', 'labels', key],
        anchor: renderRequirement(requirement),
        data: { wanted: renderRequirement(requirement), has: labels.has(key) ? `${key}=${string(labels.get(key))}` : `no label "${key}"` },
      });
    }
  },
});

import {
  ownContainerPlaces,
  ownContainers,
  ownTemplate,
  renderContainer,
  TEMPLATE_PATH,
} from '../../world/containers.ts';
import { isDnsSubdomain, isLabelKey, isLabelValue } from '../../world/names.ts';
import { asArray, dig, optionalString, asString, stringMap } from '../../world/read.ts';
import { defineRule } from '../define.ts';

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError'];

export const rolloutPodSettings = defineRule({
  id: 'rollout-pod-settings',
  summary: 'The pod template of a Rollout has a valid service account, node selector, annotations and policies.',
  explanation:
    'The API server does not check these fields in a Rollout. The controller marks the Rollout InvalidSpec if ' +
    'Kubernetes would reject a Pod with them. The API server itself rejects a pull secret that is listed twice: ' +
    'the name is the key of that list in the schema. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation ' +
    '(ValidateRolloutSpec), and Kubernetes v1.34, pkg/apis/core/validation (ValidatePodSpec, validatePullPolicy, ' +
    'ValidateAnnotations), which it calls.',
  subject: {
    'Rollout.argoproj.io': [
      ...ownContainerPlaces('imagePullPolicy', 'terminationMessagePolicy'),
      'spec.template.metadata.annotations',
      'spec.template.spec.imagePullSecrets',
      'spec.template.spec.nodeSelector',
      'spec.template.spec.serviceAccountName',
    ],
  },
  reads: {},
  messages: {
    serviceAccount: {
      class: 'invalid',
      text: 'the pod template has the invalid serviceAccountName "{name}"',
      fix: 'use a-z, 0-9, "-" and ".", starting and ending with a letter or digit',
    },
    nodeSelector: {
      class: 'invalid',
      text: 'the pod template has the node selector {key}="{value}" with an invalid {part}',
      fix: 'use at most 63 letters, digits, "-", "_" and ".", starting and ending with a letter or digit',
    },
    annotation: {
      class: 'invalid',
      text: 'the pod template has the invalid annotation key "{key}"',
      fix: 'use at most 63 letters, digits, "-", "_" and ".", starting and ending with a letter or digit, optionally after a DNS name and "/"',
    },
    pullSecret: {
      class: 'invalid',
      text: 'the pod template lists imagePullSecret "{name}" twice',
      fix: 'list it only once',
    },
    policy: {
      class: 'invalid',
      text: '{container} has the invalid {field} "{policy}"',
      fix: 'use one of {allowed}, or remove the field',
    },
  },
  check(context, rollout) {
    const template = ownTemplate(rollout);
    const name = optionalString(dig(template, 'spec', 'serviceAccountName'));
    if (name !== undefined && !isDnsSubdomain(name))
      context.report('serviceAccount', {
        path: [...TEMPLATE_PATH, 'spec', 'serviceAccountName'],
        anchor: name,
        data: { name },
      });
    for (const [key, value] of stringMap(dig(template, 'spec', 'nodeSelector'))) {
      if (isLabelKey(key) && isLabelValue(value)) continue;
      const part = isLabelKey(key) ? 'value' : 'key';
      context.report('nodeSelector', {
        path: [...TEMPLATE_PATH, 'spec', 'nodeSelector', key],
        anchor: key,
        data: { key, value, part },
      });
    }
    // The API server stores no annotation whose value is null.
    for (const key of stringMap(dig(template, 'metadata', 'annotations')).keys()) {
      if (!isLabelKey(key.toLowerCase()))
        context.report('annotation', {
          path: [...TEMPLATE_PATH, 'metadata', 'annotations', key],
          anchor: key,
          data: { key },
        });
    }
    const pullSecrets = new Set<string>();
    const secrets = asArray(dig(template, 'spec', 'imagePullSecrets'));
    context.spend(secrets.length);
    for (const [index, secret] of secrets.entries()) {
      const secretName = asString(dig(secret, 'name'));
      if (pullSecrets.has(secretName))
        context.report('pullSecret', {
          path: [...TEMPLATE_PATH, 'spec', 'imagePullSecrets', index],
          anchor: secretName,
          data: { name: secretName },
        });
      pullSecrets.add(secretName);
    }
    for (const entry of ownContainers(rollout, context)) {
      for (const [field, allowed] of [
        ['imagePullPolicy', PULL_POLICIES],
        ['terminationMessagePolicy', MESSAGE_POLICIES],
      ] as const) {
        const policy = optionalString(entry.raw[field]);
        if (policy === undefined || allowed.includes(policy)) continue;
        const data = { container: renderContainer(entry), field, policy, allowed: allowed.join(', ') };
        context.report('policy', { path: [...entry.path, field], anchor: entry.name, data });
      }
    }
  },
});

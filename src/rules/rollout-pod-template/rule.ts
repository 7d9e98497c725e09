import {
  countedContainers,
  ownContainerPlaces,
  ownTemplate,
  renderContainer,
  TEMPLATE_PATH,
  type Container,
} from '../../world/containers.ts';
import { isDnsLabel, isLabelKey, isLabelValue } from '../../world/names.ts';
import { asArray, dig, optionalString, stringMap } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';

const messages = {
  noContainers: {
    class: 'invalid',
    text: 'the pod template has no containers',
    fix: 'add a container to spec.template.spec.containers, or name a workload in spec.workloadRef',
  },
  unnamed: {
    class: 'invalid',
    text: '{container} has no name',
    fix: 'add a name of a-z, 0-9 and "-"',
  },
  name: {
    class: 'invalid',
    text: '{container} has an invalid name',
    fix: 'use at most 63 characters of a-z, 0-9 and "-", starting and ending with a letter or digit',
  },
  duplicate: {
    class: 'invalid',
    text: 'two containers are named "{name}"',
    fix: 'give each container its own name; init containers count too',
  },
  image: {
    class: 'invalid',
    text: '{container} has no image',
    fix: 'set the image to run',
  },
  restartPolicy: {
    class: 'invalid',
    text: 'the pod template has restartPolicy {policy}',
    fix: 'use Always or remove the field, because the pods of a Rollout run until they are replaced',
  },
  containerRestartPolicy: {
    class: 'invalid',
    text: '{container} has its own restartPolicy',
    fix: 'remove it, or move the container to initContainers, where restartPolicy: Always makes it a sidecar',
  },
  initRestartPolicy: {
    class: 'invalid',
    text: '{container} has the invalid restartPolicy "{policy}"',
    fix: 'remove it, or use Always to make the container a sidecar',
  },
  deadline: {
    class: 'invalid',
    text: 'the pod template has activeDeadlineSeconds',
    fix: 'remove it, because the pods of a Rollout run until they are replaced',
  },
  ephemeral: {
    class: 'invalid',
    text: 'the pod template has ephemeralContainers',
    fix: 'remove them, because only a running pod can get some, for example from kubectl debug',
  },
  label: {
    class: 'invalid',
    text: 'the pod template has the label {key}="{value}" with an invalid {part}',
    fix: 'use at most 63 letters, digits, "-", "_" and ".", starting and ending with a letter or digit',
  },
} as const;

export const rolloutPodTemplate = defineRule({
  id: 'rollout-pod-template',
  summary: 'The pod template of a Rollout has valid containers and labels, and its pods run until they are replaced.',
  explanation:
    'The API server accepts a pod template in a Rollout that it would reject in a Deployment. The controller then ' +
    'marks the Rollout InvalidSpec. This rule checks containers, restart policy and labels; other rules check ' +
    'volumes, ports, environment, probes and resources. With workloadRef this rule checks nothing, because the ' +
    'API server has already checked the template of the workload. Source: Argo Rollouts v1.9.1, ' +
    'pkg/apis/rollouts/validation (ValidateRolloutSpec), and Kubernetes v1.34, pkg/apis/apps/validation and ' +
    'pkg/apis/core/validation, which it calls.',
  subject: {
    'Rollout.argoproj.io': [
      ...ownContainerPlaces('image?', 'restartPolicy'),
      'spec.template.metadata.labels',
      'spec.template.spec.activeDeadlineSeconds',
      'spec.template.spec.ephemeralContainers?',
      'spec.template.spec.restartPolicy',
    ],
  },
  reads: {},
  messages,
  check(context, rollout) {
    const template = ownTemplate(rollout);
    if (template === undefined) return;
    const specPath = [...TEMPLATE_PATH, 'spec'];
    if (asArray(dig(template, 'spec', 'containers')).length === 0)
      context.report('noContainers', { path: [...specPath, 'containers'], anchor: 'containers', data: {} });

    const names = new Set<string>();
    for (const container of countedContainers(template, TEMPLATE_PATH, context)) {
      const { name, path } = container;
      checkContainer(context, container);
      if (name !== '' && names.has(name))
        context.report('duplicate', { path: [...path, 'name'], anchor: name, data: { name } });
      names.add(name);
    }

    const policy = optionalString(dig(template, 'spec', 'restartPolicy')) ?? 'Always';
    if (policy !== 'Always')
      context.report('restartPolicy', { path: [...specPath, 'restartPolicy'], anchor: policy, data: { policy } });
    if (typeof dig(template, 'spec', 'activeDeadlineSeconds') === 'number') {
      context.report('deadline', {
        path: [...specPath, 'activeDeadlineSeconds'],
        anchor: 'activeDeadlineSeconds',
        data: {},
      });
    }

    if (asArray(dig(template, 'spec', 'ephemeralContainers')).length > 0) {
      context.report('ephemeral', {
        path: [...specPath, 'ephemeralContainers'],
        anchor: 'ephemeralContainers',
        data: {},
      });
    }

    for (const [key, value] of stringMap(dig(template, 'metadata', 'labels'))) {
      if (isLabelKey(key) && isLabelValue(value)) continue;
      const part = isLabelKey(key) ? 'value' : 'key';
      context.report('label', {
        path: [...TEMPLATE_PATH, 'metadata', 'labels', key],
        anchor: key,
        data: { key, value, part },
      });
    }
  },
});

function checkContainer(context: RuleContext<typeof messages>, entry: Container): void {
  const { name, path, raw, list } = entry;
  const data = { container: renderContainer(entry) };
  const image = optionalString(raw['image']);
  if (name === '') context.report('unnamed', { path: [...path, 'name'], anchor: list, data });
  else if (!isDnsLabel(name)) context.report('name', { path: [...path, 'name'], anchor: name, data });
  if (image === undefined) context.report('image', { path: [...path, 'image'], anchor: name, data });
  const policy = raw['restartPolicy'];
  if (typeof policy !== 'string') return;
  const location = { path: [...path, 'restartPolicy'], anchor: name };
  if (list === 'containers') context.report('containerRestartPolicy', { ...location, data });
  else if (policy !== 'Always') context.report('initRestartPolicy', { ...location, data: { ...data, policy } });
}

import { containersOf, ownTemplate, renderContainer, TEMPLATE_PATH, type Container } from '../../world/containers.ts';
import { isDnsLabel, isLabelKey, isLabelValue } from '../../world/names.ts';
import { asArray, dig, optionalString, stringMap } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';

const messages = {
  noContainers: {
    class: 'invalid',
    text: 'the pod template has no containers',
    fix: 'add at least one to spec.template.spec.containers, or name a workload in workloadRef',
  },
  unnamed: {
    class: 'invalid',
    text: '{container} has no name',
    fix: 'give it one, of a-z, 0-9 and "-"',
  },
  name: {
    class: 'invalid',
    text: '{container} has a name that Kubernetes does not take',
    fix: 'use at most 63 of a-z, 0-9 and "-", beginning and ending with a letter or digit',
  },
  duplicate: {
    class: 'invalid',
    text: 'two containers are named "{name}"',
    fix: 'give each its own name; init containers count too',
  },
  image: {
    class: 'invalid',
    text: '{container} has no image',
    fix: 'name the image it runs',
  },
  restartPolicy: {
    class: 'invalid',
    text: 'restartPolicy of the pod template is {policy}',
    fix: 'write Always or leave it out, because the pods of a Rollout run until they are replaced',
  },
  containerRestartPolicy: {
    class: 'invalid',
    text: '{container} has a restartPolicy of its own',
    fix: 'remove it, or make the container an init container, which with restartPolicy Always is a sidecar',
  },
  initRestartPolicy: {
    class: 'invalid',
    text: '{container} has the restartPolicy "{policy}"',
    fix: 'write Always, which makes it a sidecar, or leave it out',
  },
  deadline: {
    class: 'invalid',
    text: 'the pod template has activeDeadlineSeconds',
    fix: 'remove it, because the pods of a Rollout run until they are replaced',
  },
  label: {
    class: 'invalid',
    text: 'the pod template has the label {key}="{value}", whose {part} Kubernetes does not take',
    fix: 'use at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit',
  },
} as const;

export const rolloutPodTemplate = defineRule({
  id: 'rollout-pod-template',
  summary:
    'The pod template of a Rollout has containers with a name and an image, and is one of pods that run for ever.',
  explanation:
    'The API server takes a Rollout with a pod template that it would refuse in a Deployment; the controller then marks the Rollout InvalidSpec. This rule looks at containers, restart policy and labels; volumes, ports, environment, ' +
    'probes and resources have rules of their own. A template that comes from a workloadRef has been judged by the API server already. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutSpec), and ' +
    'Kubernetes v1.34, pkg/apis/apps/validation and pkg/apis/core/validation, which it calls.',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  messages,
  check(context, rollout) {
    const template = ownTemplate(rollout);
    if (template === undefined) return;
    const specPath = [...TEMPLATE_PATH, 'spec'];
    if (asArray(dig(template, 'spec', 'containers')).length === 0)
      context.report('noContainers', { path: [...specPath, 'containers'], anchor: 'containers', data: {} });

    const names = new Set<string>();
    for (const container of containersOf(template, TEMPLATE_PATH)) {
      const { name, path } = container;
      judge(context, container);
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

function judge(context: RuleContext<typeof messages>, entry: Container): void {
  const { name, path, raw, list } = entry;
  const data = { container: renderContainer(entry) };
  const image = optionalString(raw['image']);
  if (name === '') context.report('unnamed', { path: [...path, 'name'], anchor: image ?? list, data });
  else if (!isDnsLabel(name)) context.report('name', { path: [...path, 'name'], anchor: name, data });
  if (image === undefined) context.report('image', { path: [...path, 'image'], anchor: name, data });
  const policy = raw['restartPolicy'];
  if (typeof policy !== 'string') return;
  const location = { path: [...path, 'restartPolicy'], anchor: name };
  if (list === 'containers') context.report('containerRestartPolicy', { ...location, data });
  else if (policy !== 'Always') context.report('initRestartPolicy', { ...location, data: { ...data, policy } });
}

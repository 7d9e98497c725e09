import { ownContainers, renderContainer } from '../../world/containers.ts';
import { isEnvironmentName } from '../../world/names.ts';
import { asArray, dig, isObject, asObject, asString } from '../../world/read.ts';
import { defineRule } from '../define.ts';

const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];
const BULK_SOURCES = ['configMapRef', 'secretRef'];

export const rolloutContainerEnv = defineRule({
  id: 'rollout-container-env',
  summary: 'Every environment variable of a Rollout has a valid name of its own and one source.',
  explanation:
    'A variable without a name, or with value and valueFrom at once, makes the controller mark the Rollout InvalidSpec. One name twice in a container, which a Deployment may have, is refused by the API server itself: in the schema ' +
    'of a Rollout the name is the key of the list. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutSpec) and manifests/crds/rollout-crd.yaml, and Kubernetes v1.34, pkg/apis/core/validation ' +
    '(ValidateEnv, ValidateEnvFrom), which it calls without the relaxed names of newer API servers.',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  messages: {
    unnamed: {
      class: 'invalid',
      text: '{container} has an environment variable without a name',
      fix: 'give it one, or remove it',
    },
    name: {
      class: 'invalid',
      text: '{container} has an environment variable named "{name}"',
      fix: 'use letters, digits, "_", "-" and ".", and no digit in front',
    },
    duplicate: {
      class: 'invalid',
      text: '{container} sets the environment variable {name} twice',
      fix: 'keep the one that is meant',
    },
    twoValues: {
      class: 'invalid',
      text: '{container} gives the environment variable {name} both value and valueFrom',
      fix: 'keep one of them',
    },
    source: {
      class: 'invalid',
      text: '{container} takes the environment variable {name} from {sources}',
      fix: 'name exactly one of configMapKeyRef, secretKeyRef, fieldRef and resourceFieldRef in valueFrom',
    },
    bulkSource: {
      class: 'invalid',
      text: '{container} has an envFrom entry with {sources}',
      fix: 'name exactly one of configMapRef and secretRef in each entry',
    },
  },
  check(context, rollout) {
    for (const entry of ownContainers(rollout)) {
      const container = renderContainer(entry);
      const names = new Set<string>();
      for (const [index, variable] of asArray(entry.raw['env']).entries()) {
        const path = [...entry.path, 'env', index];
        const name = asString(dig(variable, 'name'));
        const anchor = `${entry.name} ${name}`;
        if (name === '') context.report('unnamed', { path: [...path, 'name'], anchor, data: { container } });
        else if (!isEnvironmentName(name))
          context.report('name', { path: [...path, 'name'], anchor, data: { container, name } });
        else if (names.has(name))
          context.report('duplicate', { path: [...path, 'name'], anchor, data: { container, name } });
        names.add(name);

        const from = dig(variable, 'valueFrom');
        if (!isObject(from)) continue;
        const sources = named(from, SOURCES);
        if (sources.length !== 1)
          context.report('source', {
            path: [...path, 'valueFrom'],
            anchor,
            data: { container, name, sources: sources.length === 0 ? 'nowhere' : sources.join(' and ') },
          });
        else if (asString(dig(variable, 'value')) !== '')
          context.report('twoValues', { path: [...path, 'valueFrom'], anchor, data: { container, name } });
      }
      for (const [index, bulk] of asArray(entry.raw['envFrom']).entries()) {
        const sources = named(bulk, BULK_SOURCES);
        const anchor = `${entry.name} ${sources.map((source) => asString(dig(bulk, source, 'name'))).join(' ')}`;
        if (sources.length !== 1)
          context.report('bulkSource', {
            path: [...entry.path, 'envFrom', index],
            anchor,
            data: { container, sources: sources.length === 0 ? 'no source' : sources.join(' and ') },
          });
      }
    }
  },
});

function named(value: unknown, fields: readonly string[]): string[] {
  return fields.filter((field) => isObject(asObject(value)[field]));
}

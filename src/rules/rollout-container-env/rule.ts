import { ownContainerPlaces, ownContainers, renderContainer } from '../../world/containers.ts';
import { isEnvironmentName } from '../../world/names.ts';
import { asArray, dig, isObject, asObject, asString } from '../../world/read.ts';
import { defineRule } from '../define.ts';

const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];
const BULK_SOURCES = ['configMapRef', 'secretRef'];

export const rolloutContainerEnv = defineRule({
  id: 'rollout-container-env',
  summary: 'Every environment variable of a Rollout has a valid, unique name and one source.',
  explanation:
    'If a variable has no name, or both value and valueFrom, the controller marks the Rollout InvalidSpec. A ' +
    'Deployment may have the same name twice in a container. In a Rollout the API server rejects this, because the ' +
    'name is the key of the list in the schema. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation ' +
    '(ValidateRolloutSpec) and manifests/crds/rollout-crd.yaml, and Kubernetes v1.34, pkg/apis/core/validation ' +
    '(ValidateEnv, ValidateEnvFrom), which it calls without the relaxed names of newer API servers.',
  subject: { 'Rollout.argoproj.io': ownContainerPlaces('env', 'env[*].value?', 'envFrom') },
  reads: {},
  messages: {
    unnamed: {
      class: 'invalid',
      text: '{container} has an environment variable without a name',
      fix: 'add a name, or remove the variable',
    },
    name: {
      class: 'invalid',
      text: '{container} has an environment variable with the invalid name "{name}"',
      fix: 'use letters, digits, "_", "-" and ".", and do not start with a digit',
    },
    duplicate: {
      class: 'invalid',
      text: '{container} sets environment variable "{name}" twice',
      fix: 'remove one of them',
    },
    twoValues: {
      class: 'invalid',
      text: '{container} sets both value and valueFrom for environment variable "{name}"',
      fix: 'remove one of them',
    },
    source: {
      class: 'invalid',
      text: '{container} has {sources} in valueFrom of environment variable "{name}"',
      fix: 'use exactly one of configMapKeyRef, secretKeyRef, fieldRef and resourceFieldRef',
    },
    bulkSource: {
      class: 'invalid',
      text: '{container} has an envFrom entry with {sources}',
      fix: 'use exactly one of configMapRef and secretRef in each entry',
    },
  },
  check(context, rollout) {
    for (const entry of ownContainers(rollout, context)) {
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
            data: { container, name, sources: sources.length === 0 ? 'no source' : sources.join(' and ') },
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

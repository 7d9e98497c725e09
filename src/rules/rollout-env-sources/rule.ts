import { ownContainerPlaces, ownContainers, renderContainer, type Container } from '../../world/containers.ts';
import { isConfigKey, isDnsSubdomain, isEnvironmentName, isLabelKey } from '../../world/names.ts';
import { asArray, dig, isObject, asString } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';

const FIELDS: ReadonlySet<string> = new Set(
  'metadata.name metadata.namespace metadata.uid spec.host spec.nodeName spec.serviceAccountName status.hostIP status.hostIPs status.podIP status.podIPs'.split(
    ' ',
  ),
);
const KEYED = /^metadata\.(labels|annotations)\['(.*)'\]$/s;
const RESOURCE = /^(limits|requests)\.(cpu$|memory$|ephemeral-storage$|hugepages-)/;

const messages = {
  field: {
    class: 'invalid',
    text: '{container} takes environment variable "{name}" from field "{field}", which is not supported',
    fix: "use a supported field, such as metadata.labels['KEY'], spec.nodeName or status.podIP",
  },
  resource: {
    class: 'invalid',
    text: '{container} takes environment variable "{name}" from resource "{resource}", which is not supported',
    fix: 'use limits or requests of cpu, memory or ephemeral-storage, such as limits.cpu',
  },
  reference: {
    class: 'invalid',
    text: '{container} takes {what} from a {kind} {named}',
    fix: 'set a valid {kind} name (a-z, 0-9, "-" and ".")',
  },
  prefix: {
    class: 'invalid',
    text: '{container} has the invalid envFrom prefix "{prefix}"',
    fix: 'use letters, digits, "_", "-" and ".", and do not start with a digit',
  },
  key: {
    class: 'invalid',
    text: '{container} takes environment variable "{name}" from {kind} "{source}" {keyed}',
    fix: 'set a key of letters, digits, "-", "_" and "."',
  },
} as const;

export const rolloutEnvSources = defineRule({
  id: 'rollout-env-sources',
  summary: 'The environment variables of a Rollout come from valid fields, resources, ConfigMaps and Secrets.',
  explanation:
    'The schema of a Rollout accepts any text as the source of an environment variable. The controller marks the ' +
    'Rollout InvalidSpec if a Pod has no such field. It does the same if the name of a ConfigMap or Secret is ' +
    'missing or invalid. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutSpec), and ' +
    'Kubernetes v1.34, pkg/apis/core/validation (validateObjectFieldSelector, ' +
    'validateContainerResourceFieldSelector, validateConfigMapKeySelector, validateConfigMapEnvSource, ' +
    'ValidateEnvFrom), which it calls.',
  subject: { 'Rollout.argoproj.io': ownContainerPlaces('env[*].name', 'env[*].valueFrom', 'envFrom') },
  reads: {},
  messages,
  check(context, rollout) {
    for (const container of ownContainers(rollout, context)) {
      for (const [index, variable] of asArray(container.raw['env']).entries())
        checkVariable(context, container, index, variable);
      for (const [index, bulk] of asArray(container.raw['envFrom']).entries())
        checkBulk(context, container, index, bulk);
    }
  },
});

type Context = RuleContext<typeof messages>;

function checkVariable(context: Context, entry: Container, index: number, variable: unknown): void {
  const container = renderContainer(entry);
  const name = asString(dig(variable, 'name'));
  const from = dig(variable, 'valueFrom');
  const path = [...entry.path, 'env', index, 'valueFrom'];
  const anchor = `${entry.name} ${name}`;
  const fieldRef = dig(from, 'fieldRef');
  if (isObject(fieldRef) && !isReadable(asString(fieldRef['fieldPath']))) {
    context.report('field', {
      path: [...path, 'fieldRef', 'fieldPath'],
      anchor,
      data: { container, name, field: asString(fieldRef['fieldPath']) },
    });
  }
  const resourceRef = dig(from, 'resourceFieldRef');
  if (isObject(resourceRef) && !RESOURCE.test(asString(resourceRef['resource']))) {
    context.report('resource', {
      path: [...path, 'resourceFieldRef', 'resource'],
      anchor,
      data: { container, name, resource: asString(resourceRef['resource']) },
    });
  }
  for (const [field, kind] of [
    ['configMapKeyRef', 'ConfigMap'],
    ['secretKeyRef', 'Secret'],
  ] as const) {
    const ref = dig(from, field);
    if (!isObject(ref)) continue;
    const source = asString(ref['name']);
    const key = asString(ref['key']);
    if (!isDnsSubdomain(source)) {
      context.report('reference', {
        path: [...path, field, 'name'],
        anchor,
        data: { container, what: `environment variable "${name}"`, kind, named: named(source) },
      });
    }
    if (!isConfigKey(key))
      context.report('key', {
        path: [...path, field, 'key'],
        anchor,
        data: { container, name, kind, source, keyed: key === '' ? 'without a key' : `with the invalid key "${key}"` },
      });
  }
}

function checkBulk(context: Context, entry: Container, index: number, bulk: unknown): void {
  const prefix = asString(dig(bulk, 'prefix'));
  if (prefix !== '' && !isEnvironmentName(prefix)) {
    context.report('prefix', {
      path: [...entry.path, 'envFrom', index, 'prefix'],
      anchor: `${entry.name} ${prefix}`,
      data: { container: renderContainer(entry), prefix },
    });
  }
  for (const [field, kind] of [
    ['configMapRef', 'ConfigMap'],
    ['secretRef', 'Secret'],
  ] as const) {
    const ref = dig(bulk, field);
    if (!isObject(ref)) continue;
    const source = asString(ref['name']);
    if (isDnsSubdomain(source)) continue;
    const data = { container: renderContainer(entry), what: 'environment variables', kind, named: named(source) };
    context.report('reference', {
      path: [...entry.path, 'envFrom', index, field, 'name'],
      anchor: `${entry.name} ${source}`,
      data,
    });
  }
}

function named(source: string): string {
  return source === '' ? 'without a name' : `with the invalid name "${source}"`;
}

function isReadable(fieldPath: string): boolean {
  if (FIELDS.has(fieldPath)) return true;
  const [, map, key] = KEYED.exec(fieldPath) ?? [];
  return key !== undefined && isLabelKey(map === 'annotations' ? key.toLowerCase() : key);
}

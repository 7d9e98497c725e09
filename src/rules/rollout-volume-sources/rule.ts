import { ownTemplate, TEMPLATE_PATH } from '../../world/containers.ts';
import type { Path } from '../../world/path.ts';
import { isQuantity, parseQuantity } from '../../world/quantity.ts';
import { asArray, dig, int32, isObject, asObject, renderInt32, asString, type JsonObject } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';

// The kinds of volumes in Kubernetes v1.34. The API server drops a field with another name.
const KINDS: ReadonlySet<string> = new Set(
  (
    'emptyDir hostPath configMap secret persistentVolumeClaim projected downwardAPI ephemeral csi nfs image iscsi glusterfs rbd cephfs cinder fc flexVolume flocker gitRepo awsElasticBlockStore gcePersistentDisk azureDisk ' +
    'azureFile vsphereVolume photonPersistentDisk portworxVolume quobyte scaleIO storageos'
  ).split(' '),
);

const messages = {
  several: {
    class: 'invalid',
    text: 'volume "{volume}" combines {kinds}',
    fix: 'keep one, and use a separate volume for each of the others',
  },
  unnamed: {
    class: 'invalid',
    text: 'volume "{volume}" does not name its {kind}',
    fix: 'set {field} to the name of the {kind}',
  },
  size: {
    class: 'invalid',
    text: 'volume "{volume}" has the invalid sizeLimit "{size}"',
    fix: 'use a quantity of 0 or more, such as 500Mi or 1Gi',
  },
  mode: {
    class: 'invalid',
    text: 'volume "{volume}" has the invalid {field} {mode}',
    fix: 'use the octal permissions with a leading 0 (0644), or the same number in decimal (420)',
  },
  item: {
    class: 'invalid',
    text: 'volume "{volume}" has an item {problem}',
    fix: 'give each item a key, and a relative path without ".."',
  },
} as const;

// What it takes to look for all sources of a volume, in operations.
const COST_OF_VOLUME = 3;

export const rolloutVolumeSources = defineRule({
  id: 'rollout-volume-sources',
  summary: 'Every volume of a Rollout has one kind, and names its source.',
  explanation:
    'The controller marks the Rollout InvalidSpec if a volume has two kinds, or does not name its ConfigMap, ' +
    'Secret or claim. Permissions must be an octal number of at most three digits: 644 without the leading 0 is ' +
    '1204 in octal. A volume without a kind is an empty directory. Source: Argo Rollouts v1.9.1, ' +
    'pkg/apis/rollouts/validation (ValidateRolloutSpec), and Kubernetes v1.34, pkg/apis/core/v1 ' +
    '(SetDefaults_Volume) and pkg/apis/core/validation (validateVolumeSource, validateSecretVolumeSource, ' +
    'validateConfigMapVolumeSource, validateKeyToPath), which it calls.',
  subject: { 'Rollout.argoproj.io': ['spec.workloadRef', 'spec.template.spec.volumes'] },
  reads: {},
  messages,
  check(context, rollout) {
    const template = ownTemplate(rollout);
    for (const [index, raw] of asArray(dig(template, 'spec', 'volumes')).entries()) {
      context.spend(COST_OF_VOLUME);
      const volume = asObject(raw);
      const name = asString(volume['name']);
      const path = [...TEMPLATE_PATH, 'spec', 'volumes', index];
      const kinds = Object.keys(volume).filter((key) => KINDS.has(key) && isObject(volume[key]));
      if (kinds.length > 1)
        context.report('several', { path, anchor: name, data: { volume: name, kinds: kinds.join(' and ') } });
      const size = dig(volume, 'emptyDir', 'sizeLimit');
      const isUnread = typeof size === 'string' && !isQuantity(size);
      if (isUnread || (parseQuantity(size) ?? 0n) < 0n)
        context.report('size', {
          path: [...path, 'emptyDir', 'sizeLimit'],
          anchor: name,
          data: { volume: name, size: String(size) },
        });
      for (const source of SOURCES) {
        const config = volume[source.field];
        if (isObject(config)) checkSource(context, name, source, config, [...path, source.field]);
      }
    }
  },
});

const SOURCES = [
  { field: 'configMap', name: 'name', kind: 'ConfigMap' },
  { field: 'secret', name: 'secretName', kind: 'Secret' },
  { field: 'persistentVolumeClaim', name: 'claimName', kind: 'PersistentVolumeClaim' },
] as const;

// JSON has no octal numbers, and YAML reads one only with a leading 0.
const MAX_MODE = 0o777;

function checkMode(
  context: RuleContext<typeof messages>,
  volume: string,
  holder: unknown,
  field: string,
  path: Path,
): void {
  const given = dig(holder, field);
  const mode = int32(given);
  if (mode !== undefined && (mode < 0 || mode > MAX_MODE))
    context.report('mode', {
      path: [...path, field],
      anchor: `${volume} ${mode}`,
      data: { volume, field, mode: renderInt32(given, mode) },
    });
}

function checkSource(
  context: RuleContext<typeof messages>,
  volume: string,
  { name, kind }: (typeof SOURCES)[number],
  config: JsonObject,
  path: Path,
): void {
  if (asString(config[name]) === '')
    context.report('unnamed', { path: [...path, name], anchor: volume, data: { volume, kind, field: name } });
  checkMode(context, volume, config, 'defaultMode', path);
  for (const [index, item] of asArray(config['items']).entries()) {
    checkMode(context, volume, item, 'mode', [...path, 'items', index]);
    const key = asString(dig(item, 'key'));
    const target = asString(dig(item, 'path'));
    const problem =
      key === ''
        ? 'without a key'
        : target === ''
          ? `without a path for key "${key}"`
          : `with the invalid path "${target}"`;
    if (key !== '' && isBelow(target)) continue;
    context.report('item', { path: [...path, 'items', index], anchor: `${volume} ${key}`, data: { volume, problem } });
  }
}

function isBelow(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !path.startsWith('..') && !path.split('/').includes('..');
}

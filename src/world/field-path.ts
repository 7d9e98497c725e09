import { isLabelKey } from './names.ts';
import { namespaceOf, type KubeObject } from './object.ts';
import { asArray, dig, isObject, asObject, asString } from './read.ts';

const METADATA: ReadonlySet<string> = new Set([
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'metadata.labels',
  'metadata.annotations',
]);
const KEYED = /^metadata\.(labels|annotations)\['(.*)'\]$/s;

/**
 * Reports whether a fieldRef can read a path under `metadata`: name, namespace, uid, all labels or annotations, or one
 * of them by its key. A missing key reads as the empty string. Source: `k8s.io/kubernetes` v1.34, `pkg/fieldpath`
 * (`ExtractFieldPathAsString`), with which Argo Rollouts v1.9.1 reads paths that start with `metadata`.
 */
export function isMetadataPath(path: string): boolean {
  if (METADATA.has(path)) return true;
  const [, map, key] = KEYED.exec(path) ?? [];
  return key !== undefined && isLabelKey(map === 'annotations' ? key.toLowerCase() : key);
}

/** Splits a field path at dots and brackets. Quotes stay as they are. */
export function sectionsOf(path: string): readonly string[] {
  return path.split(/[.[\]]+/).filter((section) => section !== '');
}

const INDEX = /^[+]?[0-9]+$/;

const CONTAINER_FIELDS = [
  'image',
  'workingDir',
  'imagePullPolicy',
  'stdin',
  'tty',
  'env.*.value',
  'ports.*.name',
  'ports.*.hostPort',
  'ports.*.hostIP',
];
const POD_FIELDS = [
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'serviceAccountName',
  'nodeName',
  'restartPolicy',
  'schedulerName',
  'hostname',
  'subdomain',
  'priorityClassName',
];

// The fields that Go omits from its JSON if they are 0, false or the empty string: `omitempty` in `k8s.io/api` v0.34
// and Argo Rollouts v1.9.1.
const OMITTED_IF_EMPTY: ReadonlySet<string> = new Set([
  ...[
    'minReadySeconds',
    'paused',
    'strategy.canary.canaryService',
    'strategy.canary.stableService',
    'strategy.canary.dynamicStableScale',
    'strategy.blueGreen.previewService',
  ].map((field) => `spec.${field}`),
  ...[
    ...POD_FIELDS,
    ...['containers', 'initContainers'].flatMap((list) => CONTAINER_FIELDS.map((field) => `${list}.*.${field}`)),
  ].map((field) => `spec.template.spec.${field}`),
]);
// The fields below the pod template that the API server adds by default (Argo Rollouts v1.9.1,
// manifests/crds/rollout-crd.yaml).
const DEFAULTED: ReadonlySet<string> = new Set(['protocol', 'service', 'optional']);

/**
 * Reports whether the controller finds a single value at a path of a Rollout. Null, a list and a mapping are not
 * values, and fields that Go omits from its JSON do not exist. Also true for fields that get a default. Source: Argo
 * Rollouts v1.9.1, `utils/analysis/factory.go` (`extractValueFromRollout`), which reads a fieldRef that does not start
 * with `metadata`.
 * @param rollout - The Rollout as written.
 */
export function hasValueAt(rollout: unknown, sections: readonly string[]): boolean {
  const value = valueAt(rollout, sections);
  const place = sections.map((section) => (INDEX.test(section) ? '*' : section)).join('.');
  if (value !== undefined) return !(OMITTED_IF_EMPTY.has(place) && (value === 0 || value === false || value === ''));
  // Go always writes this one.
  if (place === 'spec.strategy.blueGreen.activeService') return true;
  return (
    place.startsWith('spec.template.spec.') &&
    DEFAULTED.has(sections.at(-1) ?? '') &&
    isObject(at(rollout, sections.slice(0, -1)))
  );
}

function valueAt(value: unknown, sections: readonly string[]): unknown {
  const found = at(value, sections);
  return found === null || typeof found === 'object' ? undefined : found;
}

function at(value: unknown, sections: readonly string[]): unknown {
  let current = value;
  for (const section of sections) {
    if (Array.isArray(current)) current = INDEX.test(section) ? asArray(current)[Number(section)] : undefined;
    else if (isObject(current)) current = Object.hasOwn(current, section) ? current[section] : undefined;
    else return undefined;
  }
  return current;
}

// The controller reads these as quantities and may write them differently: 1000m as 1.
const QUANTITIES: ReadonlySet<string> = new Set(['limits', 'requests', 'overhead', 'sizeLimit', 'divisor']);
// From here on Go writes a number with an exponent.
const MILLION = 1_000_000;

/**
 * Returns the text that a fieldRef of an analysis reads from a Rollout, if it is known now: its name and namespace,
 * labels, one of its annotations, or a field of its spec. The status is known only when the analysis runs.
 */
export function fieldValue(rollout: KubeObject, path: string): string | undefined {
  const { metadata } = rollout;
  if (path === 'metadata.name') return metadata.name;
  if (path === 'metadata.namespace') return metadata.namespace === undefined ? undefined : namespaceOf(rollout);
  if (path === 'metadata.labels') return labelsAsText(metadata['labels']);
  const [, map = '', key] = KEYED.exec(path) ?? [];
  if (key !== undefined) return isMetadataPath(path) ? asString(dig(metadata[map], key)) : undefined;
  const sections = sectionsOf(path);
  return path.startsWith('metadata') || sections[0] !== 'spec' ? undefined : specValue(rollout, sections);
}

function specValue(rollout: KubeObject, sections: readonly string[]): string | undefined {
  const isWorkloadTemplate = sections[1] === 'template' && isObject(dig(rollout, 'spec', 'workloadRef'));
  if (isWorkloadTemplate || sections.some((section) => QUANTITIES.has(section))) return undefined;
  const value = valueAt(rollout, sections);
  // The controller defaults replicas to 1.
  if (value === undefined && sections.join('.') === 'spec.replicas') return '1';
  if (typeof value === 'number')
    return Number.isInteger(value) && Math.abs(value) < MILLION ? String(value) : undefined;
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined;
}

// As the downward API writes them: sorted by name, one per line.
function labelsAsText(labels: unknown): string {
  const lines = Object.entries(asObject(labels)).map(([name, value]) => `${name}=${JSON.stringify(asString(value))}`);
  return lines.sort().join('\n');
}

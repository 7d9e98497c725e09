import type { KubeObject } from '../../world/object.ts';
import { asArray, asObject, asString, dig, stringMap, type JsonObject } from '../../world/read.ts';

/** A Namespace whose pods get sidecars. */
export interface Mesh {
  readonly name: 'Istio' | 'Linkerd';
  readonly object: KubeObject;
}

/** A sidecar of a pod, in words of the message. */
export interface Sidecar {
  readonly mesh: string;
  readonly by: string;
  /** The setting of the pod that turns it off, and where it belongs. */
  readonly setting: string;
  readonly field: string;
}

const ISTIO_INJECT = 'sidecar.istio.io/inject';
const LINKERD_INJECT = 'linkerd.io/inject';
const SETTINGS = {
  Istio: { key: ISTIO_INJECT, off: '"false"', field: 'labels' },
  Linkerd: { key: LINKERD_INJECT, off: 'disabled', field: 'annotations' },
} as const;
const NATIVE = ['sidecar.istio.io/nativeSidecar', 'config.linkerd.io/proxy-enable-native-sidecar'];
// How a container stops the sidecar of its pod.
const STOPS = ['quitquitquit', 'pilot-agent', 'scuttle', 'linkerd-await', '/shutdown'];
const MAX_WORDS = 100;
const MAX_WORD = 10_000;

/** Returns the mesh that injects sidecars into the pods of a Namespace, or undefined. */
export function meshOf(namespace: KubeObject): Mesh | undefined {
  const labels = stringMap(namespace.metadata['labels']);
  const injects = labels.has('istio-injection')
    ? labels.get('istio-injection') === 'enabled'
    : asString(labels.get('istio.io/rev')) !== '';
  if (injects) return { name: 'Istio', object: namespace };
  const linkerd = stringMap(namespace.metadata['annotations']).get(LINKERD_INJECT) ?? '';
  return isOnFor('Linkerd', linkerd) ? { name: 'Linkerd', object: namespace } : undefined;
}

/**
 * Returns the sidecar that a pod gets and that nobody stops, or undefined.
 *
 * @param mesh - The mesh of its namespace.
 */
export function sidecarOf(pod: JsonObject, mesh: Mesh | undefined): Sidecar | undefined {
  const labels = stringMap(dig(pod, 'metadata', 'labels'));
  const annotations = stringMap(dig(pod, 'metadata', 'annotations'));
  if (NATIVE.some((setting) => annotations.has(setting)) || stopsSidecar(pod)) return undefined;
  const own = {
    Istio: labels.get(ISTIO_INJECT) ?? annotations.get(ISTIO_INJECT),
    Linkerd: annotations.get(LINKERD_INJECT),
  };
  for (const name of ['Istio', 'Linkerd'] as const) {
    const setting = own[name];
    const isOfNamespace = mesh?.name === name;
    if (setting === undefined ? !isOfNamespace : !isOnFor(name, setting)) continue;
    const by = setting === undefined ? `namespace "${mesh?.object.metadata.name ?? ''}"` : SETTINGS[name].key;
    const { key, off, field } = SETTINGS[name];
    return { mesh: name, by, setting: `${key}: ${off}`, field };
  }
  return undefined;
}

function isOnFor(name: Mesh['name'], setting: string): boolean {
  return name === 'Istio' ? setting === 'true' : setting === 'enabled' || setting === 'ingress';
}

function stopsSidecar(pod: JsonObject): boolean {
  const words = asArray(dig(pod, 'spec', 'containers'))
    .map(asObject)
    .flatMap(({ command, args }) => [...asArray(command), ...asArray(args)]);
  return words
    .slice(0, MAX_WORDS)
    .map((word) => asString(word).slice(0, MAX_WORD))
    .some((word) => STOPS.some((stop) => word.includes(stop)));
}

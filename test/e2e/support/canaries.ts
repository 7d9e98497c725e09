import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asArray, dig, asObject, type JsonObject } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { objectsOf } from '../harness/objects.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', '..', 'examples');
const HASH = 'rollouts-pod-template-hash';

/** A set-up with a Rollout and the objects that it controls, as files that are applied repeatedly during its canary. */
export interface Canary {
  readonly name: string;
  readonly rollout: string;
  readonly container: string;
  /** The steps of the Rollout, with a pause after each weight. */
  readonly steps: readonly unknown[];
  readonly managedRoutes?: readonly unknown[];
  /** The canary weights that the controller writes at each pause, and at the end. */
  readonly weights: readonly number[];
  readonly files: readonly string[];
  /** The namespace in these files. */
  readonly namespace: string;
}

const HEADER_ROUTE = {
  setHeaderRoute: { name: 'beta', match: [{ headerName: 'beta', headerValue: { exact: 'true' } }] },
};

/** The set-ups of the write-ups, with steps that pause twice. */
export const CANARIES: readonly Canary[] = [
  {
    name: 'istio-host-level',
    rollout: 'test-rollout-istio',
    container: 'app07',
    namespace: 'test-ar-istio',
    files: ['istio-host-level/manifests.yaml'],
    steps: [{ setWeight: 20 }, { pause: {} }, { setWeight: 60 }, { pause: {} }],
    weights: [20, 60],
  },
  {
    name: 'istio-subset-level',
    rollout: 'test-rollout-istio',
    container: 'app07',
    namespace: 'test-ar-istio',
    files: ['istio-subset-level/fixed/rollout.yaml', 'istio-subset-level/fixed/mesh.yaml'],
    steps: [{ setWeight: 20 }, HEADER_ROUTE, { pause: {} }, { setWeight: 60 }, { pause: {} }],
    managedRoutes: [{ name: 'beta' }],
    weights: [20, 60],
  },
  {
    name: 'aks-gateway-api',
    rollout: 'ai-service',
    container: 'ai-service',
    namespace: 'pets',
    files: [
      'aks-gateway-api/fixed/rollout.yaml',
      'aks-gateway-api/fixed/services.yaml',
      'aks-gateway-api/fixed/routes.yaml',
    ],
    steps: [{ setWeight: 50 }, { pause: {} }, { setWeight: 100 }, { pause: {} }],
    weights: [50, 100],
  },
];

/** Returns the objects of a set-up in a namespace. */
export function objectsIn(
  { files, namespace: was, rollout, steps, managedRoutes }: Canary,
  namespace: string,
): KubeObject[] {
  const text = files.map((file) => readFileSync(join(EXAMPLES, file), 'utf8')).join('\n---\n');
  return objectsOf(text.replaceAll(was, namespace))
    .filter(({ kind, metadata }) => metadata.namespace === namespace && kind !== 'Namespace')
    .map((candidate) => {
      if (candidate.kind !== 'Rollout' || candidate.metadata.name !== rollout) return candidate;
      const spec = asObject(candidate['spec']);
      const canary = asObject(dig(spec, 'strategy', 'canary'));
      const trafficRouting = {
        ...asObject(canary['trafficRouting']),
        ...(managedRoutes === undefined ? {} : { managedRoutes }),
      };
      return { ...candidate, spec: { ...spec, strategy: { canary: { ...canary, trafficRouting, steps } } } };
    });
}

const DRIVEN = ['VirtualService', 'DestinationRule', 'Service', 'HTTPRoute'];

/** Returns the objects of a set-up into which the controller writes. */
export function driven(objects: readonly KubeObject[]): KubeObject[] {
  return objects.filter(
    ({ kind, metadata }) => DRIVEN.includes(kind) && !['app07', 'store-front'].includes(metadata.name),
  );
}

/**
 * Returns an object from a file after the n-th edit by a user: a timeout, a host, a match, or a weight that no Rollout
 * manages.
 */
export function edited(source: KubeObject, n: number): KubeObject {
  const spec = asObject(source['spec']);
  switch (source.kind) {
    case 'VirtualService': {
      const [primary] = asArray(spec['http']);
      const unrelated = {
        name: 'unrelated',
        match: [{ uri: { prefix: `/v${n}` } }],
        route: [
          { destination: { host: 'one' }, weight: n },
          { destination: { host: 'two' }, weight: 100 - n },
        ],
      };
      return {
        ...source,
        spec: {
          ...spec,
          hosts: [...asArray(spec['hosts']), `h${n}.example.com`],
          http: [unrelated, { ...asObject(primary), timeout: `${n}s` }],
        },
      };
    }
    case 'HTTPRoute': {
      const [rule] = asArray(spec['rules']);
      const unrelated = {
        matches: [{ path: { type: 'PathPrefix', value: `/v${n}` } }],
        backendRefs: [
          { name: 'one', port: 80, weight: n },
          { name: 'two', port: 80, weight: 100 - n },
        ],
      };
      return {
        ...source,
        spec: {
          ...spec,
          hostnames: [`h${n}.example.com`],
          rules: [unrelated, { ...asObject(rule), timeouts: { request: `${n}s` } }],
        },
      };
    }
    case 'DestinationRule':
      return { ...source, spec: { ...spec, trafficPolicy: { connectionPool: { tcp: { maxConnections: n } } } } };
    case 'Service':
      return {
        ...source,
        metadata: { ...source.metadata, annotations: { edit: String(n) } },
        spec: { ...spec, sessionAffinity: n % 2 === 0 ? 'ClientIP' : 'None' },
      };
    default:
      return source;
  }
}

/** Returns the fields of the controller in an object, as a string that can be compared. */
export function controllersPart(source: KubeObject): string {
  const spec = asObject(source['spec']);
  switch (source.kind) {
    case 'VirtualService':
      return asArray(spec['http'])
        .filter((route) => dig(route, 'name') !== 'unrelated')
        .map(
          (route) =>
            `${String(dig(route, 'name'))}: ${asArray(dig(route, 'route'))
              .map((entry) => weightOf(entry, dig(entry, 'destination', 'subset') ?? dig(entry, 'destination', 'host')))
              .sort()
              .join(' ')}`,
        )
        .join('; ');
    case 'HTTPRoute':
      return asArray(spec['rules'])
        .filter((rule) => !asArray(dig(rule, 'backendRefs')).some((backend) => dig(backend, 'name') === 'one'))
        .map((rule) =>
          asArray(dig(rule, 'backendRefs'))
            .map((backend) => weightOf(backend, dig(backend, 'name')))
            .sort()
            .join(' '),
        )
        .join('; ');
    case 'DestinationRule':
      return asArray(spec['subsets'])
        .map((subset) => `${String(dig(subset, 'name'))}=${String(dig(subset, 'labels', HASH))}`)
        .join(' ');
    default:
      return String(dig(spec, 'selector', HASH));
  }
}

function weightOf(entry: unknown, name: unknown): string {
  return `${String(name).split('.', 1)[0]}=${String(dig(entry, 'weight'))}`;
}

/** Returns the spec of an object without the fields that the controller writes. */
export function personsPart(source: KubeObject): JsonObject {
  const spec = strip(asObject(source['spec'])) as JsonObject;
  const http = asArray(spec['http']);
  return http.length === 0
    ? spec
    : { ...spec, http: http.filter((route) => dig(route, 'name') !== HEADER_ROUTE.setHeaderRoute.name) };
}

// Weights that no Rollout manages belong to the user. They are recognized by the names of their routes or backends.
function strip(value: unknown, unrelated = false): unknown {
  if (Array.isArray(value)) return value.map((item) => strip(item, unrelated));
  if (typeof value !== 'object' || value === null) return value;
  const own =
    unrelated ||
    dig(value, 'name') === 'unrelated' ||
    asArray(dig(value, 'backendRefs')).some((backend) => dig(backend, 'name') === 'one');
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== HASH && (own || key !== 'weight'))
      .map(([key, item]) => [key, strip(item, own)]),
  );
}

/**
 * Returns whether an update is finished in an object: the weights are as before the update, and no old hash is left.
 *
 * @param before - The controller's part before the update.
 * @param now - The controller's part now.
 */
export function isFinished({ kind }: KubeObject, before: string, now: string): boolean {
  if (kind === 'VirtualService' || kind === 'HTTPRoute') return now === before;
  return !hashes(before).some((hash) => hashes(now).includes(hash));
}

function hashes(part: string): string[] {
  return part.split(' ').map((entry) => entry.replace(/^.*=/, ''));
}

import type { KubeObject } from '../../../src/world/object.ts';
import type { JsonObject } from '../../../src/world/read.ts';

/** The label that the controller puts on pods, selectors and subsets. */
export const HASH = 'rollouts-pod-template-hash';
/** The annotation by which the controller marks what it drives. */
export const MANAGED_BY = 'argo-rollouts.argoproj.io/managed-by-rollouts';

/**
 * In: what differs from a plain pod template: annotations, further labels, more of its spec. Out: a template with the
 * label `app: web`.
 */
export function template({
  annotations = {},
  labels = {},
  spec = {},
}: { annotations?: JsonObject; labels?: JsonObject; spec?: JsonObject } = {}): JsonObject {
  return {
    metadata: { labels: { app: 'web', ...labels }, annotations },
    spec: { containers: [{ name: 'web', image: 'web:1', ports: [{ name: 'http', containerPort: 8080 }] }], ...spec },
  };
}

/** In: a strategy, and fields of the spec that differ. Out: the Rollout `web` of two pods. */
export function rollout(strategy: JsonObject, spec: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web' },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: template(), strategy, ...spec },
  };
}

/** In: `replicas` and what else differs. Out: the Deployment `web`. */
export function deployment(spec: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: template(), ...spec },
  };
}

/** In: a name. Out: a Service of the pods of `web`. */
export function service(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

/** In: a destination's host, and its weight and subset. Out: the destination as a VirtualService has it. */
export function to(host: string, weight?: number, subset?: string): JsonObject {
  return {
    destination: { host, ...(subset === undefined ? {} : { subset }) },
    ...(weight === undefined ? {} : { weight }),
  };
}

/** In: http routes, and a name. Out: a VirtualService. */
export function virtualService(http: readonly JsonObject[], name = 'web'): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name },
    spec: { hosts: ['web.example.com'], http },
  };
}

/** In: subsets, by name or in full. Out: the DestinationRule `web` of the host `web`. */
export function destinationRule(...subsets: readonly (string | JsonObject)[]): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'web' },
    spec: {
      host: 'web',
      subsets: subsets.map((subset) =>
        typeof subset === 'string' ? { name: subset, labels: { app: 'web' } } : subset,
      ),
    },
  };
}

/**
 * In: steps, the rest of `trafficRouting.istio`, and of `trafficRouting` and the canary strategy. Out: a canary
 * strategy between the Services `web` and `web-canary`.
 */
export function hostCanary(
  steps: readonly JsonObject[],
  istio: JsonObject = {},
  routing: JsonObject = {},
  canary: JsonObject = {},
): JsonObject {
  return {
    canary: {
      stableService: 'web',
      canaryService: 'web-canary',
      trafficRouting: { istio: { virtualService: { name: 'web' }, ...istio }, ...routing },
      steps,
      ...canary,
    },
  };
}

/**
 * In: steps, what differs in `destinationRule`, and in the canary strategy. Out: a canary strategy between the subsets
 * `stable` and `canary`.
 */
export function subsetCanary(steps: readonly JsonObject[], rule: JsonObject = {}, canary: JsonObject = {}): JsonObject {
  const istio = {
    virtualService: { name: 'web' },
    destinationRule: { name: 'web', stableSubsetName: 'stable', canarySubsetName: 'canary', ...rule },
  };
  return { canary: { trafficRouting: { istio }, steps, ...canary } };
}

import type { KubeObject } from '../../../src/world/object.ts';
import type { JsonObject } from '../../../src/world/read.ts';

/** The label that the controller puts on pods, selectors and subsets. */
export const HASH = 'rollouts-pod-template-hash';
/** The annotation with which the controller marks the objects that it changes. */
export const MANAGED_BY = 'argo-rollouts.argoproj.io/managed-by-rollouts';

/**
 * Returns a pod template with the label `app: web`.
 *
 * @param options - Annotations, further labels, and further fields of the pod spec.
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

/** Returns the Rollout `web` with two replicas. */
export function rollout(strategy: JsonObject, spec: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web' },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: template(), strategy, ...spec },
  };
}

/** Returns the Deployment `web`. */
export function deployment(spec: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: template(), ...spec },
  };
}

/** Returns a Service that selects the pods of `web`. */
export function service(name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

/** Returns a destination of a VirtualService route. */
export function to(host: string, weight?: number, subset?: string): JsonObject {
  return {
    destination: { host, ...(subset === undefined ? {} : { subset }) },
    ...(weight === undefined ? {} : { weight }),
  };
}

/** Returns a VirtualService with these http routes. */
export function virtualService(http: readonly JsonObject[], name = 'web'): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name },
    spec: { hosts: ['web.example.com'], http },
  };
}

/**
 * Returns the DestinationRule `web` for the host `web`.
 *
 * @param subsets - Names, or whole subsets.
 */
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
 * Returns a canary strategy that splits traffic between the Services `web` and `web-canary`.
 *
 * @param istio - Further fields of `trafficRouting.istio`.
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
 * Returns a canary strategy that splits traffic between the subsets `stable` and `canary`.
 *
 * @param rule - Fields of `destinationRule` that differ.
 */
export function subsetCanary(steps: readonly JsonObject[], rule: JsonObject = {}, canary: JsonObject = {}): JsonObject {
  const istio = {
    virtualService: { name: 'web' },
    destinationRule: { name: 'web', stableSubsetName: 'stable', canarySubsetName: 'canary', ...rule },
  };
  return { canary: { trafficRouting: { istio }, steps, ...canary } };
}

import type { KubeObject } from '../../src/world/object.ts';

/** A JSON value of any shape. */
export type Json = Readonly<Record<string, unknown>>;

/** Returns a list of n items. */
export function times<T>(n: number, make: (index: number) => T): T[] {
  return Array.from({ length: n }, (_, index) => make(index));
}

/** Returns an object in the namespace `shop`. */
export function object(apiVersion: string, kind: string, name: string, spec: Json, metadata: Json = {}): KubeObject {
  return { apiVersion, kind, metadata: { namespace: 'shop', ...metadata, name }, spec };
}

/** Returns a container with an image. */
export function container(name: string, more: Json = {}): Json {
  return { name, image: 'registry.example.com/app:1', ports: [{ name: 'http', containerPort: 8080 }], ...more };
}

/** What a Rollout is made of, apart from its name. */
export interface RolloutParts {
  readonly canary?: Json;
  readonly pod?: Json;
  readonly labels?: Json;
  readonly spec?: Json;
}

/** Returns a Rollout with a canary strategy and pods of its own. */
export function rollout(
  name: string,
  { canary = {}, pod = {}, labels = {}, spec = {} }: RolloutParts = {},
): KubeObject {
  return object('argoproj.io/v1alpha1', 'Rollout', name, {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name, ...labels } }, spec: { containers: [container('app')], ...pod } },
    strategy: { canary: { stableService: `${name}-stable`, canaryService: `${name}-canary`, ...canary } },
    ...spec,
  });
}

/** Returns a Service with one port, unless it is given others. */
export function service(
  name: string,
  app: string,
  ports: readonly Json[] = [{ name: 'http', port: 80, targetPort: 'http' }],
): KubeObject {
  return object('v1', 'Service', name, { selector: { app }, ports });
}

/** Returns the stable and the canary Service of a Rollout. */
export function servicesOf(name: string, ports?: readonly Json[]): KubeObject[] {
  return [service(`${name}-stable`, name, ports), service(`${name}-canary`, name, ports)];
}

/** Returns the weighted destinations of a VirtualService route. */
export function destinations(name: string): Json[] {
  return [
    { destination: { host: `${name}-stable`, port: { number: 80 } }, weight: 100 },
    { destination: { host: `${name}-canary`, port: { number: 80 } }, weight: 0 },
  ];
}

/** Returns a VirtualService. */
export function virtualService(name: string, spec: Json): KubeObject {
  return object('networking.istio.io/v1', 'VirtualService', name, { hosts: ['shop.example.com'], ...spec });
}

/** Returns the traffic routing of a Rollout with an Istio VirtualService. */
export function istio(name: string, routes: readonly string[], more: Json = {}): Json {
  return { trafficRouting: { istio: { virtualService: { name, routes } }, ...more } };
}

/** Returns a Prometheus metric with a query. */
export function metric(name: string, query = 'vector(1)', more: Json = {}): Json {
  return {
    name,
    interval: '1m',
    count: 5,
    successCondition: 'result[0] > 0',
    provider: { prometheus: { address: 'http://prometheus:9090', query } },
    ...more,
  };
}

/** Returns an AnalysisTemplate with one metric, unless it is given others. */
export function template(name: string, spec: Json = {}): KubeObject {
  return object('argoproj.io/v1alpha1', 'AnalysisTemplate', name, { metrics: [metric(`of-${name}`)], ...spec });
}

/** Returns a ClusterAnalysisTemplate. */
export function clusterTemplate(name: string, spec: Json): KubeObject {
  return { apiVersion: 'argoproj.io/v1alpha1', kind: 'ClusterAnalysisTemplate', metadata: { name }, spec };
}

/** Returns an analysis step. */
export function analysisStep(templates: readonly string[], args: readonly Json[] = [], more: Json = {}): Json {
  return { analysis: { templates: templates.map((templateName) => ({ templateName })), args, ...more } };
}

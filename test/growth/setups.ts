import type { KubeObject } from '../../src/world/object.ts';
import { servicesOf, times, object, rollout, destinations, template, type Json } from './objects.ts';

/** Something that a user can make large: the objects that they write for a size. */
export interface Dimension {
  readonly title: string;
  readonly make: (n: number) => KubeObject[];
}

const PLUGIN = 'argoproj-labs/gatewayAPI';
/** Returns a Rollout with a canary strategy, its Services, and other objects. */
export const one = (canary: Json, ...others: readonly KubeObject[]): KubeObject[] => [
  rollout('app', { canary }),
  ...servicesOf('app'),
  ...others,
];
/** Returns a Rollout with a pod spec, and its Services. */
export const pods = (pod: Json): KubeObject[] => [rollout('app', { pod }), ...servicesOf('app')];
/** Returns n Rollouts, and other objects. */
export const sharing = (n: number, canary: (index: number) => Json, ...others: readonly KubeObject[]): KubeObject[] => [
  ...times(n, (index) => rollout(`app-${index}`, { canary: canary(index) })),
  ...others,
];
/** Returns a VirtualService route. */
export const route = (name: string, ...more: readonly Json[]): Json => ({
  name,
  route: destinations('app'),
  ...(Object.assign({}, ...more) as Json),
});
/** Returns the traffic routing of the Gateway API plugin. */
export const gateway = (config: Json, more: Json = {}): Json => ({
  trafficRouting: { plugins: { [PLUGIN]: { namespace: 'shop', ...config } }, ...more },
});
/** Returns an HTTPRoute. */
export const httpRoute = (name: string, rules: readonly Json[], labels: Json = {}): KubeObject =>
  object('gateway.networking.k8s.io/v1', 'HTTPRoute', name, { rules }, { labels });
/** Returns a rule of an HTTPRoute with both Services of a Rollout. */
export const backends = (name: string, more: Json = {}): Json => ({
  backendRefs: [
    { name: `${name}-stable`, port: 80 },
    { name: `${name}-canary`, port: 80 },
  ],
  ...more,
});
/** Returns an Ingress. */
export const ingress = (name: string, services: readonly string[]): KubeObject =>
  object('networking.k8s.io/v1', 'Ingress', name, {
    rules: [
      {
        http: {
          paths: services.map((each) => ({
            path: `/${each}`,
            backend: { service: { name: each, port: { number: 80 } } },
          })),
        },
      },
    ],
  });
/** Returns a DestinationRule. */
export const destinationRule = (name: string, subsets: readonly string[]): KubeObject =>
  object('networking.istio.io/v1', 'DestinationRule', name, {
    host: 'app-stable',
    subsets: subsets.map((subset) => ({ name: subset })),
  });
/** Returns n templates, each of which includes the next. */
export const chain = (n: number, last: readonly Json[], more: (index: number) => Json = () => ({})): KubeObject[] =>
  times(n, (index) =>
    template(`t-${index}`, {
      templates: index === n - 1 ? last : [{ templateName: `t-${index + 1}` }],
      ...more(index),
    }),
  );
/** Returns an object of a depth. */
export const nested = (depth: number): Json => {
  let value: Json = { text: '{{args.deep}}' };
  for (let level = 0; level < depth; level++) value = { inner: value };
  return value;
};
/** Returns an argument with a value. */
export const argument = (index: number): Json => ({ name: `arg-${index}`, value: 'x' });
/** Returns a query that uses n arguments. */
export const queryOf = (n: number, prefix = 'arg'): string =>
  times(n, (index) => `{{args.${prefix}-${index}}}`).join(' ');

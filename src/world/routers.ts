import type { KubeObject } from './object.ts';
import { isObject, asObject, optionalObject, type JsonObject } from './read.ts';
import { trafficRoutingOf } from './rollout.ts';

/** The traffic routers of Argo Rollouts v1.9.1, by their field in `trafficRouting`, with their usual names. */
export const ROUTERS = {
  istio: 'Istio',
  nginx: 'NGINX',
  alb: 'AWS ALB',
  smi: 'SMI',
  ambassador: 'Ambassador',
  appMesh: 'AWS App Mesh',
  traefik: 'Traefik',
  apisix: 'APISIX',
} as const;

/** A router by its field in `trafficRouting`; `plugins` stands for any router plugin. */
export type Router = keyof typeof ROUTERS | 'plugins';

/**
 * Returns the routers that a Rollout configures. An empty mapping counts, except for `plugins`, as for the controller.
 */
export function routersOf(rollout: KubeObject): ReadonlySet<Router> {
  const routing = asObject(trafficRoutingOf(rollout));
  const routers = new Set<Router>();
  for (const router of Object.keys(ROUTERS) as (keyof typeof ROUTERS)[])
    if (isObject(routing[router])) routers.add(router);
  if (Object.keys(asObject(routing['plugins'])).length > 0) routers.add('plugins');
  return routers;
}

/** Returns the configuration of a router, or undefined. */
export function routerConfig(rollout: KubeObject, router: Router): JsonObject | undefined {
  return optionalObject(trafficRoutingOf(rollout)?.[router]);
}

const MAX_NAME = 253;
const CANARY = '-canary';

/**
 * Returns the name of the Ingress that the controller creates for the canary of an Ingress of nginx. Source: Argo
 * Rollouts v1.9.1, `utils/ingress` (GetCanaryIngressName).
 */
export function canaryIngressName(rollout: KubeObject, stableIngress: string): string {
  return `${rollout.metadata.name}-${stableIngress}`.slice(0, MAX_NAME - CANARY.length) + CANARY;
}

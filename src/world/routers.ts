import type { KubeObject } from './object.ts';
import { isObject, asObject, optionalObject, type JsonObject } from './read.ts';
import { trafficRoutingOf } from './rollout.ts';

/** The traffic routers that Argo Rollouts v1.9.1 knows, by their field in `trafficRouting`, and as people call them. */
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
 * In: a Rollout. Out: the routers it configures. An empty mapping counts, except for `plugins`, as for the controller.
 */
export function routersOf(rollout: KubeObject): ReadonlySet<Router> {
  const routing = asObject(trafficRoutingOf(rollout));
  const routers = new Set<Router>();
  for (const router of Object.keys(ROUTERS) as (keyof typeof ROUTERS)[])
    if (isObject(routing[router])) routers.add(router);
  if (Object.keys(asObject(routing['plugins'])).length > 0) routers.add('plugins');
  return routers;
}

/** In: a Rollout and a router. Out: the configuration of that router, or undefined. */
export function routerConfig(rollout: KubeObject, router: Router): JsonObject | undefined {
  return optionalObject(trafficRoutingOf(rollout)?.[router]);
}

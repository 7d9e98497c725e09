import type { Draw, Fields } from './draw.ts';
import { LABELS } from './pods.ts';

/** The traffic router of a Rollout, and the objects that it needs. */
export interface Routing {
  /** The fields of `canary` that this router needs. */
  readonly canary: Fields;
  readonly objects: Fields[];
  /** Which steps the router supports. */
  readonly can: {
    readonly header: boolean;
    readonly mirror: boolean;
    readonly weights: boolean;
    readonly exactOnly: boolean;
    readonly scale: boolean;
  };
  readonly maxWeight: number;
}

/** Draws a router; without a weight of its own, the greatest is 100. */
export type Router = (draw: Draw) => Omit<Routing, 'maxWeight'> & { readonly maxWeight?: number };

/** The namespace of everything that is generated. */
export const NAMESPACE = 'shop';
/** Returns a Service that selects the generated pods. */
export function service(draw: Draw, name: string): Fields {
  const annotations: Fields = draw.perhaps(0.1, () => ({
    annotations: { 'argo-rollouts.argoproj.io/managed-by-rollouts': 'web' },
  }));
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE, ...annotations },
    spec: {
      selector: draw.pick<Fields>({ app: LABELS.app }, { ...LABELS }),
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
    },
  };
}

/** Returns a stable and a canary Service, and the fields that name them. */
export function pair(draw: Draw): { fields: Fields; objects: Fields[] } {
  return {
    fields: { stableService: 'web-stable', canaryService: 'web-canary' },
    objects: [service(draw, 'web-stable'), service(draw, 'web-canary')],
  };
}

/** Returns the routes that the controller manages. */
export function managed(draw: Draw): Fields {
  return {
    managedRoutes: [{ name: 'by-header' }, { name: 'mirrored' }, ...(draw.maybe(0.1) ? [{ name: 'unused' }] : [])],
  };
}

/** The fields of ping-pong. */
export const PING_PONG: Fields = { pingPong: { pingService: 'web-ping', pongService: 'web-pong' } };

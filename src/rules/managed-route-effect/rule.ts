import { managedGatewayRoutes } from '../../world/gateway.ts';
import { routeTitle, unmanagedRoutes } from '../../world/istio.ts';
import type { KindId, KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { asArray, dig, isObject, asObject, optionalNumber, asString } from '../../world/read.ts';
import { istioOf, managedRouteNames, stepsOf, trafficRoutingOf, virtualServiceEntries } from '../../world/rollout.ts';
import { routersOf } from '../../world/routers.ts';
import { defineRule } from '../define.ts';

const STEPS: Path = ['spec', 'strategy', 'canary', 'steps'];
const HEADER_KINDS: readonly KindId[] = ['HTTPRoute.gateway.networking.k8s.io', 'GRPCRoute.gateway.networking.k8s.io'];
const KINDS = ['setHeaderRoute', 'setMirrorRoute'] as const;

export const managedRouteEffect = defineRule({
  id: 'managed-route-effect',
  summary:
    'A header or mirror route is set while the canary has pods, and does not keep later weights from being written.',
  explanation:
    'While the canary has no pods the controller removes all managed routes: a header route set in the first step, before any weight or scale, is gone a moment later, and no later step brings it back. And while a managed route is in a ' +
    'VirtualService whose only other http route has a name, a Rollout that names no route finds none to write weights into: the status says 20 %, the route says 0. The Gateway API plugin passes over header steps unless a route has useHeaderRoutes; by label it never has. ' +
    'Nothing is refused by the controller, and the update ends well, untested. Seen on the controller of Argo Rollouts v1.9.1 (docs/upstream-facts.md, claims C3, B1 and, with plugin v0.15.0, C4); source: rollout/trafficrouting.go (reconcileTrafficRouting), rollout/trafficrouting/istio (getHttpRouteIndexesToPatch).',
  subject: ['Rollout.argoproj.io'],
  reads: ['VirtualService.networking.istio.io'],
  messages: {
    noPods: {
      class: 'advice',
      text: 'step {number} sets the route "{route}" while the canary has no pods, so the Rollouts controller removes it at once',
      fix: 'put a setCanaryScale with replicas, or a setWeight above 0, before it',
    },
    plugin: {
      class: 'advice',
      text: 'step {number} has setHeaderRoute, which has no effect: the Gateway API plugin writes header rules only into HTTPRoutes and GRPCRoutes with useHeaderRoutes, and the Rollout names none',
      fix: 'name the route in httpRoutes or grpcRoutes, with useHeaderRoutes: true',
    },
    weightless: {
      class: 'advice',
      text: 'the Rollout names no route of VirtualService "{name}", whose {route} has a name: while "{managed}" is there, the weight of step {number} is never written, though the status says so',
      fix: 'list "{only}" in routes',
    },
  },
  check(context, rollout) {
    const walk = walkSteps(stepsOf(rollout));
    for (const { index, kind, route } of walk.withoutPods) {
      context.report('noPods', {
        path: [...STEPS, index, kind],
        anchor: `${kind} ${route}`,
        data: { number: index + 1, route },
      });
    }
    const step = stepsOf(rollout).findIndex((each) => asArray(dig(each, 'setHeaderRoute', 'match')).length > 0);
    if (step >= 0 && istioOf(rollout) === undefined && writesNoHeaderRules(rollout)) {
      context.report('plugin', {
        path: [...STEPS, step, 'setHeaderRoute'],
        anchor: 'setHeaderRoute',
        data: { number: step + 1 },
      });
    }
    const [lost] = walk.weightsBehindRoutes;
    if (lost === undefined || istioOf(rollout) === undefined) return;
    const managed = managedRouteNames(rollout);
    for (const entry of virtualServiceEntries(rollout)) {
      if (entry.name === '' || entry.routes.length > 0) continue;
      const virtualService = context.find('VirtualService.networking.istio.io', entry.namespace, entry.name);
      const [only, ...others] = virtualService === undefined ? [] : unmanagedRoutes(virtualService, managed);
      if (virtualService === undefined || only === undefined || only.name === '' || others.length > 0) continue;
      context.report('weightless', {
        path: entry.path,
        anchor: `${entry.namespace}/${entry.name} ${only.name}`,
        data: {
          name: virtualService.metadata.name,
          route: routeTitle(only),
          managed: lost.route,
          number: lost.index + 1,
          only: only.name,
        },
        related: [{ object: virtualService, path: [...only.path, 'name'] }],
      });
    }
  },
});

/** Whether the only router is the Gateway API plugin, which has routes, and none of them takes header rules. */
function writesNoHeaderRules(rollout: KubeObject): boolean {
  const routes = managedGatewayRoutes(rollout);
  const isOnly =
    routersOf(rollout).size === 1 && Object.keys(asObject(trafficRoutingOf(rollout)?.['plugins'])).length === 1;
  return (
    isOnly &&
    routes.length > 0 &&
    !routes.some(({ kind, useHeaderRoutes }) => useHeaderRoutes && HEADER_KINDS.includes(kind))
  );
}

interface Walk {
  /** Steps that set a route when no canary pod is there to receive what it sends. */
  readonly withoutPods: readonly {
    readonly index: number;
    readonly kind: (typeof KINDS)[number];
    readonly route: string;
  }[];
  /** Steps that set a weight while a managed route is there, and such a route. */
  readonly weightsBehindRoutes: readonly { readonly index: number; readonly route: string }[];
}

/**
 * In: canary steps. Out: what becomes of managed routes and weights as they are taken one after the other, from 0 % and
 * no pods.
 */
function walkSteps(steps: readonly unknown[]): Walk {
  const withoutPods: Walk['withoutPods'][number][] = [];
  const weightsBehindRoutes: Walk['weightsBehindRoutes'][number][] = [];
  const there = new Set<string>();
  let weight = 0;
  let scale: unknown;
  for (const [index, step] of steps.entries()) {
    const set = optionalNumber(dig(step, 'setWeight'));
    const [route] = there;
    if (set !== undefined && route !== undefined) weightsBehindRoutes.push({ index, route });
    weight = set ?? weight;
    scale = dig(step, 'setCanaryScale') ?? scale;
    const pods = hasPods(scale, weight);
    if (!pods) there.clear();
    for (const kind of KINDS) {
      const name = asString(dig(step, kind, 'name'));
      if (!isObject(dig(step, kind)) || name === '') continue;
      if (asArray(dig(step, kind, 'match')).length === 0) there.delete(name);
      else if (pods) there.add(name);
      else withoutPods.push({ index, kind, route: name });
    }
  }
  return { withoutPods, weightsBehindRoutes };
}

/**
 * In: the last setCanaryScale, if any, and the last weight. Out: whether the canary has pods then; where that is not
 * sure, yes.
 */
function hasPods(scale: unknown, weight: number): boolean {
  if (!isObject(scale) || dig(scale, 'matchTrafficWeight') === true) return weight > 0;
  return dig(scale, 'replicas') !== 0 && dig(scale, 'weight') !== 0;
}

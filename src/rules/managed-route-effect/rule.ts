import { gatewayConfig, managedGatewayRoutes } from '../../world/gateway.ts';
import { countRoutes, routeTitle, SELECTION_PLACES, unmanagedRoutes } from '../../world/istio.ts';
import type { KindId, KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { asArray, dig, isObject, asObject, optionalNumber, asString } from '../../world/read.ts';
import {
  istioOf,
  managedRouteNames,
  countedSteps,
  stepsOf,
  trafficRoutingOf,
  virtualServiceEntries,
} from '../../world/rollout.ts';
import { mayBeKnownGatewayPlugin } from '../../world/rollouts-versions.ts';
import { routersOf } from '../../world/routers.ts';
import { defineRule, type RuleContext } from '../define.ts';

const STEPS: Path = ['spec', 'strategy', 'canary', 'steps'];
const HEADER_KINDS: readonly KindId[] = ['HTTPRoute.gateway.networking.k8s.io', 'GRPCRoute.gateway.networking.k8s.io'];
const KINDS = ['setHeaderRoute', 'setMirrorRoute'] as const;

const messages = {
  noPods: {
    class: 'advice',
    text: 'step {number} sets route "{route}" while the canary has no pods, so the Rollouts controller removes it at once',
    fix: 'put a setCanaryScale with replicas, or a setWeight above 0, before it',
  },
  plugin: {
    class: 'advice',
    text: 'setHeaderRoute in step {number} has no effect, because no HTTPRoute or GRPCRoute of the Rollout has useHeaderRoutes',
    fix: 'add the route to httpRoutes or grpcRoutes of the Gateway API plugin, with useHeaderRoutes: true',
  },
  mirror: {
    class: 'advice',
    text: 'setMirrorRoute in step {number} has no effect, because the Gateway API plugin 0.15.0 ignores it',
    fix: 'remove the step, or mirror requests with a filter of the route',
  },
  weightless: {
    class: 'advice',
    text: 'the weight of step {number} has no effect on {route} of VirtualService "{name}" while managed route "{managed}" exists',
    fix: 'add "{only}" to routes of this VirtualService in the Rollout',
  },
} as const;

export const managedRouteEffect = defineRule({
  id: 'managed-route-effect',
  summary: 'A header or mirror route is set while the canary has pods, and does not block later weights.',
  explanation:
    'While the canary has no pods, the controller removes all managed routes. A header route that the first step ' +
    'sets, before any weight or scale, is removed a moment later. No later step restores it. A managed route can ' +
    'also block weights. This happens if the only other http route of a VirtualService has a name and the Rollout ' +
    'names no route. The controller then finds no route for the weights: the status says 20 %, but the route says ' +
    '0. The Gateway API plugin skips header steps unless a route has useHeaderRoutes; a route selected by label ' +
    'never has it. It does nothing with mirror steps. The controller rejects none of this, and the update succeeds untested. Seen on the controller of ' +
    'Argo Rollouts v1.9.1 (docs/upstream-facts.md, claims C3, B1 and, with plugin v0.15.0, C4); source: ' +
    'rollout/trafficrouting.go (reconcileTrafficRouting), rollout/trafficrouting/istio ' +
    '(getHttpRouteIndexesToPatch).',
  subject: { 'Rollout.argoproj.io': ['spec.strategy.canary.steps', 'spec.strategy.canary.trafficRouting'] },
  reads: { 'VirtualService.networking.istio.io': SELECTION_PLACES },
  messages,
  check(context, rollout) {
    const walk = walkSteps(countedSteps(rollout, context));
    for (const { index, kind, route } of walk.withoutPods) {
      context.report('noPods', {
        path: [...STEPS, index, kind],
        anchor: `${kind} ${route}`,
        data: { number: index + 1, route },
      });
    }
    checkPluginSteps(context, rollout);
    const [lost] = walk.weightsBehindRoutes;
    if (lost === undefined || istioOf(rollout) === undefined) return;
    const managed = managedRouteNames(rollout);
    for (const entry of virtualServiceEntries(rollout, context)) {
      if (entry.name === '' || entry.routes.length > 0) continue;
      const virtualService = context.find('VirtualService.networking.istio.io', entry.namespace, entry.name);
      if (virtualService === undefined) continue;
      countRoutes(virtualService, context);
      const routes = unmanagedRoutes(virtualService, managed);
      if (routes.count !== 1) continue;
      const [only] = routes.firstOfEach();
      if (only === undefined || only.name === '') continue;
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

function checkPluginSteps(context: RuleContext<typeof messages>, rollout: KubeObject): void {
  const step = stepsOf(rollout).findIndex((each) => asArray(dig(each, 'setHeaderRoute', 'match')).length > 0);
  if (step >= 0 && istioOf(rollout) === undefined && writesNoHeaderRules(rollout)) {
    context.report('plugin', {
      path: [...STEPS, step, 'setHeaderRoute'],
      anchor: 'setHeaderRoute',
      data: { number: step + 1 },
    });
  }
  const mirror = stepsOf(rollout).findIndex((each) => asArray(dig(each, 'setMirrorRoute', 'match')).length > 0);
  if (mirror >= 0 && hasOnlyGatewayPlugin(rollout) && mayBeKnownGatewayPlugin(context.versions)) {
    context.report('mirror', {
      path: [...STEPS, mirror, 'setMirrorRoute'],
      anchor: 'setMirrorRoute',
      data: { number: mirror + 1 },
      versions: { since: 'mirrorRouteWithPlugins' },
    });
  }
}

/** Returns whether the Gateway API plugin is the only router, and has routes of which none accepts header rules. */
function writesNoHeaderRules(rollout: KubeObject): boolean {
  const routes = managedGatewayRoutes(rollout);
  return (
    hasOnlyGatewayPlugin(rollout) &&
    routes.length > 0 &&
    !routes.some(({ kind, useHeaderRoutes }) => useHeaderRoutes && HEADER_KINDS.includes(kind))
  );
}

function hasOnlyGatewayPlugin(rollout: KubeObject): boolean {
  const plugins = Object.keys(asObject(trafficRoutingOf(rollout)?.['plugins']));
  return routersOf(rollout).size === 1 && plugins.length === 1 && gatewayConfig(rollout) !== undefined;
}

interface Walk {
  /** Steps that set a route while the canary has no pods. */
  readonly withoutPods: readonly {
    readonly index: number;
    readonly kind: (typeof KINDS)[number];
    readonly route: string;
  }[];
  /** Steps that set a weight while a managed route exists, with one such route. */
  readonly weightsBehindRoutes: readonly { readonly index: number; readonly route: string }[];
}

/** Goes through canary steps in order, starting at weight 0 without pods, and tracks managed routes and weights. */
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
 * Returns whether the canary has pods; true where that is uncertain.
 *
 * @param scale - the last setCanaryScale, if any
 * @param weight - the last weight, in percent
 */
function hasPods(scale: unknown, weight: number): boolean {
  if (!isObject(scale) || dig(scale, 'matchTrafficWeight') === true) return weight > 0;
  return dig(scale, 'replicas') !== 0 && dig(scale, 'weight') !== 0;
}

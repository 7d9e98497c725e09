import {
  BACKEND_REF_PLACES,
  canaryOnlyRulesOf,
  GATEWAY_ROUTE_PLACES,
  managedGatewayRoutes,
  weightedBackendsOf,
  type GatewayRouteRef,
} from '../../world/gateway.ts';
import type { Counting } from '../../world/memo.ts';
import { keyFor, type KindId, type KubeObject, type ObjectKey } from '../../world/object.ts';
import { inEach } from '../../world/place.ts';
import { asArray, dig, asString } from '../../world/read.ts';
import { canaryOf, countedSteps, MANAGED_ROUTE_PLACES, managedRouteNames } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

/** The kinds that the plugin writes header rules into, and the field in which a Rollout lists them. */
const LISTS: Readonly<Partial<Record<KindId, string>>> = {
  'HTTPRoute.gateway.networking.k8s.io': 'httpRoutes',
  'GRPCRoute.gateway.networking.k8s.io': 'grpcRoutes',
};

export const routeCanaryOnlyRule = defineRule({
  id: 'route-canary-only-rule',
  summary:
    'A Gateway API route that the plugin adds header rules to has no other rule that sends only to the canary Service.',
  explanation:
    'The Gateway API plugin recognizes its own header rules by one thing: their only backend is the canary ' +
    'Service. In an HTTPRoute or GRPCRoute with useHeaderRoutes it deletes every such rule, even one written by ' +
    'hand. It does so when a Rollout is created, promoted, aborted or has no canary pods, whether or not a step ' +
    'sets a header route. Traffic that matched the rule then goes to the remaining rules. A route named in ' +
    'httpRoute or grpcRoute always takes header rules. A route found by label never does, and keeps such a rule. ' +
    'The controller accepts all this; Rollgate rejects it because the rule is lost. A rule that matches only on ' +
    'headers may belong to the plugin, so it is only advice. It is not reported if a step sets these headers. ' +
    'Seen on plugin v0.15.0 (docs/upstream-facts.md, claim C1); source: pkg/plugin (removeHTTPManagedRoutes, ' +
    'removeGRPCManagedRoutes) and Argo Rollouts v1.9.1, rollout/trafficrouting.go (reconcileTrafficRouting).',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.canary.canaryService',
      'spec.strategy.canary.steps[*].setHeaderRoute',
      ...MANAGED_ROUTE_PLACES,
      ...GATEWAY_ROUTE_PLACES,
    ],
  },
  reads: inEach(
    ['HTTPRoute.gateway.networking.k8s.io', 'GRPCRoute.gateway.networking.k8s.io'],
    [...BACKEND_REF_PLACES, 'spec.rules[*].name', 'spec.rules[*].matches'],
  ),
  stricterThanUpstream: {
    deleted: {
      why: 'The validation does not read the routes of the Gateway API. The plugin deletes the rule, because it looks like one of its own (docs/upstream-facts.md, C1).',
      seenBy: ['agreement', 'e2e'],
    },
  },
  example: {
    fixture: 'bad-preview-path.yaml',
    referenced: 'HTTPRoute reviews',
    before: [[/name: reviews-canary/, 'name: reviews']],
  },
  messages: {
    deleted: {
      class: 'invalid',
      text: '{kind} "{name}" has a rule that sends only to canary Service "{service}", and the Gateway API plugin deletes such rules',
      fix: 'move it to another {kind} that the Rollout does not name{or}',
    },
    onHeaders: {
      class: 'advice',
      text: '{kind} "{name}" has a rule that sends only to canary Service "{service}", and the Gateway API plugin deletes such rules',
      fix: 'if you wrote it, use a setHeaderRoute step, or move it to another {kind} that the Rollout does not name',
    },
  },
  check(context, rollout) {
    const canary = asString(canaryOf(rollout)?.['canaryService']);
    if (canary === '') return;
    const managed = managedRouteNames(rollout);
    const headers = headersOfSteps(rollout, context);
    const byFirst = Map.groupBy(headers, ([first = '']) => first);
    for (const { kind, namespace, name, path: from } of takingHeaderRules(rollout)) {
      const route = context.find(kind, namespace, name);
      // If the canary is in no other rule, route-backends reports that.
      if (route === undefined || weightedBackendsOf(route, canary, canary, managed).length === 0) continue;
      for (const { rule, path } of canaryOnlyRulesOf(route, canary, managed)) {
        const matches = asArray(dig(rule, 'matches')).map(headersIn);
        const isOnHeaders = matches.length > 0 && matches.every((names) => names.size > 0);
        if (
          isOnHeaders &&
          candidatesFor(matches, byFirst).some((wanted) =>
            matches.every((names) => wanted.every((header) => names.has(header))),
          )
        )
          continue;
        const where = {
          object: route,
          path,
          anchor: asString(dig(rule, 'name')),
          related: [{ object: rollout, path: from }],
        };
        const data = { kind: route.kind, name, service: canary };
        if (isOnHeaders) context.report('onHeaders', { ...where, data });
        else
          context.report('deleted', {
            ...where,
            data: {
              ...data,
              or: headers.length > 0 ? '' : `, or list this one in ${LISTS[kind] ?? ''} without useHeaderRoutes`,
            },
          });
      }
    }
  },
});

/** Returns the routes that a Rollout names and that the plugin writes header rules into, without repetition. */
function takingHeaderRules(rollout: KubeObject): readonly (GatewayRouteRef & { readonly name: string })[] {
  const found = new Map<ObjectKey, GatewayRouteRef & { readonly name: string }>();
  for (const ref of managedGatewayRoutes(rollout)) {
    const { kind, namespace, name } = ref;
    if (ref.useHeaderRoutes && name !== undefined && Object.hasOwn(LISTS, kind))
      found.set(keyFor(kind, namespace, name), { ...ref, name });
  }
  return [...found.values()];
}

/** Returns the names of the headers that each setHeaderRoute step matches on. */
function headersOfSteps(rollout: KubeObject, counting: Counting): readonly (readonly string[])[] {
  return countedSteps(rollout, counting)
    .map((step) => asArray(dig(step, 'setHeaderRoute', 'match')).map((match) => asString(dig(match, 'headerName'))))
    .filter((names) => names.length > 0);
}

function headersIn(match: unknown): ReadonlySet<string> {
  return new Set(asArray(dig(match, 'headers')).map((header) => asString(dig(header, 'name'))));
}

/** Returns the headers of the steps of which the first is in the first match: no others can be in all matches. */
function candidatesFor(
  [first]: readonly ReadonlySet<string>[],
  byFirst: ReadonlyMap<string, readonly (readonly string[])[]>,
): readonly (readonly string[])[] {
  return [...(first ?? [])].flatMap((header) => byFirst.get(header) ?? []);
}

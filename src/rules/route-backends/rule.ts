import {
  BACKEND_REF_PLACES,
  backendsNamed,
  findManagedRoutes,
  GATEWAY_ROUTE_PLACES,
  ROUTE_KINDS,
  SELECTED_ROUTE_PLACES,
  weightedBackendsOf,
} from '../../world/gateway.ts';
import { inEach } from '../../world/place.ts';
import { canaryOf, MANAGED_ROUTE_PLACES, managedRouteNames } from '../../world/rollout.ts';
import { asString } from '../../world/read.ts';
import { defineRule } from '../define.ts';

export const routeBackends = defineRule({
  id: 'route-backends',
  summary: 'A Gateway API route that a Rollout controls sends to both its stable and its canary Service.',
  explanation:
    'The plugin sets weights on the backendRefs named after the stable and the canary Service, in every rule and ' +
    'whatever their namespace. It fails at the first setWeight if either is missing. In HTTPRoutes and GRPCRoutes ' +
    'it skips the rules that it takes for its own header rules. These are rules named after a managed route, and ' +
    'rules whose only backend is the canary Service. If both Services are there but never in the same rule, the ' +
    'weights have no effect. Source: Gateway API plugin v0.15.0, pkg/plugin (setHTTPRouteWeight, ' +
    'setGRPCRouteWeight, setTCPRouteWeight, setTLSRouteWeight).',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.canary.stableService',
      'spec.strategy.canary.canaryService',
      ...MANAGED_ROUTE_PLACES,
      ...GATEWAY_ROUTE_PLACES,
    ],
  },
  reads: inEach(ROUTE_KINDS, [...SELECTED_ROUTE_PLACES, ...BACKEND_REF_PLACES, 'spec.rules[*].name']),
  stricterThanUpstream: {
    lacking: {
      why: 'The validation does not read the routes of the Gateway API. The plugin rejects every weight for a route that lacks one of the two Services.',
      seenBy: ['agreement', 'e2e'],
    },
    passedOver: {
      why: 'The validation does not read the routes of the Gateway API. The plugin takes a rule with only the canary for a header rule of its own, and skips it.',
      seenBy: ['agreement', 'e2e'],
    },
  },
  example: {
    fixture: 'bad-no-canary-backend.yaml',
    referenced: 'HTTPRoute reviews',
    before: [
      [
        '- name: reviews\n          port: 80',
        '- name: reviews\n          port: 80\n        - name: reviews-canary\n          port: 80',
      ],
    ],
  },
  messages: {
    lacking: {
      class: 'invalid',
      text: '{kind} "{name}" does not send to {role} Service "{service}"',
      fix: 'put the stable and the canary Service into the backendRefs of one rule',
    },
    passedOver: {
      class: 'invalid',
      text: '{kind} "{name}" sends to {role} Service "{service}" only in a rule that the Gateway API plugin takes for its own header rule',
      fix: 'put both Services into one rule that is not named after a managed route',
    },
    apart: {
      class: 'advice',
      text: '{kind} "{name}" sends to Services "{stable}" and "{canary}" in different rules, so their weights have no effect',
      fix: 'put both into the backendRefs of one rule',
    },
  },
  check(context, rollout) {
    const stable = asString(canaryOf(rollout)?.['stableService']);
    const canary = asString(canaryOf(rollout)?.['canaryService']);
    if (stable === '' || canary === '') return;
    for (const { route, path: from } of findManagedRoutes(rollout, context)) {
      const rulesOf = (service: string): number[] =>
        weightedBackendsOf(route, service, canary, managedRouteNames(rollout)).map(({ rule }) => rule);
      const where = { object: route, path: ['spec', 'rules'], related: [{ object: rollout, path: from }] };
      const data = { kind: route.kind, name: route.metadata.name };
      const missing = [
        { role: 'stable', service: stable },
        { role: 'canary', service: canary },
      ].filter(({ service }) => rulesOf(service).length === 0);
      for (const { role, service } of missing) {
        context.report(backendsNamed(route, new Set([service])).length > 0 ? 'passedOver' : 'lacking', {
          ...where,
          anchor: service,
          data: { ...data, role, service },
        });
      }
      const withStable = new Set(rulesOf(stable));
      if (missing.length === 0 && !rulesOf(canary).some((rule) => withStable.has(rule))) {
        context.report('apart', { ...where, anchor: canary, data: { ...data, stable, canary } });
      }
    }
  },
});

import type { KubeObject } from '../../world/object.ts';
import { renderPath, type Path } from '../../world/path.ts';
import { asArray, dig, isObject, optionalNumber, asString } from '../../world/read.ts';
import { canaryOf, trafficRoutingOf, virtualServiceEntries } from '../../world/rollout.ts';
import { ROUTERS, routerConfig, routersOf } from '../../world/routers.ts';
import { defineRule, type RuleContext } from '../define.ts';

const FORMS = [
  { router: 'istio', kind: 'VirtualService', single: 'virtualService', plural: 'virtualServices' },
  { router: 'nginx', kind: 'Ingress', single: 'stableIngress', plural: 'stableIngresses' },
  { router: 'alb', kind: 'Ingress', single: 'ingress', plural: 'ingresses' },
] as const;

const CANARY_PATH = ['spec', 'strategy', 'canary'];
const ROUTING_PATH = [...CANARY_PATH, 'trafficRouting'];

const messages = {
  needsRouter: {
    class: 'invalid',
    text: 'spec.strategy.canary.{field} works only with trafficRouting, and there is none',
    fix: 'remove it, or add trafficRouting',
  },
  delayAndDynamic: {
    class: 'invalid',
    text: 'dynamicStableScale and scaleDownDelaySeconds exclude each other',
    fix: 'keep one of them',
  },
  maxWeight: {
    class: 'invalid',
    text: 'maxTrafficWeight works only with NGINX and router plugins',
    fix: 'remove it and give weights out of 100',
  },
  both: {
    class: 'invalid',
    text: 'trafficRouting.{router} has both {single} and {plural}',
    fix: 'keep {single} for one {kind}, or {plural} for several',
  },
  neither: {
    class: 'invalid',
    text: 'trafficRouting.{router} has neither {single} nor {plural}',
    fix: 'name the {kind} in {single}, or several in {plural}',
  },
  unnamed: {
    class: 'invalid',
    text: '{router} is given nothing to drive, trafficRouting.{field} is not set',
    fix: 'name there what carries the traffic',
  },
  idle: {
    class: 'advice',
    text: 'trafficRouting has no router in it, so the steps pass and no weight is ever set',
    fix: 'say which router drives what, or remove it; without trafficRouting weights are kept by the number of pods',
  },
} as const;

export const rolloutTrafficRouting = defineRule({
  id: 'rollout-traffic-routing',
  summary: 'A traffic router says what it drives, in one form, and options that need a router have one.',
  explanation:
    'A router that names nothing to drive, or names it in the single and in the plural form at once, makes the controller stop at every reconciliation; so do options that need a router without one. An empty list counts as not there. trafficRouting without any router ' +
    'is accepted: steps pass and no weight is ever set. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutStrategyCanary, ValidateRolloutNginxIngressesConfig, ' +
    'ValidateRolloutAlbIngressesConfig, ValidateRolloutVirtualServicesConfig), rollout/controller.go (getAmbassadorMappings, getReferencedAppMeshResources) and rollout/trafficrouting.go.',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  stricterThanUpstream: {
    unnamed: {
      why: 'For Traefik and APISIX, and in the lists of NGINX and ALB, the validation does not check that the object has a name. For App Mesh, Ambassador and Istio it does not always. The router fails at the first weight.',
      seenBy: ['agreement'],
      refusal: /nothing is named|must provide (virtual-service|at least one mapping)/,
    },
  },
  messages,
  check(context, rollout) {
    const canary = canaryOf(rollout);
    if (canary === undefined) return;
    const options = {
      scaleDownDelaySeconds: optionalNumber(canary['scaleDownDelaySeconds']) !== undefined,
      dynamicStableScale: canary['dynamicStableScale'] === true,
    };
    const routing = trafficRoutingOf(rollout);
    if (routing === undefined) {
      for (const [field, set] of Object.entries(options))
        if (set) context.report('needsRouter', { path: [...CANARY_PATH, field], anchor: field, data: { field } });
      return;
    }
    if (options.scaleDownDelaySeconds && options.dynamicStableScale) {
      context.report('delayAndDynamic', {
        path: [...CANARY_PATH, 'dynamicStableScale'],
        anchor: 'dynamicStableScale',
        data: {},
      });
    }
    const routers = routersOf(rollout);
    if (optionalNumber(routing['maxTrafficWeight']) !== undefined && !routers.has('nginx') && !routers.has('plugins')) {
      context.report('maxWeight', {
        path: [...ROUTING_PATH, 'maxTrafficWeight'],
        anchor: 'maxTrafficWeight',
        data: {},
      });
    }
    if (routers.size === 0) context.report('idle', { path: ROUTING_PATH, anchor: 'trafficRouting', data: {} });
    judgeForms(context, rollout);
    for (const { router, path } of unnamed(rollout)) {
      context.report('unnamed', {
        path: [...ROUTING_PATH, ...path],
        anchor: router,
        data: { router: ROUTERS[router], field: renderPath(path) },
      });
    }
  },
});

function judgeForms(context: RuleContext<typeof messages>, rollout: KubeObject): void {
  for (const { router, kind, single, plural } of FORMS) {
    const config = routerConfig(rollout, router);
    if (config === undefined) continue;
    const path = [...ROUTING_PATH, router];
    const one = isObject(config[single]) || asString(config[single]) !== '';
    // The controller reads a Rollout by way of its own types, which leave an empty list out: it is no form.
    const many = asArray(config[plural]).length > 0;
    if (one === many)
      context.report(one ? 'both' : 'neither', { path, anchor: router, data: { router, kind, single, plural } });
  }
}

const LISTS = [
  { router: 'ambassador', field: 'mappings' },
  { router: 'nginx', field: 'stableIngresses' },
  { router: 'alb', field: 'ingresses' },
] as const;

interface Unnamed {
  readonly router: keyof typeof ROUTERS;
  /** What is not set, in `trafficRouting`. */
  readonly path: Path;
}

function unnamed(rollout: KubeObject): Unnamed[] {
  const lacks = (router: keyof typeof ROUTERS, ...keys: string[]): Unnamed[] => {
    const config = routerConfig(rollout, router);
    return config !== undefined && asString(dig(config, ...keys)) === '' ? [{ router, path: [router, ...keys] }] : [];
  };
  const ambassador = routerConfig(rollout, 'ambassador');
  return [
    ...lacks('appMesh', 'virtualService', 'name'),
    ...lacks('traefik', 'weightedTraefikServiceName'),
    ...lacks('apisix', 'route', 'name'),
    ...(ambassador !== undefined && asArray(ambassador['mappings']).length === 0
      ? [{ router: 'ambassador', path: ['ambassador', 'mappings'] } as const]
      : []),
    ...LISTS.flatMap(({ router, field }) =>
      asArray(routerConfig(rollout, router)?.[field]).flatMap((name, index): Unnamed[] =>
        asString(name) === '' ? [{ router, path: [router, field, index] }] : [],
      ),
    ),
    ...virtualServiceEntries(rollout).flatMap(({ name, path }): Unnamed[] =>
      name === '' ? [{ router: 'istio', path: [...path.slice(4), 'name'] }] : [],
    ),
  ];
}

import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { isOwnedBy, OWNER_PLACES } from '../../world/owners.ts';
import { GATEWAY_PLUGIN } from '../../world/gateway.ts';
import { renderPath, type Path } from '../../world/path.ts';
import {
  asArray,
  asObject,
  asString,
  dig,
  int32,
  isObject,
  optionalNumber,
  optionalString,
  renderInt32,
  type JsonObject,
} from '../../world/read.ts';
import { canaryOf, isBeingDeleted, stepsOf, trafficRoutingOf, virtualServiceReadings } from '../../world/rollout.ts';
import { isKnownGatewayPlugin, type OfVersions } from '../../world/rollouts-versions.ts';
import { ROUTERS, routerConfig, routersOf } from '../../world/routers.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { namesNoRoute, undecodable } from './plugin-config.ts';

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
    text: 'spec.strategy.canary.{field} needs trafficRouting, which is not set',
    fix: 'remove it, or add trafficRouting',
  },
  delayAndDynamic: {
    class: 'invalid',
    text: 'dynamicStableScale and scaleDownDelaySeconds cannot be used together',
    fix: 'remove one of them',
  },
  maxWeight: {
    class: 'invalid',
    text: 'maxTrafficWeight works only with NGINX and router plugins',
    fix: 'remove it, and use weights from 0 to 100',
  },
  zeroMaxWeight: {
    class: 'invalid',
    text: 'maxTrafficWeight is {max}, so the Rollouts controller divides by zero at each reconciliation',
    fix: 'remove it, and use weights from 0 to 100',
  },
  negativeMaxWeight: {
    class: 'invalid',
    text: 'maxTrafficWeight is {max}, so no step can set a weight',
    fix: 'remove it, and use weights from 0 to 100',
  },
  pluginMaxWeight: {
    class: 'invalid',
    text: 'maxTrafficWeight is {max}, but the Gateway API plugin up to 0.15 works only with weights from 0 to 100',
    fix: 'remove it, or set controllers.gatewayPluginVersion in the policy if your plugin is newer',
  },
  pluginConfig: {
    class: 'invalid',
    text: 'the Gateway API plugin cannot read {field}: it is {found}, not {wanted}, so no weight can be set',
    fix: 'use {wanted}',
  },
  pluginField: {
    class: 'advice',
    text: 'the Gateway API plugin cannot read {field}: it is {found}, not {wanted}, so only releases that do not know the field can set weights',
    fix: 'use {wanted}',
  },
  pluginRoutes: {
    class: 'invalid',
    text: 'the configuration of the Gateway API plugin names no route, so no weight can be set',
    fix: 'name a route in httpRoutes, grpcRoutes, tcpRoutes or tlsRoutes',
  },
  both: {
    class: 'invalid',
    text: 'trafficRouting.{router} has both {single} and {plural}',
    fix: 'keep {single} for one {kind}, or {plural} for several',
  },
  neither: {
    class: 'invalid',
    text: 'trafficRouting.{router} has neither {single} nor {plural}',
    fix: 'name one {kind} in {single}, or several in {plural}',
  },
  unnamed: {
    class: 'invalid',
    text: 'trafficRouting.{field} is not set, but {router} needs it',
    fix: 'name {what} there',
  },
  stickiness: {
    class: 'invalid',
    text: 'trafficRouting.alb.stickinessConfig sets durationSeconds {seconds}, so the controller can set no weight',
    fix: 'use 1 to 604800, which are 7 days',
  },
  split: {
    class: 'advice',
    text: 'TrafficSplit "{name}" already exists and does not belong to Rollout "{rollout}", so the Rollouts controller cannot set weights with it',
    fix: 'delete it, and the controller creates its own, or set another name in trafficRouting.smi.trafficSplitName',
  },
  idle: {
    class: 'advice',
    text: 'trafficRouting has no router, so the steps pass but no weight is ever set',
    fix: 'add a router, or remove trafficRouting to approximate weights by the number of pods',
  },
} as const;

export const rolloutTrafficRouting = defineRule({
  id: 'rollout-traffic-routing',
  summary: 'A traffic router names what it controls in exactly one form, and options that need a router have one.',
  explanation:
    'A router must name what it controls, in either the singular or the plural form. If it names nothing, or uses ' +
    'both forms, the controller stops at every reconciliation. The same happens if an option needs a router and ' +
    'there is none. An empty list counts as not set. trafficRouting without any router is accepted: steps pass, ' +
    'but no weight is ever set. maxTrafficWeight is the weight of all traffic, and the controller divides by it. ' +
    'The TrafficSplit of SMI is created by the controller. It cannot set weights with one that belongs to something else; this is only advice, because the first pods start anyway. ' +
    'The Gateway API plugin reads its configuration each time that it sets a weight, and fails if a value has another type or no route is named. ' +
    'Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation ' +
    '(ValidateRolloutStrategyCanary, ValidateRolloutNginxIngressesConfig, ValidateRolloutAlbIngressesConfig, ' +
    'ValidateRolloutVirtualServicesConfig), rollout/controller.go (getAmbassadorMappings, ' +
    'getReferencedAppMeshResources) and rollout/trafficrouting.go and rollout/trafficrouting/alb (getForwardActionString) and rollout/trafficrouting/smi (SetWeight); Gateway API plugin v0.15.0, pkg/plugin (SetWeight, getGatewayAPITrafficRoutingConfig).',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.canary.dynamicStableScale',
      'spec.strategy.canary.scaleDownDelaySeconds',
      'spec.strategy.canary.steps',
      'spec.strategy.canary.trafficRouting',
    ],
  },
  reads: { 'TrafficSplit.split.smi-spec.io': [...OWNER_PLACES, 'metadata.deletionTimestamp'] },
  stricterThanUpstream: {
    pluginMaxWeight: {
      why: 'The validation does not know what a plugin does. The Gateway API plugin v0.15.0 sets a weight below 0 when the canary gets more than 100, at the latest at the end of the update. The API server rejects it, and the update stands still.',
      seenBy: ['agreement', 'e2e'],
    },
    pluginConfig: {
      why: 'The validation does not know what a plugin reads. Every release of the Gateway API plugin up to v0.15.0 fails to decode it at each weight, and the update stands still.',
      seenBy: ['agreement'],
    },
    pluginRoutes: {
      why: 'The validation does not know what a plugin needs. Every release of the Gateway API plugin up to v0.15.0 rejects every weight if no route is named, and the update stands still.',
      seenBy: ['agreement'],
    },
    zeroMaxWeight: {
      why: 'The validation compares only the weights of steps with it, and accepts it without such steps or with weights of 0. The controller divides by it as soon as there is a stable ReplicaSet, panics at each attempt, and the Rollout is stuck.',
      seenBy: ['agreement'],
      refusal: /SetWeight needs to be between 0 and 0/,
    },
    unnamed: {
      why: 'For Traefik and APISIX, and in the lists of NGINX and ALB, the validation does not check that the object has a name. For App Mesh, Ambassador and Istio it does not always. The router fails at the first weight; the one of App Mesh panics without virtualNodeGroup.',
      seenBy: ['agreement'],
      refusal: /nothing is named|must provide (virtual-service|at least one mapping)/,
    },
    stickiness: {
      why: 'The validation does not look at the number. The controller does when it writes the action of the Ingress, fails at each attempt, and the update is stuck.',
      seenBy: ['agreement'],
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
    } else {
      checkMaxWeight(context, rollout, routing);
    }
    checkPluginMaxWeight(context, rollout, routing);
    checkPluginConfig(context, routing);
    if (routers.size === 0) context.report('idle', { path: ROUTING_PATH, anchor: 'trafficRouting', data: {} });
    checkForms(context, rollout);
    checkStickiness(context, rollout);
    checkTrafficSplit(context, rollout);
    for (const { router, path, versions } of unnamed(rollout)) {
      context.report('unnamed', {
        path: [...ROUTING_PATH, ...path],
        // Each field by itself; the place in a list may change.
        anchor: path.filter((key) => typeof key === 'string').join('.'),
        data: { router: ROUTERS[router], field: renderPath(path), what: whatRoutes(path) },
        versions,
      });
    }
  },
});

// A negative total without weights does nothing: the controller multiplies by it again.
function checkMaxWeight(context: RuleContext<typeof messages>, rollout: KubeObject, routing: JsonObject): void {
  const written = routing['maxTrafficWeight'];
  const max = int32(written) ?? 100;
  const data = { max: renderInt32(written, max) };
  const where = { path: [...ROUTING_PATH, 'maxTrafficWeight'], anchor: 'maxTrafficWeight', data };
  if (max === 0) context.report('zeroMaxWeight', where);
  const setsWeight = (step: unknown): boolean => optionalNumber(dig(step, 'setWeight')) !== undefined;
  if (max < 0 && stepsOf(rollout).some(setsWeight)) context.report('negativeMaxWeight', where);
}

// At the end of the steps the canary gets the whole maxTrafficWeight. Without steps no weight is ever set.
function checkPluginMaxWeight(context: RuleContext<typeof messages>, rollout: KubeObject, routing: JsonObject): void {
  const max = optionalNumber(routing['maxTrafficWeight']) ?? 0;
  const isGateway = Object.hasOwn(asObject(routing['plugins']), GATEWAY_PLUGIN);
  if (max <= 100 || !isGateway || stepsOf(rollout).length === 0 || !isKnownGatewayPlugin(context.versions)) return;
  const path = [...ROUTING_PATH, 'maxTrafficWeight'];
  context.report('pluginMaxWeight', { path, anchor: 'pluginMaxWeight', data: { max } });
}

function checkPluginConfig(context: RuleContext<typeof messages>, routing: JsonObject): void {
  if (!isKnownGatewayPlugin(context.versions)) return;
  const config = asObject(routing['plugins'])[GATEWAY_PLUGIN];
  const base = [...ROUTING_PATH, 'plugins', GATEWAY_PLUGIN];
  for (const { path, found, wanted, isCertain } of undecodable(config)) {
    const field = path.length === 0 ? 'its configuration' : renderPath(path);
    // The fields by their names; the place in a list may change.
    const anchor = ['plugins', ...path.filter((key) => typeof key === 'string')].join('.');
    const data = { field, found, wanted };
    context.report(isCertain ? 'pluginConfig' : 'pluginField', { path: [...base, ...path], anchor, data });
  }
  if (namesNoRoute(config)) context.report('pluginRoutes', { path: base, anchor: 'pluginRoutes', data: {} });
}

// What AWS allows, and the controller checks each time that it writes the action.
const MAX_STICKY_SECONDS = 604_800;

function checkStickiness(context: RuleContext<typeof messages>, rollout: KubeObject): void {
  const sticky = dig(routerConfig(rollout, 'alb'), 'stickinessConfig');
  const seconds = optionalNumber(dig(sticky, 'durationSeconds')) ?? 0;
  if (dig(sticky, 'enabled') !== true || (seconds >= 1 && seconds <= MAX_STICKY_SECONDS)) return;
  const path = [...ROUTING_PATH, 'alb', 'stickinessConfig'];
  context.report('stickiness', { path, anchor: 'stickinessConfig', data: { seconds } });
}

function checkTrafficSplit(context: RuleContext<typeof messages>, rollout: KubeObject): void {
  const smi = routerConfig(rollout, 'smi');
  if (smi === undefined) return;
  const written = optionalString(smi['trafficSplitName']);
  const name = written ?? rollout.metadata.name;
  const split = context.find('TrafficSplit.split.smi-spec.io', namespaceOf(rollout), name);
  if (split === undefined || isBeingDeleted(split) || isOwnedBy(split, rollout)) return;
  context.report('split', {
    path: [...ROUTING_PATH, 'smi', ...(written === undefined ? [] : ['trafficSplitName'])],
    anchor: name,
    data: { name, rollout: rollout.metadata.name },
    related: [{ object: split, path: ['metadata', 'name'] }],
  });
}

function checkForms(context: RuleContext<typeof messages>, rollout: KubeObject): void {
  for (const { router, kind, single, plural } of FORMS) {
    const config = routerConfig(rollout, router);
    if (config === undefined) continue;
    const path = [...ROUTING_PATH, router];
    const one = isObject(config[single]) || asString(config[single]) !== '';
    // The Go types of the controller drop an empty list, so it does not count as a form.
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
  /** The field that is not set, relative to `trafficRouting`. */
  readonly path: Path;
  readonly versions?: OfVersions | undefined;
}

function unnamed(rollout: KubeObject): Unnamed[] {
  const lacks = (router: keyof typeof ROUTERS, ...keys: string[]): Unnamed[] => {
    const config = routerConfig(rollout, router);
    return config !== undefined && asString(dig(config, ...keys)) === '' ? [{ router, path: [router, ...keys] }] : [];
  };
  const [ambassador, appMesh] = [routerConfig(rollout, 'ambassador'), routerConfig(rollout, 'appMesh')];
  return [
    ...lacks('appMesh', 'virtualService', 'name'),
    ...(appMesh !== undefined && !isObject(appMesh['virtualNodeGroup'])
      ? [{ router: 'appMesh', path: ['appMesh', 'virtualNodeGroup'] } as const]
      : ['stableVirtualNodeRef', 'canaryVirtualNodeRef'].flatMap((ref) =>
          lacks('appMesh', 'virtualNodeGroup', ref, 'name'),
        )),
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
    ...unnamedVirtualServices(rollout),
  ];
}

function whatRoutes(path: Path): string {
  return path[1] === 'virtualNodeGroup'
    ? 'the VirtualNodes of the stable and the canary pods'
    : 'the object that routes the traffic';
}

function unnamedVirtualServices(rollout: KubeObject): Unnamed[] {
  const byEntry = Map.groupBy(virtualServiceReadings(rollout), ({ path }) => path);
  return [...byEntry].flatMap(([path, readings]): Unnamed[] => {
    const nameless = readings.filter(({ name }) => name === '');
    const [first] = nameless;
    if (first === undefined) return [];
    // Some versions find a name in it.
    const versions = nameless.length < readings.length ? first.versions : undefined;
    return [{ router: 'istio', path: [...path.slice(4), 'name'], versions }];
  });
}

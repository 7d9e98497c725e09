import {
  BACKEND_REF_PLACES,
  drivesRoute,
  gatewayConfig,
  GATEWAY_PLUGIN,
  managedGatewayRoutes,
  ROUTE_KINDS,
  SELECTED_ROUTE_PLACES,
} from '../../world/gateway.ts';
import { managedIngresses } from '../../world/ingress.ts';
import { drivenRoutes, ROUTE_PLACES, routeTitle } from '../../world/istio.ts';
import { memo } from '../../world/memo.ts';
import { keyFor, keyOf, kindOf, namespaceOf, type KindId, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { inEach } from '../../world/place.ts';
import { dig, optionalNumber, optionalString, stringMap } from '../../world/read.ts';
import { REFERENCE_PLACES } from '../../world/reference-places.ts';
import {
  countedSteps,
  effectiveTemplate,
  effectiveTemplatePlaces,
  managedRouteNames,
  STABLE_AND_CANARY_PLACES,
  stableAndCanaryServices,
  trafficRoutingOf,
  virtualServiceEntries,
  virtualServiceReadings,
  workloadPlaces,
} from '../../world/rollout.ts';
import { routersOf } from '../../world/routers.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { actionBetween, routesBetween, ruleBetween, selectsAll, type Pair } from './splits.ts';

const ISTIO = 'VirtualService.networking.istio.io';
const INGRESS = 'Ingress.networking.k8s.io';
const SENDERS: readonly KindId[] = [ISTIO, ...ROUTE_KINDS, INGRESS];
const STABLE = ['spec', 'strategy', 'canary', 'stableService'];
const NGINX = 'nginx.ingress.kubernetes.io';
const CLASS = 'kubernetes.io/ingress.class';

// More of them would only repeat the message.
const MAX_OBJECTS = 10;

const messages = {
  noRouter: {
    class: 'advice',
    text: '{kind} "{name}" splits traffic between Services "{stable}" and "{canary}", but Rollout "{rollout}" has no trafficRouting, so its weights never change',
    fix: 'name the {kind} in {field} of the Rollout',
  },
  notListed: {
    class: 'advice',
    text: '{part} of {kind} "{name}" splits traffic between Services "{stable}" and "{canary}", but Rollout "{rollout}" does not list it, so its weights never change',
    fix: 'add {entry} to {field} of the Rollout',
  },
  ingressShare: {
    class: 'advice',
    text: 'Ingress "{name}" sends a fixed share of the traffic to canary Service "{canary}", which no step of Rollout "{rollout}" changes',
    fix: 'remove this Ingress, and name the one of the stable Service in trafficRouting.nginx.stableIngress',
  },
  ingressNotListed: {
    class: 'advice',
    text: 'Ingress "{name}" sends to stable Service "{stable}", but Rollout "{rollout}" lists only other Ingresses of nginx, so its requests never reach the canary',
    fix: 'list it in trafficRouting.nginx.stableIngresses too, unless its clients should not get the canary',
  },
  allStable: {
    class: 'advice',
    text: 'Service "{stable}" selects only stable pods, and without trafficRouting nothing sends to the canary, so the weights of the steps move no traffic',
    fix: 'add trafficRouting, or use a Service that selects all pods and is not named in the Rollout',
  },
} as const;

export const routeUnmanaged = defineRule({
  id: 'route-unmanaged',
  lintOnly: true,
  summary: 'A Rollout controls every route that splits traffic between its stable and its canary Service.',
  explanation:
    'The controller sets weights only in the objects and routes that trafficRouting names. In any other route with ' +
    'the stable and the canary Service, the weights stay as they are written: the steps pass, and the traffic there ' +
    'does not move. An nginx Ingress that the Rollout does not list gets no copy for the canary. Without ' +
    'trafficRouting, the number of pods decides how much traffic the canary gets. This works only for a Service that ' +
    'selects all pods. The controller adds the hash of the stable pods to the selector of stableService, so this ' +
    'Service never sends to the canary, and its pods become fewer with each weight. Rollouts without a setWeight step ' +
    'and Services in other namespaces are not checked, and neither is what another Rollout controls. Seen on the ' +
    'controller of Argo Rollouts v1.9.1 (docs/upstream-facts.md, claim D8). Source: Argo Rollouts v1.9.1, ' +
    'rollout/trafficrouting.go (NewTrafficRoutingReconciler) and rollout/service.go ' +
    '(reconcileStableAndCanaryService).',
  subject: {
    'Rollout.argoproj.io': [
      ...STABLE_AND_CANARY_PLACES,
      'spec.strategy.canary.trafficRouting',
      ...effectiveTemplatePlaces(),
      'spec.strategy.canary.steps[*].setWeight',
    ],
  },
  reads: {
    'Rollout.argoproj.io': REFERENCE_PLACES['Rollout.argoproj.io'],
    Service: ['spec.selector'],
    [ISTIO]: ROUTE_PLACES,
    ...inEach(ROUTE_KINDS, [...SELECTED_ROUTE_PLACES, ...BACKEND_REF_PLACES]),
    [INGRESS]: [...REFERENCE_PLACES[INGRESS], 'metadata.annotations', 'spec.ingressClassName'],
    ...workloadPlaces(),
  },
  messages,
  check(context, rollout) {
    const { stable, canary } = stableAndCanaryServices(rollout, false);
    if (
      stable === '' ||
      !countedSteps(rollout, context).some((step) => (optionalNumber(dig(step, 'setWeight')) ?? 0) > 0)
    )
      return;
    const routing = trafficRoutingOf(rollout);
    // trafficRouting without a router is another mistake, and has its own message.
    if (routing !== undefined && routersOf(rollout).size === 0) return;
    if (canary !== '') {
      checkVirtualServices(context, rollout, { stable, canary });
      checkGatewayRoutes(context, rollout, { stable, canary });
      checkIngresses(context, rollout, canary);
      checkUnlisted(context, rollout, stable);
    }
    const isSplit = canary !== '' && checkActions(context, rollout, { stable, canary });
    if (routing === undefined && !isSplit) checkStable(context, rollout, { stable, canary });
  },
});

type Context = RuleContext<typeof messages>;

function checkVirtualServices(context: Context, rollout: KubeObject, pair: Pair): void {
  const objects = sendersOf(context, rollout, ISTIO, pair.canary);
  if (objects.length === 0) return;
  // A name that is not there, or that some releases read in another way, may mean this one. Another rule says so.
  const readings = virtualServiceReadings(rollout);
  if (readings.some(({ namespace, name }) => context.find(ISTIO, namespace, name) === undefined)) return;
  const driven = new Set(drivenRoutes(rollout, context).map(({ route }) => route));
  const entries = virtualServiceEntries(rollout, context);
  const named = new Set(entries.map(({ namespace, name }) => keyFor(ISTIO, namespace, name)));
  const managed = new Set(managedRouteNames(rollout));
  for (const object of objects) {
    const routes = routesBetween(object, pair, context).filter(
      ({ type, name }) => type !== 'http' || !managed.has(name),
    );
    const fixed = routes.filter((route) => !driven.has(route));
    if (isOfAnother(context, rollout, object)) continue;
    const isNamed = named.has(keyOf(object));
    const [first] = fixed;
    // If the controller sets none of them, the Rollout names the wrong routes, and another rule says so.
    if (first === undefined || (isNamed && fixed.length === routes.length)) continue;
    report(context, rollout, pair, {
      object,
      path: first.path,
      part: `the ${routeTitle(first)}`,
      ...(isNamed ? { entry: `the ${routeTitle(first)}` } : {}),
      field: isNamed ? 'the routes of this VirtualService in trafficRouting.istio' : 'trafficRouting.istio',
    });
  }
}

function checkGatewayRoutes(context: Context, rollout: KubeObject, pair: Pair): void {
  // A configuration without a route is another mistake, and has its own message.
  if (gatewayConfig(rollout) !== undefined && managedGatewayRoutes(rollout).length === 0) return;
  if (namesAbsentRoute(context, rollout)) return;
  for (const kind of ROUTE_KINDS) {
    for (const object of sendersOf(context, rollout, kind, pair.canary)) {
      const rule = drivesRoute(rollout, object) ? undefined : ruleBetween(object, pair);
      if (rule === undefined || isOfAnother(context, rollout, object)) continue;
      report(context, rollout, pair, {
        object,
        path: ['spec', 'rules', rule],
        part: `rule ${rule + 1}`,
        field: `trafficRouting.plugins (${GATEWAY_PLUGIN})`,
      });
    }
  }
}

function namesAbsentRoute(context: Context, rollout: KubeObject): boolean {
  return managedGatewayRoutes(rollout).some(
    ({ kind, namespace, name }) => name !== undefined && context.find(kind, namespace, name) === undefined,
  );
}

/** Reports whether another Rollout names an object. */
function isOfAnother(context: Context, rollout: KubeObject, object: KubeObject): boolean {
  const kind = kindOf(object);
  if (kind === undefined) return false;
  const { name } = object.metadata;
  const [first, second] = context.referrers('Rollout.argoproj.io', kind, namespaceOf(object), name);
  return second !== undefined || (first !== undefined && first !== rollout);
}

interface Split {
  readonly object: KubeObject;
  readonly path: Path;
  /** The part of the object that splits traffic. */
  readonly part: string;
  /** What the Rollout must name, if that is not the whole object. */
  readonly entry?: string;
  /** Where a Rollout names the object or the part. */
  readonly field: string;
}

function report(context: Context, rollout: KubeObject, pair: Pair, { object, path, part, entry, field }: Split): void {
  const location = { object, path, anchor: `${part} ${pair.canary}`, related: [{ object: rollout, path: STABLE }] };
  const data = { kind: object.kind, name: object.metadata.name, rollout: rollout.metadata.name, ...pair, field };
  if (trafficRoutingOf(rollout) === undefined) context.report('noRouter', { ...location, data });
  else
    context.report('notListed', {
      ...location,
      data: { ...data, part, entry: entry ?? `this ${object.kind}` },
    });
}

/** Returns whether an Ingress splits traffic between the two by an action of an ALB, also one that is controlled. */
function checkActions(context: Context, rollout: KubeObject, pair: Pair): boolean {
  const splitting = sendersOf(context, rollout, INGRESS, pair.stable).flatMap((object) => {
    const annotation = actionBetween(object, pair);
    return annotation === undefined ? [] : [{ object, annotation }];
  });
  if (routersOf(rollout).has('alb')) return splitting.length > 0;
  for (const { object, annotation } of splitting) {
    report(context, rollout, pair, {
      object,
      path: ['metadata', 'annotations', annotation],
      part: `annotation "${annotation}"`,
      field: 'trafficRouting.alb',
    });
  }
  return splitting.length > 0;
}

// The controller makes an Ingress for the canary itself, and owns it.
function checkIngresses(context: Context, rollout: KubeObject, canary: string): void {
  if (routersOf(rollout).has('nginx')) return;
  for (const object of sendersOf(context, rollout, INGRESS, canary)) {
    const annotations = stringMap(object.metadata['annotations']);
    if (annotations.get(`${NGINX}/canary`) !== 'true' || !annotations.has(`${NGINX}/canary-weight`)) continue;
    context.report('ingressShare', {
      object,
      path: ['metadata', 'annotations', `${NGINX}/canary-weight`],
      anchor: canary,
      data: { name: object.metadata.name, canary, rollout: rollout.metadata.name },
      related: [{ object: rollout, path: STABLE }],
    });
  }
}

// The controller copies only the listed ones for the canary.
function checkUnlisted(context: Context, rollout: KubeObject, stable: string): void {
  const listed = managedIngresses(rollout).filter(({ router }) => router === 'nginx');
  if (listed.length === 0) return;
  const names = new Set(listed.map(({ name }) => name));
  const ingresses = sendersOf(context, rollout, INGRESS, stable);
  const classes = new Set(ingresses.filter(({ metadata }) => names.has(metadata.name)).map(ingressClass));
  for (const object of ingresses) {
    const { name } = object.metadata;
    // One of another class is for other clients, or in front of nginx. A canary of somebody else has rules of its own.
    if (stringMap(object.metadata['annotations']).get(`${NGINX}/canary`) === 'true') continue;
    if (names.has(name) || !classes.has(ingressClass(object)) || isOfAnother(context, rollout, object)) continue;
    context.report('ingressNotListed', {
      object,
      path: ['spec'],
      anchor: stable,
      data: { name, stable, rollout: rollout.metadata.name },
      related: [{ object: rollout, path: listed[0]?.path ?? STABLE }],
    });
  }
}

function ingressClass(ingress: KubeObject): string {
  const annotations = stringMap(ingress.metadata['annotations']);
  return optionalString(dig(ingress, 'spec', 'ingressClassName')) ?? annotations.get(CLASS) ?? '';
}

function checkStable(context: Context, rollout: KubeObject, { stable, canary }: Pair): void {
  const namespace = namespaceOf(rollout);
  const service = context.find('Service', namespace, stable);
  const template = effectiveTemplate(rollout, context.find);
  if (service === undefined || template === undefined) return;
  // A route that sends to the canary decides itself how much traffic it gets.
  if (canary !== '' && SENDERS.some((kind) => context.referrers(kind, 'Service', namespace, canary).length > 0)) return;
  if (selectsAll(context, namespace, template.labels, new Set([stable, canary]))) return;
  context.report('allStable', {
    path: STABLE,
    anchor: stable,
    data: { stable },
    related: [{ object: service, path: ['spec', 'selector'] }],
  });
}

/** Returns the objects of a kind in the namespace of the Rollout that send to a Service, the first ten by name. */
function sendersOf(context: Context, rollout: KubeObject, kind: KindId, service: string): readonly KubeObject[] {
  const namespace = namespaceOf(rollout);
  return firstByName(context.referrers(kind, 'Service', namespace, service)).filter(
    (object) => namespaceOf(object) === namespace,
  );
}

const firstByName = memo((objects: readonly KubeObject[]): readonly KubeObject[] =>
  objects.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)).slice(0, MAX_OBJECTS),
);

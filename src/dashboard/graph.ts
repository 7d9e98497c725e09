import type { ReportedFinding } from '../report/model.ts';
import type { SourceObject } from '../world/manifests.ts';
import { keyOf, kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { asArray, asObject, asString, dig, optionalString, stringMap } from '../world/read.ts';
import type { Reference, Role } from '../world/reference-list.ts';
import { references, SERVICE_ROLES } from '../world/references.ts';
import {
  blueGreenOf,
  destinationRuleOf,
  effectiveTemplate,
  istioOf,
  stableAndCanaryServices,
  trafficRoutingOf,
  workloadRefOf,
} from '../world/rollout.ts';
import type { World } from '../world/world.ts';
import { afterFirstDeployment } from './first-deployment.ts';
import { addAnalyses } from './graph-analyses.ts';
import { addExperimentRoutes, addExperiments, routesExperiments, type ExperimentPods } from './graph-experiments.ts';
import { GraphBuilder, placeOf, type FindingPlace } from './graph-builder.ts';
import { addTarget, PODS, subsetId, type GraphInput } from './graph-input.ts';
import { addRoute } from './graph-routes.ts';
import type { Graph, Side } from './messages.ts';

const REQUESTS = 'requests';

const ROUTERS: ReadonlySet<Role> = new Set<Role>(['VirtualService', 'route', 'Ingress', 'router', 'root']);

/**
 * Returns what a Rollout drives and needs: where requests come in, routes, Services and subsets, its pods, analyses and
 * autoscaler. A finding makes the edge red that it is about, such as the one from a route to a Service with another
 * port, or else the node.
 *
 * @param findings - Of the whole bundle. The indexes in the graph are theirs.
 */
export function graphOf(
  rollout: KubeObject,
  world: World,
  sources: readonly SourceObject[],
  findings: readonly ReportedFinding[],
): Graph {
  const builder = new GraphBuilder(sources);
  const services = stableAndCanaryServices(afterFirstDeployment(rollout), istioOf(rollout) === undefined);
  const input: GraphInput = { rollout, world, builder, services };
  addRollout(input);
  addServices(input);
  addSubsets(input);
  const experiments = addExperiments(input);
  addRoutes(input, experiments);
  addDirectRequests(input, experiments);
  addAnalyses(input);
  addOthers(input);
  return builder.build(findings);
}

function addRollout({ rollout, builder }: GraphInput): void {
  const isBlueGreen = blueGreenOf(rollout) !== undefined;
  const id = keyOf(rollout);
  builder.node({ id, kind: 'rollout', title: 'Rollout', name: rollout.metadata.name, object: rollout });
  for (const side of ['stable', 'canary'] as const) {
    const title = isBlueGreen ? (side === 'stable' ? 'old pods' : 'new pods') : `${side} pods`;
    builder.node({ id: PODS[side], kind: 'pods', title, name: '', side });
    builder.edge({ from: id, to: PODS[side], kind: 'relation' });
  }
}

const SIDES: Partial<Record<Role, readonly Side[]>> = {
  stable: ['stable'],
  canary: ['canary'],
  // An active Service is moved to the new pods by the promotion.
  active: ['stable', 'canary'],
  preview: ['canary'],
};

function sidesOf({ role, name }: Reference, services: GraphInput['services']): readonly Side[] {
  if (role === 'ping' || role === 'pong') return [name === services.stable ? 'stable' : 'canary'];
  return SIDES[role] ?? [];
}

function addServices(input: GraphInput): void {
  const { rollout, builder, services } = input;
  for (const reference of references(rollout)) {
    if (!SERVICE_ROLES.includes(reference.role)) continue;
    const named = placeOf(rollout, reference.path);
    const sides = sidesOf(reference, services);
    const [only, other] = sides;
    const side = other === undefined ? only : undefined;
    const service = addTarget(
      input,
      reference,
      { kind: 'service', title: `Service (${reference.role})`, ...(side === undefined ? {} : { side }) },
      [named],
    );
    const selects = service === undefined ? [named] : selectionPlaces(service);
    for (const to of sides) {
      const hasShare = reference.role !== 'preview';
      builder.edge(
        {
          from: reference.key,
          to: PODS[to],
          kind: 'traffic',
          ...(hasShare ? { side: to } : { label: 'preview' }),
        },
        selects,
      );
    }
  }
}

// What leads from a Service to pods.
function selectionPlaces(service: KubeObject): readonly FindingPlace[] {
  const ports = asArray(dig(service, 'spec', 'ports')).map((_, index) => ['spec', 'ports', index, 'targetPort']);
  return [['spec', 'selector'], ...ports].map((path) => placeOf(service, path));
}

function addSubsets({ rollout, world, builder }: GraphInput): void {
  const rule = destinationRuleOf(rollout);
  if (rule === undefined) return;
  const found = world.get('DestinationRule.networking.istio.io', namespaceOf(rollout), rule.name);
  const object = found.state === 'present' ? found.object : undefined;
  const named = ['spec', 'strategy', 'canary', 'trafficRouting', 'istio', 'destinationRule'];
  for (const [side, name] of [
    ['stable', rule.stableSubset],
    ['canary', rule.canarySubset],
  ] as const) {
    const index = asArray(dig(object, 'spec', 'subsets')).findIndex((subset) => dig(subset, 'name') === name);
    const places: FindingPlace[] = [
      placeOf(rollout, [...named, `${side}SubsetName`]),
      ...(index < 0 || object === undefined
        ? [placeOf(rollout, [...named, 'name'])]
        : [placeOf(object, ['spec', 'subsets', index])]),
    ];
    builder.node(
      {
        id: subsetId(side),
        kind: 'subset',
        title: `subset of ${rule.name}`,
        name,
        side,
        ...(index < 0 && found.state !== 'unknown' ? { isMissing: true as const } : {}),
      },
      [...places, ...(object === undefined ? [] : [placeOf(object, ['spec', 'host'])])],
    );
    builder.edge({ from: subsetId(side), to: PODS[side], kind: 'traffic', side }, places);
  }
}

function addRoutes(input: GraphInput, experiments: readonly ExperimentPods[]): void {
  const { rollout, builder, world } = input;
  for (const reference of references(rollout)) {
    if (!ROUTERS.has(reference.role) || reference.name === '*') continue;
    // The path of the name. The entry that it is in may have more that is wrong with the route.
    const entry = reference.path.slice(0, reference.role === 'Ingress' ? undefined : -1);
    const title = reference.kind?.split('.')[0] ?? 'route';
    const places = [placeOf(rollout, entry)];
    const route = addTarget(input, reference, { kind: 'route', title }, places);
    addRoute(input, reference.key, route);
    if (routesExperiments(reference)) addExperimentRoutes(input, reference.key, experiments);
  }
  for (const path of selectorPaths(rollout)) {
    const listed = world.list('HTTPRoute.gateway.networking.k8s.io', namespaceOf(rollout));
    for (const route of listed.state === 'known' ? listed.objects : []) {
      if (!refersByLabels(rollout, path, route)) continue;
      builder.node({ id: keyOf(route), kind: 'route', title: route.kind, name: route.metadata.name, object: route });
      addRoute(input, keyOf(route), route);
      addExperimentRoutes(input, keyOf(route), experiments);
    }
  }
}

function selectorPaths(rollout: KubeObject): readonly Path[] {
  return references(rollout).flatMap(({ role, kind, path }) =>
    role === 'routes by selector' && kind === 'HTTPRoute.gateway.networking.k8s.io' ? [path] : [],
  );
}

function refersByLabels(rollout: KubeObject, path: Path, route: KubeObject): boolean {
  const wanted = stringMap(dig(rollout, ...path.map(String), 'matchLabels'));
  const labels = stringMap(route.metadata['labels']);
  return wanted.size > 0 && [...wanted].every(([key, value]) => labels.get(key) === value);
}

// Without a router requests come in at the Services themselves.
function addDirectRequests(
  { rollout, world, builder, services }: GraphInput,
  experiments: readonly ExperimentPods[],
): void {
  if (trafficRoutingOf(rollout) !== undefined) return;
  const direct = references(rollout).filter(({ role }) => role === 'active' || role === 'stable');
  const entry = (): void => builder.node({ id: REQUESTS, kind: 'entry', title: 'requests', name: '' });
  for (const { key } of direct) {
    entry();
    builder.edge({ from: REQUESTS, to: key, kind: 'traffic' });
  }
  if (direct.length > 0 || services.stable !== '') return;
  const find = (kind: Parameters<World['get']>[0], namespace: string, name: string): KubeObject | undefined => {
    const found = world.get(kind, namespace, name);
    return found.state === 'present' ? found.object : undefined;
  };
  const labels = effectiveTemplate(rollout, find)?.labels ?? new Map<string, string>();
  const listed = world.list('Service', namespaceOf(rollout));
  for (const service of listed.state === 'known' ? listed.objects : []) {
    const selector = stringMap(asObject(dig(service, 'spec', 'selector')));
    if (selector.size === 0 || ![...selector].every(([key, value]) => labels.get(key) === value)) continue;
    const id = keyOf(service);
    entry();
    builder.node({ id, kind: 'service', title: 'Service', name: service.metadata.name, object: service });
    builder.edge({ from: REQUESTS, to: id, kind: 'traffic' });
    for (const side of ['stable', 'canary'] as const)
      builder.edge({ from: id, to: PODS[side], kind: 'traffic', side }, selectionPlaces(service));
    for (const { pods, experiment } of experiments) builder.edge({ from: id, to: pods, kind: 'traffic', experiment });
  }
}

function addOthers(input: GraphInput): void {
  const { rollout, world, builder } = input;
  const id = keyOf(rollout);
  for (const scaler of world.referrers(id)) {
    const target = optionalString(dig(scaler, 'spec', 'scaleTargetRef', 'name'));
    if (target !== rollout.metadata.name) continue;
    const title = kindOf(scaler) === 'ScaledObject.keda.sh' ? 'ScaledObject' : scaler.kind;
    builder.node({ id: keyOf(scaler), kind: 'scaler', title, name: scaler.metadata.name, object: scaler });
    builder.edge({ from: id, to: keyOf(scaler), kind: 'relation', label: 'scaled by' }, [
      placeOf(scaler, ['spec', 'scaleTargetRef']),
    ]);
  }
  const workload = references(rollout).find(({ role }) => role === 'workload');
  if (workload === undefined) return;
  const place = placeOf(rollout, ['spec', 'workloadRef']);
  const title = asString(workloadRefOf(rollout)?.kindName);
  addTarget(input, workload, { kind: 'workload', title }, [place]);
  builder.edge({ from: id, to: workload.key, kind: 'relation', label: 'pod template' }, [place]);
}

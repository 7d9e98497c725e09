import { destinationService } from '../world/istio-hosts.ts';
import { routesOf } from '../world/istio.ts';
import { keyFor, keyOf, kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import { asArray, asString, dig, optionalString } from '../world/read.ts';
import { references } from '../world/references.ts';
import { destinationRuleOf } from '../world/rollout.ts';
import { addTarget, subsetId, type GraphInput } from './graph-input.ts';
import { placeOf } from './graph-builder.ts';
import type { Side } from './messages.ts';

const SIDES = ['stable', 'canary'] as const;

/** Adds where requests come to a route, and where it sends them. */
export function addRoute(input: GraphInput, id: string, route: KubeObject | undefined): void {
  if (route !== undefined) {
    for (const { title, name } of entriesOf(route)) {
      const entry = `entry/${title}/${name}`;
      input.builder.node({ id: entry, kind: 'entry', title, name });
      input.builder.edge({ from: entry, to: id, kind: 'traffic' });
    }
    if (kindOf(route) === 'VirtualService.networking.istio.io') addDestinations(input, id, route);
    else addBackends(input, id, route);
  }
  addUnwritten(input, id, route);
}

function addBackends(input: GraphInput, id: string, route: KubeObject): void {
  for (const reference of references(route)) {
    if (reference.role !== 'backend' && reference.role !== 'router') continue;
    const side = sideOf(input, reference.name);
    const places = [placeOf(route, reference.path.slice(0, -1))];
    addTarget(input, reference, { kind: 'service', title: 'Service', ...(side === undefined ? {} : { side }) }, []);
    input.builder.edge(
      { from: id, to: reference.key, kind: 'traffic', ...(side === undefined ? {} : { side }) },
      places,
    );
  }
}

function addDestinations(input: GraphInput, id: string, route: KubeObject): void {
  const rule = destinationRuleOf(input.rollout);
  for (const each of routesOf(route)) {
    for (const { host, subset, path } of each.destinations()) {
      const places = [placeOf(route, path)];
      const bySubset = SIDES.find((side) => rule !== undefined && subset !== '' && subset === rule[`${side}Subset`]);
      if (bySubset !== undefined) {
        input.builder.edge({ from: id, to: subsetId(bySubset), kind: 'traffic', side: bySubset }, places);
        continue;
      }
      const service = destinationService(host, namespaceOf(route));
      if (service === undefined) continue;
      const key = keyFor('Service', service.namespace, service.name);
      const side = sideOf(input, service.name);
      const sided = side === undefined ? {} : { side };
      addTarget(input, { key, kind: 'Service', ...service }, { kind: 'service', title: 'Service', ...sided }, []);
      input.builder.edge({ from: id, to: key, kind: 'traffic', ...sided }, places);
    }
  }
}

// A route of a kind that names no Services, such as an Ingress for the canary, which the controller creates.
function addUnwritten({ rollout, services, builder }: GraphInput, id: string, route: KubeObject | undefined): void {
  const kind = route === undefined ? undefined : kindOf(route);
  const isIngress = kind === 'Ingress.networking.k8s.io';
  if (!isIngress && (route === undefined || builder.hasEdgeFrom(id))) return;
  for (const side of SIDES) {
    const name = services[side];
    if (name === '' || (isIngress && side === 'stable')) continue;
    builder.edge({
      from: id,
      to: keyFor('Service', namespaceOf(rollout), name),
      kind: 'traffic',
      side,
    });
  }
}

function sideOf({ services }: GraphInput, name: string): Side | undefined {
  return SIDES.find((side) => services[side] === name && name !== '');
}

function entriesOf(route: KubeObject): readonly { readonly title: string; readonly name: string }[] {
  switch (kindOf(route)) {
    case 'VirtualService.networking.istio.io': {
      const gateways = asArray(dig(route, 'spec', 'gateways')).map(asString);
      return (gateways.length === 0 ? ['mesh'] : gateways).map((name) =>
        name === 'mesh' ? { title: 'mesh', name: 'all sidecars' } : { title: 'Gateway', name },
      );
    }
    case 'Ingress.networking.k8s.io': {
      const name = optionalString(dig(route, 'spec', 'ingressClassName'));
      return [{ title: 'Ingress class', name: name ?? 'default' }];
    }
    case 'HTTPRoute.gateway.networking.k8s.io':
    case 'GRPCRoute.gateway.networking.k8s.io':
    case 'TCPRoute.gateway.networking.k8s.io':
    case 'TLSRoute.gateway.networking.k8s.io':
      return asArray(dig(route, 'spec', 'parentRefs')).map((parent) => ({
        title: optionalString(dig(parent, 'kind')) ?? 'Gateway',
        name: asString(dig(parent, 'name')),
      }));
    default:
      return [{ title: 'requests', name: keyOf(route).split('/').at(-1) ?? '' }];
  }
}

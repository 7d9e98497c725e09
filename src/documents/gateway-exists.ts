import { getOrAdd } from '../world/get-or-add.ts';
import { nearest } from '../world/nearest.ts';
import type { SourceObject } from '../world/manifests.ts';
import { groupOf, kindOf, namespaceOf } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { asArray, asString, dig, optionalString } from '../world/read.ts';
import { ROUTE_KINDS } from '../world/gateway.ts';
import { quoted, listed } from '../rules/wording.ts';
import { defineDocumentCheck, type ReportDocument } from './define.ts';

const ISTIO = 'networking.istio.io';
const GATEWAY_API = 'gateway.networking.k8s.io';

const MESSAGES = {
  absent: {
    class: 'missing',
    text: '{kind} "{name}" names Gateway "{gateway}", which is not found in namespace "{namespace}" (it has {has})',
    fix: '{fix}',
  },
  elsewhere: {
    class: 'missing',
    text: '{kind} "{name}" names Gateway "{gateway}" of its own namespace "{namespace}", but Gateway "{gateway}" is in namespace "{other}"',
    fix: '{fix}',
  },
} as const;

/** Reports Gateways that a VirtualService or route names and that are not among those of their namespace. */
export const gatewayExists = defineDocumentCheck({
  id: 'gateway-exists',
  summary: 'The Gateway that a VirtualService or a Gateway API route names exists, if its namespace has others.',
  explanation:
    'A VirtualService or a route that names a Gateway which does not exist gets no traffic from outside, and no ' +
    'controller rejects it. Gateways are often in other files or charts, so the check says something only if the manifests ' +
    'have another Gateway of the same sort in the namespace, or this one in one other namespace. In the namespace of ' +
    'another object it also needs a name that is nearly the same. Source: Istio, VirtualService reference (gateways); Gateway ' +
    'API, ParentReference.',
  messages: MESSAGES,
  check({ sources }, report) {
    const known = gatewaysIn(sources);
    if (known.names.size === 0) return;
    for (const source of sources) for (const ref of gatewaysOf(source)) checkRef(report, source, ref, known);
  },
});

function checkRef(
  report: ReportDocument<typeof MESSAGES>,
  source: SourceObject,
  { group, namespace, name, path }: GatewayRef,
  known: KnownGateways,
): void {
  const { object } = source;
  // A Gateway without a namespace is applied where the other objects of these manifests are.
  const home = namespace === namespaceOf(object) ? known.names.get(`${group} `) : undefined;
  const there = known.names.get(`${group} ${namespace}`);
  if (there?.has(name) === true || home?.has(name) === true) return;
  const at = { source, path, anchor: `${namespace}/${name}` };
  const data = { kind: object.kind, name: object.metadata.name, gateway: name, namespace };
  const other = namespace === namespaceOf(object) ? onlyNamespaceWith(name, group, known) : undefined;
  if (other !== undefined) {
    const written = group === ISTIO ? `write "${other}/${name}"` : `set namespace: ${other} in parentRefs`;
    report('elsewhere', { ...at, data: { ...data, other, fix: `${written}, if that one is meant` } });
    return;
  }
  if ((there ?? home) === undefined) return;
  const names = [...(there ?? []), ...(home ?? [])];
  const near = nearest(name, names.slice(0, MAX_COMPARED));
  // Gateways of another namespace are often in other manifests.
  if (near === undefined && namespace !== namespaceOf(object)) return;
  const fix = near === undefined ? 'create it, or use the name of one that exists' : `use "${near}" if it is meant`;
  report('absent', { ...at, data: { ...data, has: listed(names, quoted), fix } });
}

/** The Gateways among the manifests. The keys of both begin with the group and a space. */
interface KnownGateways {
  /** Names, by namespace. */
  readonly names: ReadonlyMap<string, ReadonlySet<string>>;
  /** Namespaces, by name. */
  readonly namespaces: ReadonlyMap<string, ReadonlySet<string>>;
}

function gatewaysIn(sources: readonly SourceObject[]): KnownGateways {
  const names = new Map<string, Set<string>>();
  const namespaces = new Map<string, Set<string>>();
  for (const { object } of sources) {
    if (object.kind !== 'Gateway') continue;
    const [group, name, namespace] = [groupOf(object.apiVersion), object.metadata.name, namespaceOf(object)];
    getOrAdd(names, `${group} ${namespace}`, () => new Set()).add(name);
    getOrAdd(namespaces, `${group} ${name}`, () => new Set()).add(namespace);
  }
  return { names, namespaces };
}

function onlyNamespaceWith(name: string, group: string, { namespaces }: KnownGateways): string | undefined {
  const [one, second] = namespaces.get(`${group} ${name}`) ?? [];
  return second === undefined ? one : undefined;
}

// Each is compared with each name that is not found.
const MAX_COMPARED = 100;

interface GatewayRef {
  readonly group: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: Path;
}

function gatewaysOf({ object }: SourceObject): GatewayRef[] {
  const kind = kindOf(object);
  if (kind === 'VirtualService.networking.istio.io')
    return asArray(dig(object, 'spec', 'gateways')).flatMap((written, index): GatewayRef[] => {
      const [first = '', second, ...rest] = asString(written).split('/');
      // "mesh" is no object, and a name with dots is an older form.
      if (first === '' || first === 'mesh' || first.includes('.') || rest.length > 0) return [];
      const place =
        second === undefined ? { namespace: namespaceOf(object), name: first } : { namespace: first, name: second };
      return [{ group: ISTIO, ...place, path: ['spec', 'gateways', index] }];
    });
  if (!ROUTE_KINDS.some((route) => route === kind)) return [];
  return asArray(dig(object, 'spec', 'parentRefs')).flatMap((ref, index): GatewayRef[] => {
    const name = asString(dig(ref, 'name'));
    const isGateway = (optionalString(dig(ref, 'kind')) ?? 'Gateway') === 'Gateway';
    if (!isGateway || name === '' || (optionalString(dig(ref, 'group')) ?? GATEWAY_API) !== GATEWAY_API) return [];
    const namespace = optionalString(dig(ref, 'namespace')) ?? namespaceOf(object);
    return [{ group: GATEWAY_API, namespace, name, path: ['spec', 'parentRefs', index, 'name'] }];
  });
}

import { nearest } from '../world/nearest.ts';
import type { SourceObject } from '../world/manifests.ts';
import { groupOf, kindOf, namespaceOf } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { asArray, asString, dig, optionalString } from '../world/read.ts';
import { ROUTE_KINDS } from '../world/gateway.ts';
import { quoted, listed } from '../rules/wording.ts';
import { defineDocumentCheck } from './define.ts';

const ISTIO = 'networking.istio.io';
const GATEWAY_API = 'gateway.networking.k8s.io';

/** Reports Gateways that a VirtualService or route names and that are not among those of their namespace. */
export const gatewayExists = defineDocumentCheck({
  id: 'gateway-exists',
  summary: 'The Gateway that a VirtualService or a Gateway API route names exists, if its namespace has others.',
  explanation:
    'A VirtualService or a route that names a Gateway which does not exist gets no traffic from outside, and no ' +
    'controller rejects it. Gateways are often in other files or charts, so the check says something only if the manifests ' +
    'have another Gateway of the same sort in the namespace. In the namespace of another object it also needs a name ' +
    'that is nearly the same. Source: Istio, VirtualService reference (gateways); Gateway ' +
    'API, ParentReference.',
  messages: {
    absent: {
      class: 'missing',
      text: '{kind} "{name}" names Gateway "{gateway}", which is not found in namespace "{namespace}" (it has {has})',
      fix: '{fix}',
    },
  },
  check({ sources }, report) {
    const known = gatewaysIn(sources);
    if (known.size === 0) return;
    for (const source of sources) {
      const { object } = source;
      for (const { group, namespace, name, path } of gatewaysOf(source)) {
        // A Gateway without a namespace is applied where the other objects of these manifests are.
        const home = namespace === namespaceOf(object) ? known.get(`${group} `) : undefined;
        const there = known.get(`${group} ${namespace}`);
        if ((there ?? home) === undefined || there?.has(name) === true || home?.has(name) === true) continue;
        const names = [...(there ?? []), ...(home ?? [])];
        const near = nearest(name, names.slice(0, MAX_COMPARED));
        // Gateways of another namespace are often in other manifests.
        if (near === undefined && namespace !== namespaceOf(object)) continue;
        const fix =
          near === undefined ? 'create it, or use the name of one that exists' : `use "${near}" if it is meant`;
        report('absent', {
          source,
          path,
          anchor: `${namespace}/${name}`,
          data: {
            kind: object.kind,
            name: object.metadata.name,
            gateway: name,
            namespace,
            has: listed(names, quoted),
            fix,
          },
        });
      }
    }
  },
});

function gatewaysIn(sources: readonly SourceObject[]): ReadonlyMap<string, ReadonlySet<string>> {
  const known = new Map<string, Set<string>>();
  for (const { object } of sources) {
    if (object.kind !== 'Gateway') continue;
    const place = `${groupOf(object.apiVersion)} ${namespaceOf(object)}`;
    known.set(place, (known.get(place) ?? new Set()).add(object.metadata.name));
  }
  return known;
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

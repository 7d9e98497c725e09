import { namespaceOf, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { describePorts, isExternalName, pairPorts, portsOf, portText, portUses, type PortUse, type ServicePort } from '../../world/ports.ts';
import { references, type Role } from '../../world/references.ts';
import type { Find } from '../../world/rollout.ts';
import { routersOf } from '../../world/routers.ts';
import { defineRule } from '../define.ts';
import type { Place } from '../finding.ts';

const PAIRS: readonly (readonly [Role, Role])[] = [
  ['stable', 'canary'],
  ['ping', 'pong'],
  ['active', 'preview'],
];

export const servicePortsAgree = defineRule({
  id: 'service-ports-agree',
  summary: 'The two Services that share the traffic of a Rollout expose the same ports.',
  explanation:
    'A port that the routes send to and only one of the two Services has takes the traffic of the other nowhere: as soon as the canary gets some, or once it is promoted. Without a router callers use the ' +
    'one Service or the other by the same port number, so the numbers have to be the same there; a port that only one of them adds to these is an extra. Where each destination names a port of its own, different numbers ' +
    'work and are only pointed out, like names, targetPorts and appProtocols that differ, and any difference between active and preview.',
  subject: ['Rollout.argoproj.io'],
  reads: [
    'Service',
    'Ingress.networking.k8s.io',
    'VirtualService.networking.istio.io',
    'HTTPRoute.gateway.networking.k8s.io',
    'GRPCRoute.gateway.networking.k8s.io',
    'TCPRoute.gateway.networking.k8s.io',
    'TLSRoute.gateway.networking.k8s.io',
  ],
  messages: {
    routed: {
      class: 'invalid',
      text: '{role} Service "{service}" does not expose port {port} (it has {has}), which {kind} "{route}" sends to and {otherRole} Service "{other}" exposes',
      fix: 'expose the same port on both, or send to a port that each of them has',
    },
    unlike: {
      class: 'invalid',
      text: '{role} Service "{service}" does not expose port {port} (it has {has}), unlike {otherRole} Service "{other}"',
      fix: 'expose the same port numbers on both',
    },
    differ: {
      class: 'advice',
      text: '{role} Service "{service}" exposes port {port} where {otherRole} Service "{other}" exposes {otherPort}',
      fix: 'use one number for both, so that whatever sends to the one can send to the other',
    },
    extra: {
      class: 'advice',
      text: '{role} Service "{service}" exposes port {port}, which {otherRole} Service "{other}" does not',
      fix: 'add it there too if anything uses it',
    },
    unequal: {
      class: 'advice',
      text: 'port {port} of {role} Service "{service}" has {field} {value}, that of {otherRole} Service "{other}" has {otherValue}',
      fix: 'make them the same, unless the difference is meant',
    },
  },
  check(context, rollout) {
    const sides = sidesOf(rollout, context.find);
    for (const [first, second] of PAIRS) {
      const a = sides.get(first);
      const b = sides.get(second);
      if (a === undefined || b === undefined || a.name === b.name) continue;
      const uses = portUses(rollout, context).filter(({ namespace }) => namespace === namespaceOf(rollout));
      const toA = routedTo(a, uses);
      const toB = routedTo(b, uses);
      const { same, moved, onlyA, onlyB } = pairPorts(a.ports, b.ports);
      const eachLacksSome = moved.length > 0 || (onlyA.length > 0 && onlyB.length > 0);
      const mustAgree = first !== 'active' && eachLacksSome && (routersOf(rollout).size === 0 || [a, b].some((side) => isLeftOpen(side, uses)));

      const routed = (side: Side, other: Side, port: ServicePort, path: Path, use: PortUse): void => {
        const related = [...between(rollout, side, other, port.path), { object: use.object, path: use.path }];
        const route = { kind: use.object.kind, route: use.object.metadata.name };
        context.report('routed', { object: side.service, path, anchor: portText(port), related, data: { ...dataOf(side, other, port), ...route } });
      };
      const tell = (messageId: 'unlike' | 'extra', side: Side, other: Side, port: ServicePort, path: Path): void => {
        context.report(messageId, { object: side.service, path, anchor: portText(port), related: between(rollout, side, other, port.path), data: dataOf(side, other, port) });
      };

      for (const [p, q] of moved) {
        const useOfP = toB.get(portText(p));
        const useOfQ = toA.get(portText(q));
        if (useOfP !== undefined) routed(b, a, p, [...q.path, 'port'], useOfP);
        if (useOfQ !== undefined) routed(a, b, q, [...p.path, 'port'], useOfQ);
        if (useOfP !== undefined || useOfQ !== undefined) continue;
        if (mustAgree) tell('unlike', b, a, p, [...q.path, 'port']);
        else {
          const data = { ...dataOf(b, a, q), otherPort: portText(p) };
          context.report('differ', { object: b.service, path: [...q.path, 'port'], anchor: portText(q), related: between(rollout, b, a, p.path), data });
        }
      }
      for (const p of onlyA) {
        const use = toB.get(portText(p));
        if (use !== undefined) routed(b, a, p, ['spec', 'ports'], use);
        else if (mustAgree) tell('unlike', b, a, p, ['spec', 'ports']);
        else tell('extra', a, b, p, p.path);
      }
      for (const q of onlyB) {
        const use = toA.get(portText(q));
        if (use !== undefined) routed(a, b, q, ['spec', 'ports'], use);
        else tell('extra', b, a, q, q.path);
      }
      for (const [p, q] of same) {
        for (const field of ['name', 'targetPort', 'appProtocol'] as const) {
          if (p[field] === q[field]) continue;
          context.report('unequal', {
            object: b.service,
            path: q.path,
            anchor: `${portText(q)} ${field}`,
            related: between(rollout, b, a, p.path),
            data: { ...dataOf(b, a, q), field, value: valueText(q[field]), otherValue: valueText(p[field]) },
          });
        }
      }
    }
  },
});

interface Side {
  readonly role: Role;
  readonly service: KubeObject;
  readonly name: string;
  /** Where the Rollout names it. */
  readonly path: Path;
  readonly ports: readonly ServicePort[];
}

function sidesOf(rollout: KubeObject, find: Find): ReadonlyMap<Role, Side> {
  const sides = new Map<Role, Side>();
  for (const { kind, namespace, name, role, path } of references(rollout)) {
    if (kind !== 'Service' || !PAIRS.some((pair) => pair.includes(role))) continue;
    const service = find(kind, namespace, name);
    if (service === undefined || isExternalName(service)) continue;
    const ports = portsOf(service);
    if (ports.length > 0) sides.set(role, { role, service, name, path, ports });
  }
  return sides;
}

// Every route sends TCP. A use without port means the only port of the Service, if there is only one.
function routedTo({ name, ports }: Side, uses: readonly PortUse[]): ReadonlyMap<string, PortUse> {
  const routed = new Map<string, PortUse>();
  for (const use of uses) {
    if (use.service !== name) continue;
    const { port } = use;
    const number = typeof port === 'number' ? port : (port === undefined ? (ports.length === 1 ? ports[0] : undefined) : ports.find((entry) => entry.name === port))?.number;
    if (number !== undefined && !routed.has(String(number))) routed.set(String(number), use);
  }
  return routed;
}

function isLeftOpen({ name, ports }: Side, uses: readonly PortUse[]): boolean {
  return ports.length > 1 && uses.some(({ service, port }) => service === name && port === undefined);
}

function between(rollout: KubeObject, side: Side, other: Side, otherPath: Path): Place[] {
  return [
    { object: other.service, path: otherPath },
    { object: rollout, path: side.path },
  ];
}

function dataOf(side: Side, other: Side, port: ServicePort): { role: string; service: string; port: string; has: string; otherRole: string; other: string } {
  return { role: side.role, service: side.name, port: portText(port), has: describePorts(side.ports), otherRole: other.role, other: other.name };
}

function valueText(value: number | string): string {
  return value === '' ? 'none' : JSON.stringify(value);
}

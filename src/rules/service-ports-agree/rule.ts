import type { Lookups } from '../../world/analysis.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { PORT_USE_PLACES, PORT_USER_PLACES, portUses, type PortUse } from '../../world/port-uses.ts';
import {
  countedPorts,
  describePorts,
  isExternalName,
  pairPorts,
  portNumber,
  portText,
  type ServicePort,
} from '../../world/ports.ts';
import { references } from '../../world/references.ts';
import type { Role } from '../../world/reference-list.ts';
import { routersOf } from '../../world/routers.ts';
import { defineRule } from '../define.ts';

const PAIRS: readonly (readonly [Role, Role])[] = [
  ['stable', 'canary'],
  ['ping', 'pong'],
  ['active', 'preview'],
];

const PORTS: Path = ['spec', 'ports'];

export const servicePortsAgree = defineRule({
  id: 'service-ports-agree',
  summary: 'The two Services that share the traffic of a Rollout expose the same ports.',
  explanation:
    'Routes may send to a port that only one of the two Services has. Traffic for the other Service then goes ' +
    'nowhere: as soon as the canary gets some, or once it is promoted. Without a router, callers use either ' +
    'Service with the same port number, so the numbers must be the same. A port that only one of them has in ' +
    'addition to these is an extra, and only advice. If each destination names its own port, different numbers ' +
    'work and are only advice. So are different names, targetPorts and appProtocols, and any difference between ' +
    'active and preview.',
  subject: { 'Rollout.argoproj.io': PORT_USE_PLACES },
  reads: { Service: ['spec.ports', 'spec.type'], ...PORT_USER_PLACES },
  stricterThanUpstream: {
    unlike: {
      why: 'The controller never compares ports. Clients that use one of the Services by the same number find nothing there when the canary gets traffic or is promoted.',
      seenBy: ['e2e'],
    },
    routed: {
      why: 'The controller never compares ports. Clients that use one of the Services by the same number find nothing there when the canary gets traffic or is promoted.',
      seenBy: ['e2e'],
    },
  },
  example: {
    fixture: 'bad-other-numbers-without-router.yaml',
    referenced: 'Service reviews-canary',
    before: [
      ['port: 8080', 'port: 80'],
      ['port: 53', 'port: 9000'],
      ['protocol: UDP', 'protocol: TCP'],
    ],
  },
  messages: {
    routed: {
      class: 'invalid',
      text: '{role} Service "{service}" has no port {port} (it has {has}), but {kind} "{route}" sends to that port and {otherRole} Service "{other}" has it',
      fix: 'expose the same port on both Services, or send to a port that both have',
    },
    unlike: {
      class: 'invalid',
      text: '{role} Service "{service}" has no port {port} (it has {has}), unlike {otherRole} Service "{other}"',
      fix: 'expose the same port numbers on both Services',
    },
    differ: {
      class: 'advice',
      text: '{role} Service "{service}" has port {port} where {otherRole} Service "{other}" has {otherPort}',
      fix: 'use the same port number on both, so that callers can use either Service',
    },
    extra: {
      class: 'advice',
      text: '{role} Service "{service}" has port {port}, but {otherRole} Service "{other}" does not',
      fix: 'add it there too if anything uses it',
    },
    unequal: {
      class: 'advice',
      text: 'port {port} of {role} Service "{service}" has {field} {value}, but that of {otherRole} Service "{other}" has {otherValue}',
      fix: 'make them the same, unless the difference is intended',
    },
  },
  check(context, rollout) {
    const sides = sidesOf(rollout, context);
    for (const [first, second] of PAIRS) {
      const a = sides.get(first);
      const b = sides.get(second);
      if (a === undefined || b === undefined || a.name === b.name) continue;
      const uses = [...portUses(rollout, context)].filter(({ namespace }) => namespace === namespaceOf(rollout));
      const isOpen =
        first !== 'active' && (routersOf(rollout).size === 0 || [a, b].some((side) => isLeftOpen(side, uses)));
      for (const { messageId, side, other, port, path, otherPath, use, data } of compare(a, b, uses, isOpen)) {
        const { role, name, ports, service } = side;
        const related = [
          { object: other.service, path: otherPath },
          { object: rollout, path: side.path },
          ...(use === undefined ? [] : [{ object: use.object, path: use.path }]),
        ];
        context.report(messageId, {
          object: service,
          path,
          anchor: data?.field === undefined ? portText(port) : `${portText(port)} ${data.field}`,
          related,
          data: {
            ...NO_DATA,
            role,
            service: name,
            port: portText(port),
            has: describePorts(ports),
            otherRole: other.role,
            other: other.name,
            ...data,
          },
        });
      }
    }
  },
});

interface Side {
  readonly role: Role;
  readonly service: KubeObject;
  readonly name: string;
  /** The field of the Rollout that names it. */
  readonly path: Path;
  readonly ports: readonly ServicePort[];
}

function sidesOf(rollout: KubeObject, context: Pick<Lookups, 'find' | 'spend'>): ReadonlyMap<Role, Side> {
  const sides = new Map<Role, Side>();
  for (const { kind, namespace, name, role, path } of references(rollout)) {
    if (kind !== 'Service' || !PAIRS.some((pair) => pair.includes(role))) continue;
    const service = context.find(kind, namespace, name);
    if (service === undefined || isExternalName(service)) continue;
    const ports = countedPorts(service, context);
    if (ports.length > 0) sides.set(role, { role, service, name, path, ports });
  }
  return sides;
}

// Every route sends TCP. A use without a port means the port of the Service if it has only one.
function routedTo({ name, ports }: Side, uses: readonly PortUse[]): ReadonlyMap<string, PortUse> {
  const routed = new Map<string, PortUse>();
  for (const use of uses) {
    if (use.service !== name) continue;
    const onlyOne = ports.length === 1 ? ports[0]?.number : undefined;
    const number = typeof use.port === 'string' ? portNumber(ports, use.port) : (use.port ?? onlyOne);
    if (number !== undefined && !routed.has(String(number))) routed.set(String(number), use);
  }
  return routed;
}

function isLeftOpen({ name, ports }: Side, uses: readonly PortUse[]): boolean {
  return ports.length > 1 && uses.some(({ service, port }) => service === name && port === undefined);
}

interface Difference {
  readonly messageId: 'routed' | 'unlike' | 'differ' | 'extra' | 'unequal';
  /** The Service to fix. */
  readonly side: Side;
  /** The Service that it is compared with. */
  readonly other: Side;
  readonly port: ServicePort;
  readonly path: Path;
  readonly otherPath: Path;
  readonly use?: PortUse;
  readonly data?: Partial<typeof NO_DATA>;
}

const NO_DATA = { kind: '', route: '', otherPort: '', field: '', value: '', otherValue: '' };

function compare(a: Side, b: Side, uses: readonly PortUse[], isOpen: boolean): Difference[] {
  const { unequal, moved, onlyA, onlyB } = pairPorts(a.ports, b.ports);
  const toA = routedTo(a, uses);
  const toB = routedTo(b, uses);
  const mustAgree = isOpen && (moved.length > 0 || (onlyA.length > 0 && onlyB.length > 0));

  // `side` does not expose `port` of `other`; `path` is where it could be added.
  const routed = (side: Side, other: Side, port: ServicePort, path: Path): Difference[] => {
    const use = (side === a ? toA : toB).get(portText(port));
    if (use === undefined) return [];
    return [
      {
        messageId: 'routed',
        side,
        other,
        port,
        path,
        otherPath: port.path,
        use,
        data: { kind: use.object.kind, route: use.object.metadata.name },
      },
    ];
  };
  const orElse = (found: Difference[], otherwise: Difference): Difference[] => (found.length > 0 ? found : [otherwise]);

  return [
    ...moved.flatMap(([p, q]) => {
      const [inA, inB] = [
        [...p.path, 'port'],
        [...q.path, 'port'],
      ];
      const otherwise: Difference = mustAgree
        ? { messageId: 'unlike', side: b, other: a, port: p, path: inB, otherPath: p.path }
        : {
            messageId: 'differ',
            side: b,
            other: a,
            port: q,
            path: inB,
            otherPath: p.path,
            data: { otherPort: portText(p) },
          };
      return orElse([...routed(b, a, p, inB), ...routed(a, b, q, inA)], otherwise);
    }),
    ...onlyA.flatMap((port) => {
      const otherwise: Difference = mustAgree
        ? { messageId: 'unlike', side: b, other: a, port, path: PORTS, otherPath: port.path }
        : { messageId: 'extra', side: a, other: b, port, path: port.path, otherPath: PORTS };
      return orElse(routed(b, a, port, PORTS), otherwise);
    }),
    ...onlyB.flatMap((port) =>
      orElse(routed(a, b, port, PORTS), {
        messageId: 'extra',
        side: b,
        other: a,
        port,
        path: port.path,
        otherPath: PORTS,
      }),
    ),
    ...unequal.map(({ pair: [p, q], field }): Difference => ({
      messageId: 'unequal',
      side: b,
      other: a,
      port: q,
      path: q.path,
      otherPath: p.path,
      data: { field, value: valueText(q[field]), otherValue: valueText(p[field]) },
    })),
  ];
}

function valueText(value: number | string): string {
  return value === '' ? 'none' : JSON.stringify(value);
}

import { containerPlaces } from './containers.ts';
import { getOrAdd } from './get-or-add.ts';
import { memo, type Counting } from './memo.ts';
import type { KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { asArray, dig, optionalNumber, optionalString, asString } from './read.ts';

/** A port of a Service, with the defaults of Kubernetes. */
export interface ServicePort {
  readonly number: number;
  /** Empty if it has none. */
  readonly name: string;
  readonly protocol: string;
  readonly targetPort: number | string;
  readonly appProtocol: string;
  readonly path: Path;
  /** The path of the targetPort or, if it is not set, of the port, which is then also the target. */
  readonly targetPath: Path;
}

/** Returns the ports of a Service that have a number, in order. Computed once per object. */
export const portsOf = memo(readPorts);

// What it takes to compare a port with others, and to say what is wrong with it, in operations.
const COST_OF_PORT = 3;

/** Does the same, for rules that compare each port: the operations are counted before they are done. */
export function countedPorts(service: KubeObject, { spend }: Counting): readonly ServicePort[] {
  spend(COST_OF_PORT * asArray(dig(service, 'spec', 'ports')).length);
  return portsOf(service);
}

function readPorts(service: KubeObject): readonly ServicePort[] {
  return asArray(dig(service, 'spec', 'ports')).flatMap((entry, index): ServicePort[] => {
    const number = optionalNumber(dig(entry, 'port'));
    if (number === undefined) return [];
    const path = ['spec', 'ports', index];
    const targetPort = targetOf(dig(entry, 'targetPort'));
    return [
      {
        number,
        name: asString(dig(entry, 'name')),
        protocol: optionalString(dig(entry, 'protocol')) ?? 'TCP',
        targetPort: targetPort ?? number,
        appProtocol: asString(dig(entry, 'appProtocol')),
        path,
        targetPath: [...path, targetPort === undefined ? 'port' : 'targetPort'],
      },
    ];
  });
}

function targetOf(value: unknown): number | string | undefined {
  return value === 0 ? undefined : (optionalNumber(value) ?? optionalString(value));
}

/** A port that a container declares. */
export interface ContainerPort {
  readonly number: number;
  readonly name: string;
  readonly protocol: string;
}

/** The places that `containerPorts` reads in a pod template. */
export const CONTAINER_PORT_PLACES: readonly string[] = [
  ...containerPlaces('ports'),
  'spec.initContainers[*].restartPolicy',
];

/**
 * Returns the ports of the containers that run as long as the pod, including sidecars (init containers with
 * `restartPolicy: Always`); undefined if there are no such containers. The operations are counted before they are done.
 */
export function containerPorts(template: unknown, { spend }: Counting): readonly ContainerPort[] | undefined {
  const own = asArray(dig(template, 'spec', 'containers'));
  const before = asArray(dig(template, 'spec', 'initContainers'));
  spend(own.length + before.length);
  const sidecars = before.filter((container) => dig(container, 'restartPolicy') === 'Always');
  const containers = [...own, ...sidecars];
  for (const container of containers) spend(asArray(dig(container, 'ports')).length);
  if (containers.length === 0) return undefined;
  return containers.flatMap((container) =>
    asArray(dig(container, 'ports')).map((port) => ({
      number: optionalNumber(dig(port, 'containerPort')) ?? 0,
      name: asString(dig(port, 'name')),
      protocol: optionalString(dig(port, 'protocol')) ?? 'TCP',
    })),
  );
}

/** Reports whether a Service stands for an external name, and so has no pods or ports of its own. */
export function isExternalName(service: KubeObject): boolean {
  return dig(service, 'spec', 'type') === 'ExternalName';
}

interface PortIndex {
  readonly numbers: ReadonlySet<number>;
  readonly byName: ReadonlyMap<string, number>;
}

const indexOf = memo((ports: readonly ServicePort[]): PortIndex => ({
  numbers: new Set(ports.map(({ number }) => number)),
  byName: new Map(ports.filter(({ name }) => name !== '').map(({ name, number }) => [name, number])),
}));

/** Returns the number of the Service port with a number or name, or undefined. */
export function portNumber(ports: readonly ServicePort[], wanted: number | string): number | undefined {
  const index = indexOf(ports);
  if (typeof wanted === 'string') return index.byName.get(wanted);
  return index.numbers.has(wanted) ? wanted : undefined;
}

// As many as a message has room for.
const MAX_PORTS = 8;

/**
 * Describes ports of a Service or of containers for a message: at most eight numbers, with the protocol unless it is
 * TCP, and names if requested.
 */
export function describePorts(ports: readonly ContainerPort[], withNames = false): string {
  return withNames ? namedPorts(ports) : numbersOfPorts(ports);
}

// There can be a finding for each of the ports, and all findings describe the same ones.
const namedPorts = memo((ports: readonly ContainerPort[]) => described(ports, true));
const numbersOfPorts = memo((ports: readonly ContainerPort[]) => described(ports, false));

function described(ports: readonly ContainerPort[], withNames: boolean): string {
  const shown = ports
    .slice(0, MAX_PORTS)
    .map((port) =>
      withNames ? `${portText(port)} ${port.name === '' ? 'without a name' : `named "${port.name}"`}` : portText(port),
    );
  const more = ports.length - shown.length;
  return `${[...new Set(shown)].join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Returns the number of a port, with the protocol unless it is TCP. */
export function portText({ number, protocol }: Pick<ContainerPort, 'number' | 'protocol'>): string {
  return protocol === 'TCP' ? String(number) : `${number}/${protocol}`;
}

const PORT_FIELDS = ['name', 'targetPort', 'appProtocol'] as const;

/** A field in which two ports with the same number can differ. */
export type PortField = (typeof PORT_FIELDS)[number];

/** The comparison of the ports of two Services. */
export interface PortPairs {
  /** Ports that both have, the same number and protocol, with something else that differs. */
  readonly unequal: readonly { readonly pair: readonly [ServicePort, ServicePort]; readonly field: PortField }[];
  /** Different ports that correspond to each other: by name, by targetPort, or because they are the only ones left. */
  readonly moved: readonly (readonly [ServicePort, ServicePort])[];
  readonly onlyA: readonly ServicePort[];
  readonly onlyB: readonly ServicePort[];
}

const pairsOf = memo((_a: readonly ServicePort[]) => new WeakMap<readonly ServicePort[], PortPairs>());

/** Finds the ports of two Services that correspond to each other. Many Rollouts may share the two. */
export function pairPorts(a: readonly ServicePort[], b: readonly ServicePort[]): PortPairs {
  return getOrAdd(pairsOf(a), b, () => pairUp(a, b));
}

function pairUp(a: readonly ServicePort[], b: readonly ServicePort[]): PortPairs {
  const inB = new Map(b.map((port) => [portText(port), port]));
  const same: (readonly [ServicePort, ServicePort])[] = [];
  const leftA: ServicePort[] = [];
  for (const port of a) {
    const twin = inB.get(portText(port));
    if (twin === undefined) leftA.push(port);
    else same.push([port, twin]);
  }
  const inA = new Set(a.map(portText));
  const leftB = new Set(b.filter((port) => !inA.has(portText(port))));
  const byName = new Map([...leftB].filter(({ name }) => name !== '').map((port) => [port.name, port]));
  const byTarget = new Map([...leftB].map((port) => [port.targetPort, port]));
  const isOnlyOne = leftA.length === 1 && leftB.size === 1;
  const moved: (readonly [ServicePort, ServicePort])[] = [];
  const onlyA: ServicePort[] = [];
  for (const port of leftA) {
    const candidates = [byName.get(port.name), byTarget.get(port.targetPort), ...(isOnlyOne ? leftB : [])];
    const counterpart = candidates.find((candidate) => candidate !== undefined && leftB.has(candidate));
    if (counterpart === undefined) onlyA.push(port);
    else {
      moved.push([port, counterpart]);
      leftB.delete(counterpart);
    }
  }
  const unequal = same.flatMap((pair) =>
    PORT_FIELDS.filter((field) => pair[0][field] !== pair[1][field]).map((field) => ({ pair, field })),
  );
  return { unequal, moved, onlyA, onlyB: [...leftB] };
}

import { ownContainerPlaces, ownContainers, renderContainer } from '../../world/containers.ts';
import { isPortName, isPortNumber } from '../../world/names.ts';
import type { Path } from '../../world/path.ts';
import { asArray, dig, int32, optionalNumber, renderInt32, optionalString, asString } from '../../world/read.ts';
import { defineRule, type RuleContext } from '../define.ts';

// Number, host port, protocol and name of a port are compared with those of all others.
const COST_OF_PORT = 3;
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];

const messages = {
  number: {
    class: 'invalid',
    text: '{container} has {what}',
    fix: 'use a number from 1 to 65535',
  },
  name: {
    class: 'invalid',
    text: '{container} has a port with the invalid name "{name}"',
    fix: 'use at most 15 characters: a-z, 0-9 and single "-" in between, with at least one letter',
  },
  sameName: {
    class: 'invalid',
    text: '{container} has two ports named "{name}"',
    fix: 'rename one of them',
  },
  sameNumber: {
    class: 'invalid',
    text: '{container} lists port {port} twice',
    fix: 'remove one of them; several Services can use the same port',
  },
  sameHostPort: {
    class: 'invalid',
    text: '{container} uses hostPort {port} twice',
    fix: 'use different host ports, or remove hostPort',
  },
  protocol: {
    class: 'invalid',
    text: '{container} has a port with protocol "{protocol}"',
    fix: 'use TCP, UDP or SCTP',
  },
} as const;

export const rolloutContainerPorts = defineRule({
  id: 'rollout-container-ports',
  summary: 'The ports of the containers of a Rollout have valid, unique names and numbers.',
  explanation:
    'A port name of more than 15 characters or a number out of range makes the controller mark the Rollout ' +
    'InvalidSpec. A Deployment may have the same port twice in a container. In a Rollout the API server rejects ' +
    'this, because number and protocol are the key of the list in the schema. Source: Argo Rollouts v1.9.1, ' +
    'pkg/apis/rollouts/validation (ValidateRolloutSpec) and manifests/crds/rollout-crd.yaml, and Kubernetes v1.34, ' +
    'pkg/apis/core/validation (validateContainerPorts, checkHostPortConflicts), which it calls.',
  subject: { 'Rollout.argoproj.io': ownContainerPlaces('ports') },
  reads: {},
  messages,
  check(context, rollout) {
    for (const container of ownContainers(rollout, context)) {
      const names = new Set<string>();
      const numbers = new Set<string>();
      const hostPorts = new Set<string>();
      const ports = asArray(container.raw['ports']);
      context.spend(COST_OF_PORT * ports.length);
      for (const [index, raw] of ports.entries()) {
        const entry: Entry = {
          raw,
          path: [...container.path, 'ports', index],
          container: renderContainer(container),
          anchorOf: (what) => `${container.name} ${what}`,
        };
        checkNumbers(context, entry, numbers);
        checkHostPort(context, entry, hostPorts);
        checkName(context, entry, names);
      }
    }
  },
});

type Context = RuleContext<typeof messages>;

interface Entry {
  readonly raw: unknown;
  readonly path: Path;
  readonly container: string;
  readonly anchorOf: (what: string | number) => string;
}

function checkNumbers(context: Context, { raw, path, container, anchorOf }: Entry, numbers: Set<string>): void {
  for (const field of ['containerPort', 'hostPort']) {
    const given = dig(raw, field) ?? undefined;
    const value = int32(given);
    // The API server rejects a number in quotes because of its type. A hostPort of 0 means none.
    const fine =
      value === undefined
        ? given !== undefined || field === 'hostPort'
        : isPortNumber(value) || (field === 'hostPort' && value === 0);
    if (!fine)
      context.report('number', {
        path: [...path, field],
        anchor: anchorOf(value ?? ''),
        data: {
          container,
          what: value === undefined ? `a port without ${field}` : `${field} ${renderInt32(given, value)}`,
        },
      });
  }
  const protocol = optionalString(dig(raw, 'protocol')) ?? 'TCP';
  if (!PROTOCOLS.includes(protocol))
    context.report('protocol', {
      path: [...path, 'protocol'],
      anchor: anchorOf(protocol),
      data: { container, protocol },
    });
  const number = optionalNumber(dig(raw, 'containerPort'));
  if (number === undefined) return;
  // The key of the list uses the protocol as written. Only a missing protocol gets the default before the key is built.
  const port = `${number}/${asString(dig(raw, 'protocol') ?? 'TCP')}`;
  if (numbers.has(port))
    context.report('sameNumber', {
      path: [...path, 'containerPort'],
      anchor: anchorOf(port),
      data: { container, port },
    });
  numbers.add(port);
}

// Like upstream, compares host ports within one container only, and addresses as they are written.
function checkHostPort(context: Context, { raw, path, container, anchorOf }: Entry, hostPorts: Set<string>): void {
  const number = int32(dig(raw, 'hostPort')) ?? 0;
  if (number === 0) return;
  const port = [optionalString(dig(raw, 'protocol')) ?? 'TCP', asString(dig(raw, 'hostIP')), number].join(' ');
  if (hostPorts.has(port))
    context.report('sameHostPort', {
      path: [...path, 'hostPort'],
      anchor: anchorOf(port),
      data: { container, port: number },
    });
  hostPorts.add(port);
}

function checkName(context: Context, { raw, path, container, anchorOf }: Entry, names: Set<string>): void {
  const name = optionalString(dig(raw, 'name'));
  if (name === undefined) return;
  const location = { path: [...path, 'name'], anchor: anchorOf(name), data: { container, name } };
  if (!isPortName(name)) context.report('name', location);
  else if (names.has(name)) context.report('sameName', location);
  names.add(name);
}

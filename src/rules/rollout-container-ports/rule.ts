import { ownContainers, renderContainer } from '../../world/containers.ts';
import { isPortName, isPortNumber } from '../../world/names.ts';
import { array, dig, optionalString } from '../../world/read.ts';
import { defineRule } from '../define.ts';

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];

export const rolloutContainerPorts = defineRule({
  id: 'rollout-container-ports',
  summary: 'The ports of the containers of a Rollout have valid, different names and numbers.',
  explanation:
    'A port name of more than 15 characters or a number out of range makes the controller mark the Rollout InvalidSpec. One number twice in a container, which a Deployment may have, is refused by the API server itself: in the ' +
    'schema of a Rollout number and protocol are the key of the list. Source: Argo Rollouts v1.9.1, pkg/apis/rollouts/validation (ValidateRolloutSpec) and manifests/crds/rollout-crd.yaml, and Kubernetes v1.34, ' +
    'pkg/apis/core/validation (validateContainerPorts), which it calls.',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  messages: {
    number: {
      class: 'invalid',
      text: '{container} has the {field} {port}',
      fix: 'write a number from 1 to 65535',
    },
    name: {
      class: 'invalid',
      text: '{container} has a port named "{name}"',
      fix: 'use at most 15 of a-z, 0-9 and single "-" in between, with one letter at least',
    },
    sameName: {
      class: 'invalid',
      text: '{container} has two ports named "{name}"',
      fix: 'give each its own name',
    },
    sameNumber: {
      class: 'invalid',
      text: '{container} has port {port} twice',
      fix: 'list it once, under one name; several Services can use it',
    },
    protocol: {
      class: 'invalid',
      text: '{container} has a port with the protocol "{protocol}"',
      fix: 'write TCP, UDP or SCTP',
    },
  },
  check(context, rollout) {
    for (const entry of ownContainers(rollout)) {
      const container = renderContainer(entry);
      const names = new Set<string>();
      const numbers = new Set<string>();
      for (const [index, raw] of array(entry.raw['ports']).entries()) {
        const path = [...entry.path, 'ports', index];
        const anchorOf = (what: string): string => `${entry.name} ${what}`;

        const number = dig(raw, 'containerPort') ?? 'missing';
        // A number in quotes is refused for its type.
        if (number === 'missing' || (typeof number === 'number' && !isPortNumber(number))) {
          context.report('number', { path: [...path, 'containerPort'], anchor: anchorOf(String(number)), data: { container, field: 'containerPort', port: number } });
        }
        const hostPort = dig(raw, 'hostPort');
        if (typeof hostPort === 'number' && hostPort !== 0 && !isPortNumber(hostPort)) {
          context.report('number', { path: [...path, 'hostPort'], anchor: anchorOf(String(hostPort)), data: { container, field: 'hostPort', port: hostPort } });
        }

        const protocol = optionalString(dig(raw, 'protocol')) ?? 'TCP';
        if (!PROTOCOLS.includes(protocol)) context.report('protocol', { path: [...path, 'protocol'], anchor: anchorOf(protocol), data: { container, protocol } });
        const port = `${String(number)}/${protocol}`;
        if (typeof number === 'number' && numbers.has(port)) context.report('sameNumber', { path: [...path, 'containerPort'], anchor: anchorOf(port), data: { container, port } });
        numbers.add(port);

        const name = optionalString(dig(raw, 'name'));
        if (name === undefined) continue;
        if (!isPortName(name)) context.report('name', { path: [...path, 'name'], anchor: anchorOf(name), data: { container, name } });
        else if (names.has(name)) context.report('sameName', { path: [...path, 'name'], anchor: anchorOf(name), data: { container, name } });
        names.add(name);
      }
    }
  },
});

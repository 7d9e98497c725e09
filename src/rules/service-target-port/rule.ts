import type { KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import {
  CONTAINER_PORT_PLACES,
  containerPorts,
  describePorts,
  isExternalName,
  countedPorts,
  portText,
  type ContainerPort,
  type ServicePort,
} from '../../world/ports.ts';
import { memo } from '../../world/memo.ts';
import { dig, stringMap } from '../../world/read.ts';
import { REFERENCE_PLACES } from '../../world/reference-places.ts';
import { references, SERVICE_ROLES } from '../../world/references.ts';
import {
  effectiveTemplate,
  effectiveTemplatePlaces,
  HASH_LABEL,
  workloadPlaces,
  type Find,
} from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

// Ports of sidecars that are injected when the pod is created: the template cannot declare them.
const INJECTED = /^(http-envoy-prom|linkerd-(proxy|admin)|dapr-(http|grpc|internal|metrics))$/;

export const serviceTargetPort = defineRule({
  id: 'service-target-port',
  summary: 'The targetPorts of the Services of a Rollout are ports of its containers.',
  explanation:
    'Kubernetes looks up a named targetPort among the named ports of each pod. If no container declares the name ' +
    'with that protocol, the Service has no endpoint for the port and every request fails. A number is used as it ' +
    'is, so a number that no container declares is only advice. It is not reported if the template declares no ' +
    'ports at all. Headless and ExternalName Services are not checked; a root Service is checked only if it ' +
    'selects the pods. Source: Kubernetes, pkg/api/v1/pod (FindPort).',
  subject: {
    'Rollout.argoproj.io': [
      ...REFERENCE_PLACES['Rollout.argoproj.io'],
      ...effectiveTemplatePlaces(...CONTAINER_PORT_PLACES),
    ],
  },
  reads: {
    Service: ['spec.ports', 'spec.selector', 'spec.type', 'spec.clusterIP'],
    ...workloadPlaces(...CONTAINER_PORT_PLACES),
  },
  stricterThanUpstream: {
    named: {
      why: 'The controller does not compare ports. A targetPort by a name that no container declares gives the Service no endpoint: every pod becomes ready, every step passes, and every request fails.',
      seenBy: ['e2e'],
    },
  },
  example: {
    fixture: 'bad-name-nobody-declares.yaml',
    referenced: 'Service assistant-stable',
    before: [['targetPort: http', 'targetPort: 5001']],
  },
  messages: {
    named: {
      class: 'invalid',
      text: 'Service "{service}" sends port {port} to targetPort "{target}", but no container of Rollout "{rollout}" has a {protocol} port of that name ({has})',
      fix: 'name a containerPort "{target}", or use a port number as targetPort',
    },
    number: {
      class: 'advice',
      text: 'Service "{service}" sends port {port} to targetPort {target}, which no container of Rollout "{rollout}" declares ({has})',
      fix: 'correct the number, or declare the containerPort if a container listens on it',
    },
  },
  check(context, rollout) {
    const effective = effectiveTemplate(rollout, context.find);
    if (effective === undefined) return;
    const declared = containerPorts(effective.template, context);
    if (declared === undefined) return;
    const isDeclared = declarations(declared);
    const has = declared.length === 0 ? 'none is declared' : `declared: ${describePorts(declared, true)}`;
    for (const { service, path } of servicesOf(rollout, effective.labels, context.find)) {
      const ports = countedPorts(service, context);
      // Many Rollouts may share it, and most ports lead to the same.
      if (targetsOf(ports).every(({ targetPort, protocol }) => isDeclared(targetPort, protocol))) continue;
      for (const port of ports) {
        const { targetPort: target, protocol } = port;
        if (isDeclared(target, protocol)) continue;
        context.report(typeof target === 'number' ? 'number' : 'named', {
          object: service,
          path: port.targetPath,
          anchor: String(target),
          data: {
            service: service.metadata.name,
            port: portText(port),
            protocol,
            target,
            rollout: rollout.metadata.name,
            has,
          },
          related: [
            { object: rollout, path },
            { object: effective.source, path: [...effective.path, 'spec', 'containers'] },
          ],
        });
      }
    }
  },
});

/** The first port of each target. */
const targetsOf = memo((ports: readonly ServicePort[]): readonly ServicePort[] => {
  const targets = new Map(
    ports.toReversed().map((port) => [`${typeof port.targetPort} ${port.targetPort} ${port.protocol}`, port]),
  );
  return [...targets.values()];
});

function declarations(declared: readonly ContainerPort[]): (target: number | string, protocol: string) => boolean {
  const numbers = new Set(declared.map(({ number }) => number));
  const names = new Set(declared.map(({ name, protocol }) => `${name}/${protocol}`));
  return (target, protocol) =>
    typeof target === 'number'
      ? numbers.size === 0 || numbers.has(target)
      : INJECTED.test(target) || names.has(`${target}/${protocol}`);
}

interface NamedService {
  readonly service: KubeObject;
  /** The field of the Rollout that names it. */
  readonly path: Path;
}

// A root Service does not have to select the pods: it may only be a name that routes refer to.
function servicesOf(rollout: KubeObject, labels: ReadonlyMap<string, string>, find: Find): readonly NamedService[] {
  const named = new Map<string, NamedService>();
  for (const { kind, namespace, name, role, path } of references(rollout)) {
    if (kind !== 'Service' || (role !== 'root' && !SERVICE_ROLES.includes(role)) || named.has(name)) continue;
    const service = find(kind, namespace, name);
    if (service !== undefined && (role !== 'root' || selects(service, labels))) named.set(name, { service, path });
  }
  return [...named.values()].filter(
    ({ service }) => !isExternalName(service) && dig(service, 'spec', 'clusterIP') !== 'None',
  );
}

function selects(service: KubeObject, labels: ReadonlyMap<string, string>): boolean {
  const selector = [...stringMap(dig(service, 'spec', 'selector'))].filter(([label]) => label !== HASH_LABEL);
  return selector.length > 0 && selector.every(([label, value]) => labels.get(label) === value);
}

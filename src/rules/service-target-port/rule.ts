import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { containerPorts, describePorts, isExternalName, portsOf, portText } from '../../world/ports.ts';
import { dig, stringMap } from '../../world/read.ts';
import { references, SERVICE_ROLES } from '../../world/references.ts';
import { effectiveTemplate, HASH_LABEL } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

// Ports of sidecars that admission adds to the pod later: the template cannot declare them.
const INJECTED = /^(http-envoy-prom|linkerd-(proxy|admin)|dapr-(http|grpc|internal|metrics))$/;

export const serviceTargetPort = defineRule({
  id: 'service-target-port',
  summary: 'The targetPorts of the Services of a Rollout are ports of its containers.',
  explanation:
    'A targetPort that is a name is looked up among the named ports of each pod; where no container declares it, with that protocol, the Service has no endpoint for that port and every request fails. A number is used as it ' +
    'is, declared or not, so a number that nobody declares is only a hint, and none at all where the template declares no ports. Headless and ExternalName Services are not judged, a root Service only where it selects the pods. ' +
    'Source: Kubernetes, pkg/api/v1/pod (FindPort).',
  subject: ['Rollout.argoproj.io'],
  reads: ['Service', 'Deployment.apps', 'ReplicaSet.apps', 'PodTemplate'],
  messages: {
    named: {
      class: 'invalid',
      text: 'Service "{service}" sends port {port} to targetPort "{target}", but no container of Rollout "{rollout}" declares a {protocol} port of that name ({has})',
      fix: 'declare the containerPort with name: {target}, or set targetPort to its number',
    },
    number: {
      class: 'advice',
      text: 'Service "{service}" sends port {port} to targetPort {target}, which no container of Rollout "{rollout}" declares ({has})',
      fix: 'correct the number, or declare the containerPort if something listens there',
    },
  },
  check(context, rollout) {
    const effective = effectiveTemplate(rollout, context.find);
    if (effective === undefined) return;
    const declared = containerPorts(effective.template);
    if (declared === undefined) return;
    const has = declared.length === 0 ? 'none is declared' : `declared: ${describePorts(declared, true)}`;
    const seen = new Set<string>();
    for (const { kind, name, role, path } of references(rollout)) {
      if (kind !== 'Service' || (role !== 'root' && !SERVICE_ROLES.includes(role)) || seen.has(name)) continue;
      seen.add(name);
      const service = context.find(kind, namespaceOf(rollout), name);
      if (service === undefined || isExternalName(service) || dig(service, 'spec', 'clusterIP') === 'None') continue;
      if (role === 'root' && !selects(service, effective.labels)) continue;
      for (const port of portsOf(service)) {
        const { targetPort, protocol } = port;
        const isNumber = typeof targetPort === 'number';
        if (isNumber && (declared.length === 0 || declared.some(({ number }) => number === targetPort))) continue;
        if (!isNumber && (INJECTED.test(targetPort) || declared.some((entry) => entry.name === targetPort && entry.protocol === protocol))) continue;
        context.report(isNumber ? 'number' : 'named', {
          object: service,
          path: port.targetPath,
          anchor: String(targetPort),
          data: { service: name, port: portText(port), protocol, target: targetPort, rollout: rollout.metadata.name, has },
          related: [
            { object: rollout, path },
            { object: effective.source, path: [...effective.path, 'spec', 'containers'] },
          ],
        });
      }
    }
  },
});

function selects(service: KubeObject, labels: ReadonlyMap<string, string>): boolean {
  const selector = [...stringMap(dig(service, 'spec', 'selector'))].filter(([label]) => label !== HASH_LABEL);
  return selector.length > 0 && selector.every(([label, value]) => labels.get(label) === value);
}

import type { Path } from '../../world/path.ts';
import {
  describePorts,
  isExternalName,
  portNumber,
  portsOf,
  portUses,
  type PortUse,
  type ServicePort,
} from '../../world/ports.ts';
import { asArray, dig, optionalNumber } from '../../world/read.ts';
import { defineRule } from '../define.ts';

export const routePortExists = defineRule({
  id: 'route-port-exists',
  summary: 'The ports that the routes of a Rollout send to are ports of their Services.',
  explanation:
    'A VirtualService destination, a backendRef or an Ingress backend with a port that its Service does not have leads nowhere, which for a canary shows ' +
    'only once it gets traffic. The controller does not look at ports. For nginx it copies the stable Ingress with the canary Service in it, so the port ' +
    'must be one of that Service too; for ALB it sends to servicePort of both Services. A destination without port is right for a Service with one port; ' +
    'with several, Istio takes the port number that the request came in on, which behind a gateway is a port of the gateway. Source: Istio, ' +
    'networking/core/route (GetDestinationCluster) and analysis message IST0112; Gateway API, BackendObjectReference; Argo Rollouts v1.9.1, ' +
    'rollout/trafficrouting/nginx and alb.',
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
  stricterThanUpstream: {
    absent: {
      why: 'The validation does not compare ports. The load balancer sends to a port that the Service does not have, and answers 503.',
      seenBy: ['agreement', 'e2e'],
    },
    absentForCanary: {
      why: 'The validation does not compare ports. The load balancer sends to a port that the Service does not have, and answers 503.',
      seenBy: ['agreement', 'e2e'],
    },
    unnamed: {
      why: 'The validation does not read ports. A backendRef needs a port to mean a Service. Behind a gateway, Istio uses the port of the request, which is a port of the gateway and not of the Service.',
      seenBy: ['e2e'],
    },
  },
  example: { fixture: 'bad-http-route-port.yaml', referenced: 'HTTPRoute reviews' },
  messages: {
    absent: {
      class: 'invalid',
      text: '{kind} "{name}" sends to port {port} of Service "{service}", which has no such port (it has {has})',
      fix: 'name a port that it has, or add that port to the Service',
    },
    absentForCanary: {
      class: 'invalid',
      text: 'the controller copies Ingress "{name}" for the canary Service "{service}", which has no port {port} (it has {has})',
      fix: 'give the canary Service the port of the stable one',
    },
    unnamed: {
      class: 'invalid',
      text: '{kind} "{name}" names no port of Service "{service}" (it has {has})',
      fix: 'name the port in the route',
    },
    unnamedInMesh: {
      class: 'advice',
      text: '{kind} "{name}" names no port of Service "{service}", which has several ({has}), so each request goes to the port number it was sent to',
      fix: 'name the port if only one of them is meant',
    },
  },
  check(context, rollout) {
    const wrong = new Set<Path>();
    for (const use of portUses(rollout, context)) {
      const { by, object, path, from, namespace, service: name, port } = use;
      const service = context.find('Service', namespace, name);
      if (service === undefined || isExternalName(service)) continue;
      const ports = portsOf(service);
      if (ports.length === 0 || (port !== undefined && portNumber(ports, port) !== undefined)) continue;

      const data = {
        kind: object.kind,
        name: object.metadata.name,
        service: name,
        has: describePorts(ports, typeof port === 'string'),
      };
      const related = [
        { object: service, path: ['spec', 'ports'] },
        { object: rollout, path: from },
      ];
      if (port !== undefined) {
        // What is wrong in the Ingress itself is no better in its copy.
        if (by === 'copy of Ingress' && wrong.has(path)) continue;
        wrong.add(path);
        const text = typeof port === 'number' ? port : `"${port}"`;
        context.report(by === 'copy of Ingress' ? 'absentForCanary' : 'absent', {
          object,
          path,
          anchor: `${name} ${port}`,
          data: { ...data, port: text },
          related,
        });
      } else if (by === 'Gateway API') {
        context.report('unnamed', { object, path, anchor: name, data, related });
      } else if (ports.length > 1 && !arrivesOn(use, ports)) {
        context.report(isBehindGateway(use) ? 'unnamed' : 'unnamedInMesh', {
          object,
          path,
          anchor: name,
          data,
          related,
        });
      }
    }
  },
});

// Where every match of the route names a port that the Service has, there is no doubt which port is meant.
function arrivesOn({ route }: PortUse, ports: readonly ServicePort[]): boolean {
  const matches = asArray(dig(route?.raw, 'match'));
  return (
    matches.length > 0 &&
    matches.every((match) => portNumber(ports, optionalNumber(dig(match, 'port')) ?? 0) !== undefined)
  );
}

// "mesh" stands for the sidecars: there requests come in on a port of the very Service they were sent to.
function isBehindGateway({ object }: PortUse): boolean {
  const gateways = asArray(dig(object, 'spec', 'gateways'));
  return gateways.length > 0 && !gateways.includes('mesh');
}

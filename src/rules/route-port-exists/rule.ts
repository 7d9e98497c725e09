import { getOrAdd } from '../../world/get-or-add.ts';
import { ROUTE_PLACES } from '../../world/istio.ts';
import type { KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { PORT_USE_PLACES, PORT_USER_PLACES, portUses, type PortUse } from '../../world/port-uses.ts';
import { describePorts, isExternalName, portNumber, portsOf, type ServicePort } from '../../world/ports.ts';
import { asArray, dig, optionalNumber } from '../../world/read.ts';
import { defineRule } from '../define.ts';

export const routePortExists = defineRule({
  id: 'route-port-exists',
  summary: 'The routes of a Rollout send only to ports that their Services have.',
  explanation:
    'If a VirtualService destination, a backendRef or a backend in an Ingress, TraefikService or ApisixRoute has a ' +
    'port that its Service does not have, its traffic goes nowhere. For a canary this shows only when it gets traffic. The controller does not ' +
    'check ports. For nginx it copies the stable Ingress and puts the canary Service into the copy, so that ' +
    'Service needs the same port. For ALB it sends to servicePort of both Services. A destination without a port ' +
    'is valid for a Service with one port. With several ports, Istio uses the port number that the request came ' +
    'in on. Behind a gateway this is a port of the gateway. Source: Istio, networking/core/route ' +
    '(GetDestinationCluster) and analysis message IST0112; Gateway API, BackendObjectReference; Argo Rollouts ' +
    'v1.9.1, rollout/trafficrouting (nginx, alb, traefik and apisix).',
  subject: { 'Rollout.argoproj.io': PORT_USE_PLACES },
  reads: {
    Service: ['spec.ports', 'spec.type'],
    ...PORT_USER_PLACES,
    'VirtualService.networking.istio.io': [...ROUTE_PLACES, 'spec.http[*].match', 'spec.gateways'],
  },
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
      fix: 'use a port that the Service has, or add this port to the Service',
    },
    absentForCanary: {
      class: 'invalid',
      text: 'the Rollouts controller copies Ingress "{name}" for canary Service "{service}", which has no port {port} (it has {has})',
      fix: 'give the canary Service the same port as the stable Service',
    },
    unnamed: {
      class: 'invalid',
      text: '{kind} "{name}" sets no port for Service "{service}" (it has {has})',
      fix: 'set the port in the route',
    },
    unnamedInMesh: {
      class: 'advice',
      text: '{kind} "{name}" sets no port for Service "{service}", which has several ({has}), so each request keeps the port number it was sent to',
      fix: 'set the port if only one of them is meant',
    },
  },
  check(context, rollout) {
    const wrong = new Set<Path>();
    const services = new Map<string, KubeObject | undefined>();
    for (const use of portUses(rollout, context)) {
      const { by, object, path, from, namespace, service: name, port } = use;
      // To find its port. Each Service is looked up once.
      context.spend(1);
      const service = getOrAdd(services, `${namespace}/${name}`, () => context.find('Service', namespace, name));
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
        // If the Ingress itself is wrong, its copy is not reported again.
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

// If every match of the route names a port that the Service has, it is clear which port is meant.
function arrivesOn({ route }: PortUse, ports: readonly ServicePort[]): boolean {
  const matches = asArray(dig(route?.raw, 'match'));
  return (
    matches.length > 0 &&
    matches.every((match) => portNumber(ports, optionalNumber(dig(match, 'port')) ?? 0) !== undefined)
  );
}

// "mesh" stands for the sidecars. They receive a request on a port of the Service that it was sent to.
function isBehindGateway({ object }: PortUse): boolean {
  const gateways = asArray(dig(object, 'spec', 'gateways'));
  return gateways.length > 0 && !gateways.includes('mesh');
}

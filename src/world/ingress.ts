import type { KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { asArray, dig, optionalString, asString } from './read.ts';
import { references } from './references.ts';
import { canaryOf, trafficRoutingOf } from './rollout.ts';

/** The port name by which an ALB Ingress says that an annotation holds the backends and their weights. */
export const USE_ANNOTATION = 'use-annotation';

/** An Ingress that a Rollout names, and the router it belongs to. */
export interface ManagedIngress {
  readonly router: 'nginx' | 'alb';
  readonly name: string;
  /** Where the Rollout names it. */
  readonly path: Path;
}

/** In: a Rollout. Out: the Ingresses it drives, in the order of the fields. */
export function managedIngresses(rollout: KubeObject): readonly ManagedIngress[] {
  return references(rollout)
    .filter(({ role }) => role === 'Ingress')
    .map(({ name, path }) => ({ name, path, router: path.includes('alb') ? 'alb' : 'nginx' }));
}

/**
 * In: a Rollout. Out: the Service whose rule in an ALB Ingress the controller annotates: the root Service, else the
 * stable one; empty where neither is named.
 */
export function albActionService(rollout: KubeObject): string {
  return (
    optionalString(dig(trafficRoutingOf(rollout), 'alb', 'rootService')) ??
    asString(canaryOf(rollout)?.['stableService'])
  );
}

/** A Service that a rule of an Ingress sends to. */
export interface IngressBackend {
  readonly service: string;
  /** A number or a name; undefined where neither is given. */
  readonly port: number | string | undefined;
  /** Where the Service is named. */
  readonly path: Path;
  /** Where the port is given. */
  readonly portPath: Path;
}

/**
 * In: an Ingress of any version. Out: the Services its rules send to, in order; the default backend is none of them.
 */
export function ingressBackends(ingress: KubeObject): readonly IngressBackend[] {
  return asArray(dig(ingress, 'spec', 'rules')).flatMap((rule, index) =>
    asArray(dig(rule, 'http', 'paths')).flatMap((entry, position): IngressBackend[] => {
      const at = ['spec', 'rules', index, 'http', 'paths', position, 'backend'];
      const service = optionalString(dig(entry, 'backend', 'service', 'name'));
      if (service !== undefined) {
        const number = portOf(dig(entry, 'backend', 'service', 'port', 'number'));
        const field = number === undefined ? 'name' : 'number';
        const port = number ?? portOf(dig(entry, 'backend', 'service', 'port', 'name'));
        return [{ service, port, path: [...at, 'service', 'name'], portPath: [...at, 'service', 'port', field] }];
      }
      // The form of extensions/v1beta1 and networking.k8s.io/v1beta1, which the controller still reads.
      const legacy = optionalString(dig(entry, 'backend', 'serviceName'));
      if (legacy === undefined) return [];
      return [
        {
          service: legacy,
          port: portOf(dig(entry, 'backend', 'servicePort')),
          path: [...at, 'serviceName'],
          portPath: [...at, 'servicePort'],
        },
      ];
    }),
  );
}

function portOf(value: unknown): number | string | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && value > 0 ? value : undefined;
  return optionalString(value);
}

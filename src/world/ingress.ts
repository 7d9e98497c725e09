import { countedMemo, type Counting } from './memo.ts';
import type { KubeObject } from './object.ts';
import type { Path } from './path.ts';
import type { Place } from './place.ts';
import { asArray, dig, optionalString, asString } from './read.ts';
import { references } from './references.ts';
import { canaryOf, trafficRoutingOf } from './rollout.ts';

/** The port name by which an ALB Ingress says that an annotation contains the backends and their weights. */
export const USE_ANNOTATION = 'use-annotation';

/** An Ingress that a Rollout refers to, and its router. */
export interface ManagedIngress {
  readonly router: 'nginx' | 'alb';
  readonly name: string;
  /** The path of the reference in the Rollout. */
  readonly path: Path;
}

/** Returns the Ingresses that a Rollout controls, in the order of the fields. */
export function managedIngresses(rollout: KubeObject): readonly ManagedIngress[] {
  return references(rollout)
    .filter(({ role }) => role === 'Ingress')
    .map(({ name, path }) => ({ name, path, router: path.includes('alb') ? 'alb' : 'nginx' }));
}

/**
 * Returns the Service whose rule in an ALB Ingress the controller annotates: the root Service, otherwise the stable
 * one; empty if neither is set.
 */
export function albActionService(rollout: KubeObject): string {
  return (
    optionalString(dig(trafficRoutingOf(rollout), 'alb', 'rootService')) ??
    asString(canaryOf(rollout)?.['stableService'])
  );
}

/** A Service in a rule of an Ingress. */
export interface IngressBackend {
  readonly service: string;
  /** A number or a name; undefined if neither is set. */
  readonly port: number | string | undefined;
  /** The path of the Service's name. */
  readonly path: Path;
  /** The path of the port. */
  readonly portPath: Path;
}

const backendsByService = countedMemo(
  (ingress: KubeObject): ReadonlyMap<string, readonly IngressBackend[]> =>
    Map.groupBy(ingressBackends(ingress), ({ service }) => service),
  (ingress) =>
    asArray(dig(ingress, 'spec', 'rules')).reduce<number>(
      (sum, rule) => sum + asArray(dig(rule, 'http', 'paths')).length,
      0,
    ),
);

/** The places that `ingressBackendsOf` reads in an Ingress. */
export const INGRESS_BACKEND_PLACES: readonly Place[] = ['spec.rules[*].http.paths[*].backend'];

/**
 * Returns the entries for some Services in the rules of an Ingress: by Service, then in order. Each is an operation,
 * counted before.
 */
export function ingressBackendsOf(
  ingress: KubeObject,
  services: ReadonlySet<string>,
  counting: Counting,
): readonly IngressBackend[] {
  return [...services].flatMap((service) => {
    const backends = backendsByService(ingress, counting).get(service) ?? [];
    counting.spend(backends.length);
    return backends;
  });
}

// The Services in the rules of an Ingress of any version, in order, without the default backend.
function ingressBackends(ingress: KubeObject): readonly IngressBackend[] {
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

/**
 * Returns the part of a host before its first dot, the only part that the controller compares (Argo Rollouts v1.9.1,
 * `getHost`).
 */
export function shortHost(host: string): string {
  const dot = host.indexOf('.');
  if (dot === 0) return '';
  return dot < 0 ? host : host.slice(0, dot);
}

/**
 * Returns the Service that a destination host stands for, or undefined for an external host or one with a wildcard.
 * Istio resolves a host without dots to a Service of that namespace (`ResolveShortnameToFQDN` of its
 * `pilot/pkg/model`). The `.svc` and `.svc.cluster.local` forms contain their own namespace. Any other dotted name,
 * including `name.namespace`, is an external host.
 * @param namespace - The namespace of the object that contains the host.
 */
export function destinationService(
  host: string,
  namespace: string,
): { readonly name: string; readonly namespace: string } | undefined {
  if (/[*/:]/.test(host)) return undefined;
  const [name = '', ns, svc] = host.split('.', 3);
  if (name === '') return undefined;
  if (ns === undefined) return { name, namespace };
  return svc === 'svc' && ns !== '' ? { name, namespace: ns } : undefined;
}

/** A host and the namespace of the object that contains it. */
export interface PlacedHost {
  readonly host: string;
  readonly namespace: string;
}

/**
 * Reports whether the hosts of a destination and a DestinationRule may be the same: the same Service, or the same name
 * apart from case. True if that is not certain: a wildcard may cover the other host, and `name.namespace`, which Istio
 * does not complete, often stands for a Service.
 */
export function mayBeSameHost(a: PlacedHost, b: PlacedHost): boolean {
  if (a.host.includes('*') || b.host.includes('*')) return true;
  return canonicalHost(a) === canonicalHost(b);
}

/** Returns a text that is the same for all hosts that stand for one Service, or have one name. */
export function canonicalHost({ host, namespace }: PlacedHost): string {
  const service = destinationService(host, namespace);
  return (service === undefined ? host : `${service.name}.${service.namespace}`).toLowerCase();
}

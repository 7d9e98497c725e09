// The harness talks of a handful of kinds; the plural of each is its lower-case kind and an s, but for these.
const PLURALS: Readonly<Record<string, string>> = {
  Ingress: 'ingresses',
  EndpointSlice: 'endpointslices',
  ResourceQuota: 'resourcequotas',
};

/**
 * In: an object's apiVersion, kind, namespace (empty: cluster-scoped, or a list of all namespaces) and name (undefined:
 * the list). Out: the path of the API.
 */
export function pathOf({
  apiVersion,
  kind,
  namespace,
  name,
}: {
  apiVersion: string;
  kind: string;
  namespace: string;
  name?: string | undefined;
}): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const plural = PLURALS[kind] ?? `${kind.toLowerCase()}s`;
  return [
    root,
    ...(namespace === '' ? [] : [`namespaces/${namespace}`]),
    plural,
    ...(name === undefined ? [] : [name]),
  ].join('/');
}

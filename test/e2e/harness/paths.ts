// The harness uses a few kinds. Their plurals are the lower-case kind and an s, with these exceptions.
const PLURALS: Readonly<Record<string, string>> = {
  Ingress: 'ingresses',
  EndpointSlice: 'endpointslices',
  GitRepository: 'gitrepositories',
  ResourceQuota: 'resourcequotas',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
};

/**
 * Returns the API path of an object or a list.
 *
 * @param object - An empty `namespace` means a cluster-scoped object, or a list of all namespaces. An undefined `name`
 *   means the list.
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

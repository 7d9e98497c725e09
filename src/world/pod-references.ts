import type { Path } from './path.ts';
import { asArray, dig } from './read.ts';
import { addReference } from './reference-list.ts';
import type { Reference } from './reference-list.ts';

/** The places that `podReferences` reads in a pod spec. */
export const POD_REFERENCE_PLACES: readonly string[] = [
  'serviceAccountName',
  'volumes',
  ...['containers', 'initContainers'].flatMap((list) => [`${list}[*].envFrom`, `${list}[*].env[*].valueFrom`]),
];

/**
 * Returns the references of a pod spec to ConfigMaps, Secrets and its ServiceAccount. Only the names of Secrets are
 * used; Rollgate never reads one.
 */
export function podReferences(podSpec: unknown, path: Path, namespace: string): Reference[] {
  const list: Reference[] = [];
  addPodReferences(list, podSpec, path, namespace);
  return list;
}

/** Adds the same references to a list. */
export function addPodReferences(list: Reference[], podSpec: unknown, path: Path, namespace: string): void {
  const add: Add = (source, at, { kind, field, name }) => {
    const part = dig(source, field);
    // Most variables, containers and volumes refer to nothing, so nothing is made for them.
    if (part === undefined) return;
    const optional = dig(part, 'optional') === true;
    addReference(list, dig(part, name), { kind, namespace, role: kind, path: [...path, ...at, field, name], optional });
  };
  addReference(list, dig(podSpec, 'serviceAccountName'), {
    kind: 'ServiceAccount',
    namespace,
    role: 'ServiceAccount',
    path: [...path, 'serviceAccountName'],
  });
  for (const [index, volume] of asArray(dig(podSpec, 'volumes')).entries()) {
    const at = ['volumes', index];
    add(volume, at, { kind: 'ConfigMap', field: 'configMap', name: 'name' });
    add(volume, at, { kind: 'Secret', field: 'secret', name: 'secretName' });
    for (const [source, projection] of asArray(dig(volume, 'projected', 'sources')).entries()) {
      const inside = [...at, 'projected', 'sources', source];
      add(projection, inside, { kind: 'ConfigMap', field: 'configMap', name: 'name' });
      add(projection, inside, { kind: 'Secret', field: 'secret', name: 'name' });
    }
  }
  for (const field of ['initContainers', 'containers'])
    for (const [index, container] of asArray(dig(podSpec, field)).entries())
      addOfContainer(add, container, [field, index]);
}

type Add = (
  source: unknown,
  at: Path,
  reference: { readonly kind: 'ConfigMap' | 'Secret'; readonly field: string; readonly name: string },
) => void;

function addOfContainer(add: Add, container: unknown, at: Path): void {
  const envFrom = asArray(dig(container, 'envFrom'));
  for (let index = 0; index < envFrom.length; index++) {
    const inside = [...at, 'envFrom', index];
    add(envFrom[index], inside, { kind: 'ConfigMap', field: 'configMapRef', name: 'name' });
    add(envFrom[index], inside, { kind: 'Secret', field: 'secretRef', name: 'name' });
  }
  const env = asArray(dig(container, 'env'));
  for (let index = 0; index < env.length; index++) {
    const from = dig(env[index], 'valueFrom');
    if (from === undefined) continue;
    const inside = [...at, 'env', index, 'valueFrom'];
    add(from, inside, { kind: 'ConfigMap', field: 'configMapKeyRef', name: 'name' });
    add(from, inside, { kind: 'Secret', field: 'secretKeyRef', name: 'name' });
  }
}

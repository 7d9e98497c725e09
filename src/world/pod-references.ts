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
  addReference(list, dig(podSpec, 'serviceAccountName'), {
    kind: 'ServiceAccount',
    namespace,
    role: 'ServiceAccount',
    path: [...path, 'serviceAccountName'],
  });
  for (const [index, volume] of asArray(dig(podSpec, 'volumes')).entries()) {
    const at = [...path, 'volumes', index];
    const optional = (source: string): { optional: boolean } => ({
      optional: dig(volume, source, 'optional') === true,
    });
    addReference(list, dig(volume, 'configMap', 'name'), {
      kind: 'ConfigMap',
      namespace,
      role: 'ConfigMap',
      path: [...at, 'configMap', 'name'],
      ...optional('configMap'),
    });
    addReference(list, dig(volume, 'secret', 'secretName'), {
      kind: 'Secret',
      namespace,
      role: 'Secret',
      path: [...at, 'secret', 'secretName'],
      ...optional('secret'),
    });
    for (const [source, projection] of asArray(dig(volume, 'projected', 'sources')).entries()) {
      const inside = [...at, 'projected', 'sources', source];
      const maybe = (kind: string): { optional: boolean } => ({ optional: dig(projection, kind, 'optional') === true });
      addReference(list, dig(projection, 'configMap', 'name'), {
        kind: 'ConfigMap',
        namespace,
        role: 'ConfigMap',
        path: [...inside, 'configMap', 'name'],
        ...maybe('configMap'),
      });
      addReference(list, dig(projection, 'secret', 'name'), {
        kind: 'Secret',
        namespace,
        role: 'Secret',
        path: [...inside, 'secret', 'name'],
        ...maybe('secret'),
      });
    }
  }
  for (const field of ['initContainers', 'containers']) {
    for (const [index, container] of asArray(dig(podSpec, field)).entries()) {
      const at = [...path, field, index];
      for (const [source, entry] of asArray(dig(container, 'envFrom')).entries()) {
        const inside = [...at, 'envFrom', source];
        addReference(list, dig(entry, 'configMapRef', 'name'), {
          kind: 'ConfigMap',
          namespace,
          role: 'ConfigMap',
          path: [...inside, 'configMapRef', 'name'],
          optional: dig(entry, 'configMapRef', 'optional') === true,
        });
        addReference(list, dig(entry, 'secretRef', 'name'), {
          kind: 'Secret',
          namespace,
          role: 'Secret',
          path: [...inside, 'secretRef', 'name'],
          optional: dig(entry, 'secretRef', 'optional') === true,
        });
      }
      for (const [variable, entry] of asArray(dig(container, 'env')).entries()) {
        const inside = [...at, 'env', variable, 'valueFrom'];
        const from = dig(entry, 'valueFrom');
        addReference(list, dig(from, 'configMapKeyRef', 'name'), {
          kind: 'ConfigMap',
          namespace,
          role: 'ConfigMap',
          path: [...inside, 'configMapKeyRef', 'name'],
          optional: dig(from, 'configMapKeyRef', 'optional') === true,
        });
        addReference(list, dig(from, 'secretKeyRef', 'name'), {
          kind: 'Secret',
          namespace,
          role: 'Secret',
          path: [...inside, 'secretKeyRef', 'name'],
          optional: dig(from, 'secretKeyRef', 'optional') === true,
        });
      }
    }
  }
  return list;
}

import { keyFor, type KindId, type ObjectKey } from './object.ts';
import type { Path } from './path.ts';
import { optionalString } from './read.ts';
import type { OfVersions } from './rollouts-versions.ts';

/** The role of an object for the one that refers to it. */
export type Role =
  | 'stable'
  | 'canary'
  | 'ping'
  | 'pong'
  | 'active'
  | 'preview'
  | 'root'
  /** A Service that an experiment creates. */
  | 'experiment'
  /** An object of a router that the controller creates, and that nobody else may. */
  | 'created'
  | 'VirtualService'
  | 'DestinationRule'
  | 'route'
  | 'routes by selector'
  | 'Ingress'
  | 'router'
  /** An App Mesh VirtualNode, into whose pod selector the controller writes. */
  | 'virtual node'
  | 'template'
  | 'workload'
  | 'ConfigMap'
  | 'Secret'
  | 'ServiceAccount'
  | 'backend'
  | 'scale target'
  | 'same pods'
  | 'same name'
  | 'controller configuration'
  | 'controller';

/** A reference from one object to another. */
export interface Reference {
  readonly kind: KindId | undefined;
  readonly namespace: string;
  readonly name: string;
  readonly role: Role;
  /** The path of the name in the referring object. */
  readonly path: Path;
  readonly key: ObjectKey;
  /** Whether a change of the referring object affects the other referrers of the target too. */
  readonly shared: boolean;
  /** Whether the target may be missing without harm (`optional: true` of a volume). */
  readonly optional: boolean;
  /** The releases of Argo Rollouts that refer to it; undefined if all do. */
  readonly versions?: OfVersions | undefined;
}

/** The target of a reference, except its name. */
export interface Target {
  readonly kind: KindId;
  readonly namespace: string;
  readonly role: Role;
  readonly path: Path;
  readonly shared?: boolean;
  readonly optional?: boolean;
  readonly versions?: OfVersions | undefined;
}

/** Returns the reference to an object. */
export function reference(
  name: string,
  { kind, namespace, role, path, shared = false, optional = false, versions }: Target,
): Reference {
  return { kind, namespace, name, role, path, key: keyFor(kind, namespace, name), shared, optional, versions };
}

/**
 * The most references of one object that are followed. To index them takes some tens of milliseconds, in which nobody else
 * has their turn. A VirtualService with 2,500 routes has 5,000.
 */
export const MOST_REFERENCES = 20_000;

/** Adds the reference to an object to a list, if the value is a name. Adds at most one more than are followed. */
export function addReference(list: Reference[], value: unknown, target: Target): void {
  if (list.length > MOST_REFERENCES) return;
  const name = optionalString(value);
  if (name !== undefined) list.push(reference(name, target));
}

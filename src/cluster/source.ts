import { keyFor, namespaceOf, type KindId, type KubeObject, type ObjectKey } from '../world/object.ts';
import { asArray, dig, asString } from '../world/read.ts';
import type { ObjectStore } from '../world/store.ts';
import type { ApiClient } from './client.ts';
import { pathOf, type Served } from './discovery.ts';
import { Reflector, type Logger, type Sink } from './reflector.ts';
import type { Timing } from './timing.ts';
import { CONTROLLER_CONFIG, NAME_ONLY, trim } from './trim.ts';

/** The scope of one list: a kind, possibly limited to a namespace or to the controllers' ConfigMaps. */
export interface WatchScope {
  readonly served: Served;
  /** Undefined means all namespaces. */
  readonly namespace: string | undefined;
  /** For ConfigMaps: only the controllers' own, with content. All others are read without content. */
  readonly controllerConfig: boolean;
}

/** What the sources of a cluster share. */
export interface SourceContext {
  readonly store: ObjectStore;
  readonly timing: Timing;
  readonly log: Logger;
  /** Called after the store has changed. */
  changed(key: ObjectKey): void;
  /** Called when the API server responds as if it did not serve a list. */
  unserved(): void;
  /** Returns the object from any source. Two groups may serve one kind. */
  find(kind: KindId, namespace: string, name: string): KubeObject | undefined;
}

/** Keeps the objects of one list in a store. */
export class Source implements Sink {
  readonly scope: WatchScope;
  readonly reflector: Reflector;
  readonly #context: SourceContext;
  // By namespace and name; undefined means that the object exists but is not stored.
  #objects = new Map<string, Map<string, KubeObject | undefined>>();

  constructor(client: ApiClient, scope: WatchScope, context: SourceContext) {
    this.scope = scope;
    this.#context = context;
    const { served, namespace, controllerConfig } = scope;
    const path = pathOf(served, namespace);
    const target = {
      path,
      query: controllerConfig ? { fieldSelector: `metadata.name=${CONTROLLER_CONFIG}` } : {},
      metadataOnly: NAME_ONLY.has(served.kind) && !controllerConfig,
      label: controllerConfig ? `${path} ${CONTROLLER_CONFIG}` : path,
    };
    this.reflector = new Reflector(client, target, this, context.timing, context.log);
  }

  /**
   * Reports whether the list may contain an object.
   * @param namespace - Empty means all.
   * @param name - Undefined means any.
   */
  covers(namespace: string, name: string | undefined): boolean {
    const { served, controllerConfig } = this.scope;
    if (this.scope.namespace !== undefined && namespace !== '' && this.scope.namespace !== namespace) return false;
    return served.kind !== 'ConfigMap' || name === undefined || (name === CONTROLLER_CONFIG) === controllerConfig;
  }

  /**
   * Reports whether an object exists that is not stored.
   * @param namespace - Empty means all.
   * @param name - Undefined means any.
   */
  hasUnstored(namespace: string, name: string | undefined): boolean {
    if (this.scope.served.kind !== 'ReplicaSet.apps') return false;
    if (namespace === '') return [...this.#objects.keys()].some((each) => this.hasUnstored(each, name));
    const names = this.#objects.get(namespace);
    if (names === undefined) return false;
    if (name !== undefined) return names.has(name) && names.get(name) === undefined;
    for (const object of names.values()) if (object === undefined) return true;
    return false;
  }

  /** Returns the stored object, or undefined. */
  get(namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get(namespace)?.get(name);
  }

  transform(raw: unknown): KubeObject | undefined {
    const { kind, apiVersion } = this.scope.served;
    const name = asString(dig(raw, 'metadata', 'name'));
    if (kind === 'ConfigMap' && (name === CONTROLLER_CONFIG) !== this.scope.controllerConfig) return undefined;
    const stored = this.get(asString(dig(raw, 'metadata', 'namespace')), name);
    return stored !== undefined && isSame(stored, raw) ? stored : trim(kind, apiVersion, raw);
  }

  replace(objects: readonly KubeObject[]): void {
    const previous = this.#objects;
    this.#objects = new Map();
    for (const object of objects) {
      const names = previous.get(namespaceOf(object));
      this.#store(object, names?.get(object.metadata.name));
      names?.delete(object.metadata.name);
    }
    for (const [namespace, names] of previous) for (const name of names.keys()) this.#removed(namespace, name);
  }

  put(object: KubeObject): void {
    this.#store(object, this.get(namespaceOf(object), object.metadata.name));
  }

  remove(namespace: string, name: string): void {
    const names = this.#objects.get(namespace);
    if (names?.delete(name) !== true) return;
    if (names.size === 0) this.#objects.delete(namespace);
    this.#removed(namespace, name);
  }

  forget(): void {
    this.replace([]);
  }

  unserved(): void {
    this.#context.unserved();
  }

  #store(object: KubeObject, before: KubeObject | undefined): void {
    const namespace = namespaceOf(object);
    const { name } = object.metadata;
    let names = this.#objects.get(namespace);
    if (names === undefined) {
      names = new Map();
      this.#objects.set(namespace, names);
    }
    const stored = isControlled(object) ? undefined : object;
    names.set(name, stored);
    if (stored === before) return;
    if (stored === undefined) this.#removed(namespace, name);
    else {
      this.#context.store.put(stored);
      this.#context.changed(keyFor(this.scope.served.kind, namespace, name));
    }
  }

  #removed(namespace: string, name: string): void {
    const { kind } = this.scope.served;
    const other = this.#context.find(kind, namespace, name);
    if (other === undefined) this.#context.store.delete(kind, namespace, name);
    else this.#context.store.put(other);
    this.#context.changed(keyFor(kind, namespace, name));
  }
}

/** Reports whether a received object is the stored one, unchanged. */
function isSame(stored: KubeObject, raw: unknown): boolean {
  const version = stored.metadata['resourceVersion'];
  return (
    typeof version === 'string' &&
    version === dig(raw, 'metadata', 'resourceVersion') &&
    stored.metadata['uid'] === dig(raw, 'metadata', 'uid')
  );
}

/**
 * Reports whether an object is a ReplicaSet of a Deployment or a Rollout. Each of them leaves ten behind, which would
 * fill most of the memory. ReplicaSets matter only as the workload of a Rollout, and no Rollout refers to one of these.
 */
function isControlled(object: KubeObject): boolean {
  return (
    object.kind === 'ReplicaSet' &&
    asArray(object.metadata['ownerReferences']).some((owner) => dig(owner, 'controller') === true)
  );
}

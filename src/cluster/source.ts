import { keyFor, type KindId, type KubeObject, type ObjectKey } from '../world/object.ts';
import { asArray, dig, asString } from '../world/read.ts';
import type { ObjectStore } from '../world/store.ts';
import type { CacheLimit } from './cache-limit.ts';
import type { ApiClient } from './client.ts';
import { pathOf, type Served } from './discovery.ts';
import { Held, type NameOnlyReason } from './held.ts';
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
  readonly limit: CacheLimit;
  readonly timing: Timing;
  readonly log: Logger;
  /** Called after the store has changed. */
  changed(key: ObjectKey): void;
  /** Called when the API server responds as if it did not serve a list. */
  unserved(): void;
  /** Returns the object from any source. Two groups may serve one kind. */
  find(kind: KindId, namespace: string, name: string): KubeObject | undefined;
}

/** Keeps the objects of one list in a store. Of some it keeps only the name: then the object is unknown, not absent. */
export class Source implements Sink<Held> {
  readonly scope: WatchScope;
  readonly reflector: Reflector<Held>;
  readonly #context: SourceContext;
  // By namespace and name.
  #held = new Map<string, Map<string, Held>>();
  // The objects of which only the name is known, by namespace.
  readonly #nameOnly = new Map<string, Set<Held>>();

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
   * Returns why only the name of an object is known; undefined if that is not the case.
   * @param namespace - Empty means all, if the kind is namespaced. Objects that were too large for the cache are left
   *   out then: a tenant must not hide the objects of all others.
   * @param name - Undefined means any.
   */
  whyNameOnly(namespace: string, name: string | undefined): NameOnlyReason | undefined {
    if (name !== undefined) return this.#held.get(namespace)?.get(name)?.reason;
    if (namespace === '' && this.scope.served.namespaced) {
      for (const names of this.#nameOnly.values())
        for (const held of names) if (held.reason === 'controlled') return 'controlled';
      return undefined;
    }
    const [first] = this.#nameOnly.get(namespace) ?? [];
    return first?.reason;
  }

  /** Returns the number of objects of which only the name is known because they did not fit into the cache. */
  get unfit(): number {
    let count = 0;
    for (const names of this.#nameOnly.values()) for (const { reason } of names) if (reason !== 'controlled') count++;
    return count;
  }

  /** Whether objects were dropped because the cache was full. */
  get hasDropped(): boolean {
    for (const names of this.#nameOnly.values()) for (const { reason } of names) if (reason === 'no room') return true;
    return false;
  }

  /** Returns the stored object, or undefined. */
  get(namespace: string, name: string): KubeObject | undefined {
    return this.#held.get(namespace)?.get(name)?.object;
  }

  transform(raw: unknown, whole: boolean): Held | undefined {
    const { kind, apiVersion } = this.scope.served;
    const name = asString(dig(raw, 'metadata', 'name'));
    if (kind === 'ConfigMap' && (name === CONTROLLER_CONFIG) !== this.scope.controllerConfig) return undefined;
    const held = this.#held.get(asString(dig(raw, 'metadata', 'namespace')))?.get(name);
    if (held?.object !== undefined && isSame(held.object, raw)) return held;
    const object = trim(kind, apiVersion, raw);
    if (object === undefined) return undefined;
    const reason = isControlled(object) ? 'controlled' : whole ? undefined : 'too large';
    const received = new Held(kind, object, reason, (dropped) => this.#dropped(dropped));
    this.#context.limit.add(received);
    return received;
  }

  replace(objects: readonly Held[]): void {
    const previous = this.#held;
    this.#held = new Map();
    for (const held of objects) {
      const names = previous.get(held.namespace);
      this.#hold(held, names?.get(held.name));
      names?.delete(held.name);
    }
    for (const names of previous.values()) for (const held of names.values()) this.#removed(held);
  }

  discard(objects: readonly Held[]): void {
    for (const held of objects)
      if (this.#held.get(held.namespace)?.get(held.name) !== held) this.#context.limit.remove(held);
  }

  put(held: Held): void {
    this.#hold(held, this.#held.get(held.namespace)?.get(held.name));
  }

  remove(namespace: string, name: string): void {
    const names = this.#held.get(namespace);
    const held = names?.get(name);
    if (names === undefined || held === undefined) return;
    names.delete(name);
    if (names.size === 0) this.#held.delete(namespace);
    this.#removed(held);
  }

  forget(): void {
    this.replace([]);
  }

  unserved(): void {
    this.#context.unserved();
  }

  #hold(held: Held, before: Held | undefined): void {
    const { namespace, name, object } = held;
    let names = this.#held.get(namespace);
    if (names === undefined) this.#held.set(namespace, (names = new Map<string, Held>()));
    names.set(name, held);
    if (held === before) return;
    if (before !== undefined) this.#release(before);
    if (object === undefined) {
      this.#addName(held);
      this.#notStored(namespace, name);
    } else {
      this.#context.store.put(object);
      this.#context.changed(keyFor(this.scope.served.kind, namespace, name));
    }
  }

  #dropped(held: Held): void {
    // An object of a list that is being read is not held yet.
    if (this.#held.get(held.namespace)?.get(held.name) !== held) return;
    this.#addName(held);
    this.#notStored(held.namespace, held.name);
  }

  #addName(held: Held): void {
    let names = this.#nameOnly.get(held.namespace);
    if (names === undefined) this.#nameOnly.set(held.namespace, (names = new Set()));
    names.add(held);
  }

  #release(held: Held): void {
    this.#context.limit.remove(held);
    const names = this.#nameOnly.get(held.namespace);
    if (names?.delete(held) === true && names.size === 0) this.#nameOnly.delete(held.namespace);
  }

  #removed(held: Held): void {
    this.#release(held);
    this.#notStored(held.namespace, held.name);
  }

  #notStored(namespace: string, name: string): void {
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

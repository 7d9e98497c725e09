import { keyFor, namespaceOf, type KindId, type KubeObject, type ObjectKey } from '../world/object.ts';
import { asArray, dig, asString } from '../world/read.ts';
import type { ObjectStore } from '../world/store.ts';
import type { ApiClient } from './client.ts';
import { pathOf, type Served } from './discovery.ts';
import { Reflector, type Logger, type Sink } from './reflector.ts';
import type { Timing } from './timing.ts';
import { CONTROLLER_CONFIG, NAME_ONLY, trim } from './trim.ts';

/** One list that a world is fed from: a kind, or the part of it that a namespace or a name makes. */
export interface WatchScope {
  readonly served: Served;
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** Of ConfigMaps: only the controllers' own, in full. All others are read without their content. */
  readonly controllerConfig: boolean;
}

/** What the sources of a cluster share. */
export interface Feed {
  readonly store: ObjectStore;
  readonly timing: Timing;
  readonly log: Logger;
  /** Told after the store has changed. */
  changed(key: ObjectKey): void;
  /** Told when the API server answers as if it did not serve a list. */
  unserved(): void;
  /** Out: an object of that place that some source holds. Two groups may serve one kind. */
  held(kind: KindId, namespace: string, name: string): KubeObject | undefined;
}

/** Keeps the objects of one list in a store. */
export class Source implements Sink {
  readonly scope: WatchScope;
  readonly reflector: Reflector;
  readonly #feed: Feed;
  // By namespace and name; undefined: an object is there, but not kept.
  #held = new Map<string, Map<string, KubeObject | undefined>>();

  constructor(client: ApiClient, scope: WatchScope, feed: Feed) {
    this.scope = scope;
    this.#feed = feed;
    const { served, namespace, controllerConfig } = scope;
    const path = pathOf(served, namespace);
    const target = {
      path,
      query: controllerConfig ? { fieldSelector: `metadata.name=${CONTROLLER_CONFIG}` } : {},
      metadataOnly: NAME_ONLY.has(served.kind) && !controllerConfig,
      label: controllerConfig ? `${path} ${CONTROLLER_CONFIG}` : path,
    };
    this.reflector = new Reflector(client, target, this, feed.timing, feed.log);
  }

  /** In: a namespace (empty: all) and a name (undefined: all). Out: whether the list may hold such an object. */
  covers(namespace: string, name: string | undefined): boolean {
    const { served, controllerConfig } = this.scope;
    if (this.scope.namespace !== undefined && namespace !== '' && this.scope.namespace !== namespace) return false;
    return served.kind !== 'ConfigMap' || name === undefined || (name === CONTROLLER_CONFIG) === controllerConfig;
  }

  /**
   * In: a namespace (empty: all) and a name (undefined: any). Out: whether an object of it is there that was not kept.
   */
  passedOver(namespace: string, name: string | undefined): boolean {
    if (this.scope.served.kind !== 'ReplicaSet.apps') return false;
    if (namespace === '') return [...this.#held.keys()].some((each) => this.passedOver(each, name));
    const names = this.#held.get(namespace);
    if (names === undefined) return false;
    if (name !== undefined) return names.has(name) && names.get(name) === undefined;
    for (const object of names.values()) if (object === undefined) return true;
    return false;
  }

  /** In: a place. Out: what is held of it. */
  get(namespace: string, name: string): KubeObject | undefined {
    return this.#held.get(namespace)?.get(name);
  }

  accept(raw: unknown): KubeObject | undefined {
    const { kind, apiVersion } = this.scope.served;
    const name = asString(dig(raw, 'metadata', 'name'));
    if (kind === 'ConfigMap' && (name === CONTROLLER_CONFIG) !== this.scope.controllerConfig) return undefined;
    const held = this.get(asString(dig(raw, 'metadata', 'namespace')), name);
    return held !== undefined && isSame(held, raw) ? held : trim(kind, apiVersion, raw);
  }

  replace(objects: readonly KubeObject[]): void {
    const gone = this.#held;
    this.#held = new Map();
    for (const object of objects) {
      const names = gone.get(namespaceOf(object));
      this.#hold(object, names?.get(object.metadata.name));
      names?.delete(object.metadata.name);
    }
    for (const [namespace, names] of gone) for (const name of names.keys()) this.#removed(namespace, name);
  }

  put(object: KubeObject): void {
    this.#hold(object, this.get(namespaceOf(object), object.metadata.name));
  }

  remove(namespace: string, name: string): void {
    const names = this.#held.get(namespace);
    if (names?.delete(name) !== true) return;
    if (names.size === 0) this.#held.delete(namespace);
    this.#removed(namespace, name);
  }

  forget(): void {
    this.replace([]);
  }

  unserved(): void {
    this.#feed.unserved();
  }

  #hold(object: KubeObject, before: KubeObject | undefined): void {
    const namespace = namespaceOf(object);
    const { name } = object.metadata;
    let names = this.#held.get(namespace);
    if (names === undefined) {
      names = new Map();
      this.#held.set(namespace, names);
    }
    const kept = isControlled(object) ? undefined : object;
    names.set(name, kept);
    if (kept === before) return;
    if (kept === undefined) this.#removed(namespace, name);
    else {
      this.#feed.store.put(kept);
      this.#feed.changed(keyFor(this.scope.served.kind, namespace, name));
    }
  }

  #removed(namespace: string, name: string): void {
    const { kind } = this.scope.served;
    const other = this.#feed.held(kind, namespace, name);
    if (other === undefined) this.#feed.store.delete(kind, namespace, name);
    else this.#feed.store.put(other);
    this.#feed.changed(keyFor(kind, namespace, name));
  }
}

/** In: an object that is held, and one that came. Out: whether that is the same object, unchanged. */
function isSame(held: KubeObject, raw: unknown): boolean {
  const version = held.metadata['resourceVersion'];
  return (
    typeof version === 'string' &&
    version === dig(raw, 'metadata', 'resourceVersion') &&
    held.metadata['uid'] === dig(raw, 'metadata', 'uid')
  );
}

/**
 * In: an object. Out: whether it is a ReplicaSet that a Deployment or a Rollout made. Each of them leaves ten behind,
 * so that they would be most of the memory; nobody names one as the workload of a Rollout, which is all that
 * ReplicaSets are looked at for.
 */
function isControlled(object: KubeObject): boolean {
  return (
    object.kind === 'ReplicaSet' &&
    asArray(object.metadata['ownerReferences']).some((owner) => dig(owner, 'controller') === true)
  );
}

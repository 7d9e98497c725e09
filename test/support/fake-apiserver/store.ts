import { isKubeObject, kindOf, type KubeObject } from '../../../src/world/object.ts';
import type { JsonObject } from '../../../src/world/read.ts';
import { DEFINITIONS, isBuiltIn, keyIn, titleOf, type Resource } from './resources.ts';

interface Stored {
  readonly object: KubeObject;
  readonly version: number;
}

/** One change of an object. */
export interface Event {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
  readonly version: number;
}

/** The objects of a resource, and their changes in order. */
export interface Table {
  readonly resource: Resource;
  readonly objects: Map<string, Stored>;
  readonly history: Event[];
}

/** The objects of the server, by resource. All of them share one sequence of resource versions, as in etcd. */
export class Store {
  readonly #tables = new Map<string, Table>();
  readonly #onChange: (table: Table, event: Event) => void;
  #version = 1000;

  constructor(onChange: (table: Table, event: Event) => void) {
    this.#onChange = onChange;
    this.#serve(DEFINITIONS);
  }

  /** The resource version of the newest change. */
  get version(): number {
    return this.#version;
  }

  get resources(): Resource[] {
    return [...this.#tables.values()].map(({ resource }) => resource);
  }

  /** Returns the table of a resource, or undefined if it is not served. */
  table(group: string, plural: string): Table | undefined {
    return this.#tables.get(`${group}/${plural}`);
  }

  /** Serves a resource, and stores its CustomResourceDefinition unless it is built in. */
  install(resource: Resource): void {
    this.#serve(resource);
    if (isBuiltIn(resource.group)) return;
    this.put({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: DEFINITIONS.kind,
      metadata: { name: `${resource.plural}.${resource.group}` },
    });
  }

  /** Deletes the objects of a resource and its CustomResourceDefinition, and stops serving it. */
  uninstall(table: Table, afterObjects: () => void): void {
    const { group, plural } = table.resource;
    for (const key of [...table.objects.keys()]) this.delete(table, key);
    this.#tables.delete(titleOf(table.resource));
    afterObjects();
    const definitions = this.#tables.get(titleOf(DEFINITIONS));
    if (definitions !== undefined) this.delete(definitions, keyIn(DEFINITIONS, undefined, `${plural}.${group}`));
  }

  /** Adds an object or replaces the stored one; sets `uid` and `resourceVersion` in its metadata. */
  put(object: JsonObject): KubeObject {
    if (!isKubeObject(object)) throw new Error('no Kubernetes object');
    const table = this.#tableOf(object);
    const key = keyIn(table.resource, object.metadata.namespace, object.metadata.name);
    const before = table.objects.get(key);
    const version = ++this.#version;
    const uid = before?.object.metadata['uid'] ?? `uid-${version}`;
    const stored: KubeObject = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(version) } };
    table.objects.set(key, { object: stored, version });
    this.#record(table, { type: before === undefined ? 'ADDED' : 'MODIFIED', object: stored, version });
    return stored;
  }

  /** Deletes an object, if it exists. */
  delete(table: Table, key: string): void {
    const before = table.objects.get(key);
    if (before === undefined) return;
    table.objects.delete(key);
    const version = ++this.#version;
    const object = { ...before.object, metadata: { ...before.object.metadata, resourceVersion: String(version) } };
    this.#record(table, { type: 'DELETED', object, version });
  }

  #serve(resource: Resource): void {
    this.#tables.set(titleOf(resource), { resource, objects: new Map(), history: [] });
  }

  #tableOf(object: KubeObject): Table {
    const slash = object.apiVersion.indexOf('/');
    const group = slash < 0 ? '' : object.apiVersion.slice(0, slash);
    for (const table of this.#tables.values()) {
      if (table.resource.group === group && table.resource.kind === object.kind) return table;
    }
    throw new Error(`${object.apiVersion} ${object.kind} (${kindOf(object) ?? 'an unknown kind'}) is not served`);
  }

  #record(table: Table, event: Event): void {
    table.history.push(event);
    this.#onChange(table, event);
  }
}

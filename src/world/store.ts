import { NO_INSTALLED_FIELDS, type InstalledFields } from './field-tree.ts';
import { getOrAdd } from './get-or-add.ts';
import { KINDS, keyFor, keyOf, kindOf, namespaceOf, type KindId, type KubeObject, type ObjectKey } from './object.ts';
import { anyOf, referenceKeys, references } from './references.ts';
import { SUPPORTED_VERSIONS, type RolloutsVersions } from './rollouts-versions.ts';
import { ABSENT, type Listing, type Lookup, type World } from './world.ts';

/**
 * Returns why an object, or all objects of a kind (in a namespace) without a name, are unknown; undefined if they are
 * known.
 */
export type WhyUnknown = (kind: KindId, namespace: string, name?: string) => string | undefined;

type ByName = Map<string, KubeObject>;

interface Union {
  readonly exact: readonly KubeObject[];
  readonly byLabels: readonly KubeObject[];
  readonly all: readonly KubeObject[];
}

const NONE: readonly KubeObject[] = [];

/**
 * A world in memory, with an index from each object to its referrers. `put` and `delete` take time in proportion to the
 * references of that one object.
 */
export class ObjectStore implements World {
  fields: InstalledFields = NO_INSTALLED_FIELDS;
  readonly #objects = new Map<KindId, Map<string, ByName>>();
  // Nearly every object has one referrer, and a hundred thousand sets of one are tens of megabytes.
  readonly #referrers = new Map<ObjectKey, KubeObject | Referrers>();
  /** The referrers of routes that are named and selected by labels. */
  readonly #unions = new Map<ObjectKey, Union>();
  readonly #lists = new WeakMap<ByName, readonly KubeObject[]>();
  readonly #whyUnknown: WhyUnknown;
  readonly #versions: () => RolloutsVersions;

  /**
   * @param whyUnknown - By default an object that is not in the store does not exist.
   * @param versions - By default all supported releases.
   */
  constructor(whyUnknown: WhyUnknown = () => undefined, versions: () => RolloutsVersions = () => SUPPORTED_VERSIONS) {
    this.#whyUnknown = whyUnknown;
    this.#versions = versions;
  }

  get versions(): RolloutsVersions {
    return this.#versions();
  }

  /** Adds or replaces an object. Ignores objects of unknown kinds. */
  put(object: KubeObject): void {
    const kind = kindOf(object);
    if (kind === undefined) return;
    const namespace = KINDS[kind].namespaced ? namespaceOf(object) : '';
    const byNamespace = getOrAdd(this.#objects, kind, () => new Map<string, ByName>());
    const byName = getOrAdd(byNamespace, namespace, () => new Map<string, KubeObject>());
    const previous = byName.get(object.metadata.name);
    if (previous !== undefined) this.#unindex(previous);
    byName.set(object.metadata.name, object);
    this.#lists.delete(byName);
    for (const key of referenceKeys(object)) {
      const known = this.#referrers.get(key);
      if (known === undefined) this.#referrers.set(key, object);
      else if (known instanceof Referrers) known.add(object);
      else this.#referrers.set(key, new Referrers(known, object));
    }
  }

  /** Removes an object if it exists. */
  delete(kind: KindId, namespace: string, name: string): void {
    const byNamespace = this.#objects.get(kind);
    const place = KINDS[kind].namespaced ? namespace : '';
    const byName = byNamespace?.get(place);
    const previous = byName?.get(name);
    if (byNamespace === undefined || byName === undefined || previous === undefined) return;
    this.#unindex(previous);
    byName.delete(name);
    this.#lists.delete(byName);
    if (byName.size === 0) byNamespace.delete(place);
  }

  get(kind: KindId, namespace: string, name: string): Lookup {
    const place = KINDS[kind].namespaced ? namespace : '';
    const object = this.#objects.get(kind)?.get(place)?.get(name);
    if (object !== undefined) return { state: 'present', object };
    const reason = this.#whyUnknown(kind, place, name);
    return reason === undefined ? ABSENT : { state: 'unknown', reason };
  }

  list(kind: KindId, namespace: string | undefined): Listing {
    const reason = this.#whyUnknown(kind, namespace ?? '');
    if (reason !== undefined) return { state: 'unknown', reason };
    const byNamespace = this.#objects.get(kind);
    if (byNamespace === undefined) return { state: 'known', objects: NONE };
    if (namespace !== undefined && KINDS[kind].namespaced) {
      const byName = byNamespace.get(namespace);
      return { state: 'known', objects: byName === undefined ? NONE : this.#listOf(byName) };
    }
    return { state: 'known', objects: [...byNamespace.values()].flatMap((byName) => [...byName.values()]) };
  }

  // The same list until an object changes.
  #listOf(byName: ByName): readonly KubeObject[] {
    let list = this.#lists.get(byName);
    if (list === undefined) {
      list = [...byName.values()];
      this.#lists.set(byName, list);
    }
    return list;
  }

  referrers(key: ObjectKey): readonly KubeObject[] {
    const exact = this.#referring(key);
    const any = anyOf(key);
    return any === undefined ? exact : this.#withSelecting(key, exact, this.#referring(any));
  }

  /** Returns every object, kind by kind. */
  *all(): IterableIterator<KubeObject> {
    for (const byNamespace of this.#objects.values()) {
      for (const byName of byNamespace.values()) yield* byName.values();
    }
  }

  /** Returns the number of objects of a kind. */
  count(kind: KindId): number {
    let total = 0;
    for (const byName of this.#objects.get(kind)?.values() ?? []) total += byName.size;
    return total;
  }

  #referring(key: ObjectKey): readonly KubeObject[] {
    const known = this.#referrers.get(key);
    if (known === undefined) return NONE;
    return known instanceof Referrers ? known.list() : [known];
  }

  // Returns the same list as long as both parts are the same.
  #withSelecting(key: ObjectKey, exact: readonly KubeObject[], byLabels: readonly KubeObject[]): readonly KubeObject[] {
    if (exact.length === 0 || byLabels.length === 0) return union(exact, byLabels);
    const known = this.#unions.get(key);
    if (known !== undefined && sameList(known.exact, exact) && sameList(known.byLabels, byLabels)) return known.all;
    const all = union(exact, byLabels);
    this.#unions.set(key, { exact, byLabels, all });
    return all;
  }

  #unindex(object: KubeObject): void {
    for (const key of referenceKeys(object)) {
      const known = this.#referrers.get(key);
      if (known instanceof Referrers) known.delete(object);
      if (known !== object && !(known instanceof Referrers && known.size === 0)) continue;
      this.#referrers.delete(key);
      this.#unions.delete(key);
    }
  }
}

// Two or more objects that refer to the same one. Everyone who asks between two changes gets the same list, and can store
// on it what they derive from it.
class Referrers {
  readonly #objects: Set<KubeObject>;
  #list: readonly KubeObject[] | undefined;

  constructor(...objects: readonly KubeObject[]) {
    this.#objects = new Set(objects);
  }

  get size(): number {
    return this.#objects.size;
  }

  add(object: KubeObject): void {
    this.#objects.add(object);
    this.#list = undefined;
  }

  delete(object: KubeObject): void {
    this.#objects.delete(object);
    this.#list = undefined;
  }

  list(): readonly KubeObject[] {
    this.#list ??= [...this.#objects];
    return this.#list;
  }
}

/** Returns the objects of two lists, each once. */
function union(first: readonly KubeObject[], second: readonly KubeObject[]): readonly KubeObject[] {
  if (second.length === 0) return first;
  return first.length === 0 ? second : [...new Set([...first, ...second])];
}

function sameList(one: readonly KubeObject[], other: readonly KubeObject[]): boolean {
  return one === other || (one.length === 1 && other.length === 1 && one[0] === other[0]);
}

/** Returns a world that contains exactly these objects. */
export function storeOf(
  objects: Iterable<KubeObject>,
  whyUnknown?: WhyUnknown,
  versions?: () => RolloutsVersions,
): ObjectStore {
  const store = new ObjectStore(whyUnknown, versions);
  for (const object of objects) store.put(object);
  return store;
}

interface Answer {
  readonly below: readonly KubeObject[];
  readonly all: readonly KubeObject[];
}

/** A change on top of a world: some objects added or replaced, some deleted. Costs next to nothing until it is used. */
export class Overlay implements World {
  readonly #base: World;
  /** The changed objects; undefined means deleted. */
  readonly #changed = new Map<ObjectKey, KubeObject | undefined>();
  // Most lookups are for other kinds than the changed one, and then need no key.
  readonly #kinds = new Set<string>();
  #referrers: ReadonlyMap<ObjectKey, readonly KubeObject[]> | undefined;
  /** The answers so far, each with the one of the base that it was made of. */
  readonly #answers = new Map<ObjectKey, Answer>();
  readonly #lists = new Map<string, Answer>();
  // By a list of the base, which is never changed, only replaced.
  readonly #untouchedOf = new WeakMap<readonly KubeObject[], readonly KubeObject[]>();

  /**
   * @param base - The world below.
   * @param put - The objects after the change.
   * @param deleted - The keys of the deleted objects.
   */
  constructor(base: World, put: readonly KubeObject[], deleted: readonly ObjectKey[] = []) {
    this.#base = base;
    for (const key of deleted) this.#changed.set(key, undefined);
    for (const object of put) this.#changed.set(keyOf(object), object);
    for (const key of this.#changed.keys()) this.#kinds.add(key.slice(0, key.indexOf('/')));
  }

  get versions(): RolloutsVersions {
    return this.#base.versions;
  }

  get fields(): InstalledFields {
    return this.#base.fields;
  }

  get(kind: KindId, namespace: string, name: string): Lookup {
    if (!this.#kinds.has(kind)) return this.#base.get(kind, namespace, name);
    const key = keyFor(kind, namespace, name);
    const object = this.#changed.get(key);
    if (object !== undefined) return { state: 'present', object };
    return this.#changed.has(key) ? ABSENT : this.#base.get(kind, namespace, name);
  }

  list(kind: KindId, namespace: string | undefined): Listing {
    const below = this.#base.list(kind, namespace);
    if (below.state === 'unknown' || !this.#kinds.has(kind)) return below;
    const id = `${kind}/${namespace ?? '*'}`;
    const known = this.#lists.get(id);
    if (known?.below === below.objects) return { state: 'known', objects: known.all };
    const everywhere = namespace === undefined || !KINDS[kind].namespaced;
    const above = this.#changedOf(kind).filter((object) => everywhere || namespaceOf(object) === namespace);
    const all = [...this.#untouched(below.objects), ...above];
    this.#lists.set(id, { below: below.objects, all });
    return { state: 'known', objects: all };
  }

  #changedOf(kind: KindId): readonly KubeObject[] {
    return [...this.#changed.values()].filter(
      (object) => object !== undefined && kindOf(object) === kind,
    ) as KubeObject[];
  }

  referrers(key: ObjectKey): readonly KubeObject[] {
    const below = this.#base.referrers(key);
    const known = this.#answers.get(key);
    // The world below may change. It answers with another list then.
    if (known !== undefined && sameList(known.below, below)) return known.all;
    this.#referrers ??= this.#index();
    const any = anyOf(key);
    const byLabels = (any === undefined ? undefined : this.#referrers.get(any)) ?? NONE;
    const all = union(union(this.#untouched(below), this.#referrers.get(key) ?? NONE), byLabels);
    if (all.length > 1) this.#answers.set(key, { below, all });
    return all;
  }

  #index(): ReadonlyMap<ObjectKey, readonly KubeObject[]> {
    const index = new Map<ObjectKey, KubeObject[]>();
    for (const object of this.#changed.values()) {
      if (object === undefined || kindOf(object) === undefined) continue;
      // One list for all: an object can have a hundred thousand references.
      const alone = [object];
      for (const { key } of references(object)) {
        const before = index.get(key);
        const [first] = before ?? [];
        if (before === undefined || first === undefined) index.set(key, alone);
        else if (before.length > 1 && before.at(-1) !== object) before.push(object);
        else if (first !== object) index.set(key, [first, object]);
      }
    }
    return index;
  }

  #untouched(objects: readonly KubeObject[]): readonly KubeObject[] {
    if (objects.length === 0) return objects;
    return getOrAdd(this.#untouchedOf, objects, () =>
      objects.some((object) => this.#changed.has(keyOf(object)))
        ? objects.filter((object) => !this.#changed.has(keyOf(object)))
        : objects,
    );
  }
}

/** Returns the same world, judged for other releases of Argo Rollouts. */
export function withVersions(world: World, versions: RolloutsVersions): World {
  return {
    versions,
    fields: world.fields,
    get: (kind, namespace, name) => world.get(kind, namespace, name),
    list: (kind, namespace) => world.list(kind, namespace),
    referrers: (key) => world.referrers(key),
  };
}

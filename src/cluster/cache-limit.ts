/** Something in the cache: an object, or only its name. */
export interface CacheEntry {
  readonly namespace: string;
  /** Estimated bytes in memory; changed only by `drop`. */
  readonly bytes: number;
  /**
   * When it loses its content compared with the others of its namespace. `last`: without a Rollout or a controller
   * nothing is kept of what the controller wrote. `never`: it has no content to lose.
   */
  readonly loses: 'first' | 'last' | 'never';
  /** Forgets the content but not the name. */
  drop(): void;
}

/** Cluster-scoped objects, which tenants cannot create. */
const CLUSTER = '';
// Dropping a little more than necessary at once costs less than looking for the largest again with every object.
const KEEP = 0.95;
// Objects are read again when there is this much room.
const ROOM = 0.8;

interface Namespace {
  bytes: number;
  readonly entries: Set<CacheEntry>;
}

/**
 * Limits the memory of the objects of a cluster. What does not fit is dropped fairly: the namespaces that use the most
 * lose until all of them use the same, the largest objects of each first. So a tenant who fills the cache loses their
 * own large objects, and never pushes out those of a namespace that uses less.
 */
export class CacheLimit {
  readonly #most: number;
  readonly #namespaces = new Map<string, Namespace>();
  #bytes = 0;
  #dropped = 0;

  /** @param most - Bytes. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Estimated bytes of everything in the cache. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether objects that were dropped since the last call of `readAgain` would fit now. */
  get hasRoom(): boolean {
    return this.#dropped > 0 && this.#bytes < this.#most * ROOM;
  }

  /** Records that everything that was dropped is about to be read again. */
  readAgain(): void {
    this.#dropped = 0;
  }

  /** Adds an entry, and drops the content of some if they are too many. That may be the new one. */
  add(entry: CacheEntry): void {
    let namespace = this.#namespaces.get(entry.namespace);
    if (namespace === undefined) this.#namespaces.set(entry.namespace, (namespace = { bytes: 0, entries: new Set() }));
    namespace.entries.add(entry);
    namespace.bytes += entry.bytes;
    this.#bytes += entry.bytes;
    if (this.#bytes > this.#most) this.#shrink(this.#most * KEEP);
  }

  /** Removes an entry if it is there. */
  remove(entry: CacheEntry): void {
    const namespace = this.#namespaces.get(entry.namespace);
    if (namespace?.entries.delete(entry) !== true) return;
    namespace.bytes -= entry.bytes;
    this.#bytes -= entry.bytes;
    if (namespace.entries.size === 0) this.#namespaces.delete(entry.namespace);
  }

  #shrink(target: number): void {
    let open = [...this.#namespaces].filter(([name]) => name !== CLUSTER).map(([, namespace]) => namespace);
    while (this.#bytes > target && open.length > 0) {
      const others = this.#bytes - open.reduce((sum, { bytes }) => sum + bytes, 0);
      const level = levelOf(
        open.map(({ bytes }) => bytes),
        target - others,
      );
      for (const namespace of open) this.#shrinkNamespace(namespace, level);
      // What is still above the level has only names left.
      const less = open.filter(({ bytes }) => bytes <= level);
      if (less.length === open.length) break;
      open = less;
    }
    const cluster = this.#namespaces.get(CLUSTER);
    if (cluster !== undefined) this.#shrinkNamespace(cluster, cluster.bytes - (this.#bytes - target));
  }

  #shrinkNamespace(namespace: Namespace, level: number): void {
    if (namespace.bytes <= level) return;
    const order = [...namespace.entries]
      .filter(({ loses }) => loses !== 'never')
      .sort((a, b) => (a.loses === b.loses ? b.bytes - a.bytes : a.loses === 'first' ? -1 : 1));
    for (const entry of order) {
      if (namespace.bytes <= level) return;
      const before = entry.bytes;
      entry.drop();
      if (entry.bytes === before) continue;
      namespace.bytes += entry.bytes - before;
      this.#bytes += entry.bytes - before;
      this.#dropped++;
    }
  }
}

/** Returns the most that each may have, so that all together have at most the total. */
function levelOf(sizes: readonly number[], total: number): number {
  let left = total;
  for (const [index, size] of [...sizes].sort((a, b) => a - b).entries()) {
    const share = left / (sizes.length - index);
    if (size >= share) return Math.max(share, 0);
    left -= size;
  }
  return Infinity;
}

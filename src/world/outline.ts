import type { Path } from './path.ts';

/** Whether a node of a document has entries, and how they are found: by key or by index. */
export type NodeKind = 'map' | 'list' | 'scalar';

/** A key that is twice in one mapping. The offsets are those of its first and its last occurrence. */
export interface RepeatedKey {
  readonly path: Path;
  readonly key: string;
  readonly first: number;
  readonly last: number;
  /** Whether both have the same value. */
  readonly same: boolean;
  /** Whether one of them is null. */
  readonly empty: boolean;
}

type Children = ReadonlyMap<string | number, number>;

/**
 * Where the nodes of one document are in its text. It has a few bytes for each node, where the tree of a parser has
 * hundreds. So a document is known by its plain object and this.
 */
export class Outline {
  readonly #starts: Uint32Array;
  readonly #ends: Uint32Array;
  readonly #kinds: readonly NodeKind[];
  readonly #keys: readonly (string | undefined)[];
  readonly #aliases: ReadonlyMap<number, number>;
  // With many findings in a long list, a search of it for each would take quadratic time.
  readonly #children = new Map<number, Children>();

  /** @param nodes - The nodes in the order of the text, each before what is inside of it. The first is the root. */
  constructor(nodes: OutlineBuilder) {
    this.#starts = Uint32Array.from(nodes.starts);
    this.#ends = Uint32Array.from(nodes.ends);
    this.#kinds = nodes.kinds;
    this.#keys = nodes.keys;
    this.#aliases = nodes.aliases;
  }

  /** Returns the offset of a path; if it does not exist, that of its nearest existing parent. */
  offsetOf(path: Path): number {
    let node = 0;
    for (const part of path) {
      const child = this.#child(this.#aliases.get(node) ?? node, part);
      if (child === undefined) break;
      node = child;
    }
    return this.#starts[node] ?? 0;
  }

  #child(node: number, part: string | number): number | undefined {
    const kind = this.#kinds[node];
    if (kind === 'map') return this.#childrenOf(node, kind).get(String(part));
    return kind === 'list' ? this.#childrenOf(node, kind).get(part) : undefined;
  }

  #childrenOf(node: number, kind: NodeKind): Children {
    let children = this.#children.get(node);
    if (children === undefined) {
      children = this.#findChildren(node, kind);
      this.#children.set(node, children);
    }
    return children;
  }

  #findChildren(node: number, kind: NodeKind): Children {
    const children = new Map<string | number, number>();
    const end = this.#ends[node] ?? 0;
    for (let child = node + 1; child < end; child = this.#ends[child] ?? end) {
      const key = kind === 'list' ? children.size : this.#keys[child];
      if (key !== undefined) children.set(key, child);
    }
    return children;
  }
}

/** Collects the nodes of a document. */
export class OutlineBuilder {
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly kinds: NodeKind[] = [];
  readonly keys: (string | undefined)[] = [];
  readonly aliases = new Map<number, number>();
  // Most keys of a bundle are in it many times.
  readonly #known = new Map<string, string>();

  /**
   * Begins a node. All nodes that are added before its end are inside of it.
   *
   * @param start - Its offset in the text; that of its key, where it has one.
   * @returns its number
   */
  begin(kind: NodeKind, start: number, key?: string): number {
    this.starts.push(start);
    this.kinds.push(kind);
    this.keys.push(key === undefined ? undefined : this.#shared(key));
    return this.ends.push(this.starts.length) - 1;
  }

  /** Ends a node. */
  end(node: number): void {
    this.ends[node] = this.starts.length;
  }

  #shared(key: string): string {
    const known = this.#known.get(key);
    if (known === undefined) this.#known.set(key, key);
    return known ?? key;
  }
}

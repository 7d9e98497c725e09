import { namespaceOf, type KindId, type KubeObject } from '../world/object.ts';
import { CONTROLLERS, referenceKeys } from '../world/references.ts';
import type { CacheEntry } from './cache-limit.ts';
import { sizeOf } from './size.ts';
import { CONTROLLER_CONFIG, NAME_ONLY } from './trim.ts';

/** Why an object is known by name only. */
export type NameOnlyReason = 'controlled' | 'too large' | 'no room';

/** The most that one object may take in the cache, in estimated bytes. */
export const MAX_OBJECT = 4 * 1024 * 1024;

// An entry, its name, and its places in the maps.
const PER_NAME = 250;

/** An object in the cache, or the name of one whose content is not kept. */
export class Held implements CacheEntry {
  readonly namespace: string;
  readonly name: string;
  readonly loses: CacheEntry['loses'];
  #bytes: number;
  #object: KubeObject | undefined;
  #reason: NameOnlyReason | undefined;
  readonly #dropped: (held: Held) => void;

  /**
   * @param reason - Why not to keep the content; undefined keeps it.
   * @param dropped - Called after the content was dropped to save memory.
   */
  constructor(kind: KindId, object: KubeObject, reason: NameOnlyReason | undefined, dropped: (held: Held) => void) {
    this.namespace = namespaceOf(object);
    this.name = object.metadata.name;
    this.#dropped = dropped;
    const size = reason === undefined ? sizeOf(object, MAX_OBJECT) : 0;
    this.#reason = size > MAX_OBJECT ? 'too large' : reason;
    this.#object = this.#reason === undefined ? object : undefined;
    this.#bytes = PER_NAME + (this.#object === undefined ? 0 : size);
    this.loses = this.#object === undefined ? 'never' : turnOf(kind, object);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The object, or undefined if only its name is known. */
  get object(): KubeObject | undefined {
    return this.#object;
  }

  /** Why only the name is known; undefined if the object is. */
  get reason(): NameOnlyReason | undefined {
    return this.#reason;
  }

  drop(): void {
    if (this.#object === undefined) return;
    this.#object = undefined;
    this.#reason = 'no room';
    this.#bytes = PER_NAME;
    this.#dropped(this);
  }
}

function turnOf(kind: KindId, object: KubeObject): CacheEntry['loses'] {
  if (object.metadata.name === CONTROLLER_CONFIG) return 'last';
  if (NAME_ONLY.has(kind)) return 'never';
  const needed =
    kind === 'Rollout.argoproj.io' || (kind === 'Deployment.apps' && referenceKeys(object).has(CONTROLLERS));
  return needed ? 'last' : 'first';
}

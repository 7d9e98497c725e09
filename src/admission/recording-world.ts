import type { InstalledFields } from '../world/field-tree.ts';
import { KINDS, keyFor, kindOf, namespaceOf, type KindId, type KubeObject, type ObjectKey } from '../world/object.ts';
import type { RolloutsVersions } from '../world/rollouts-versions.ts';
import type { Listing, Lookup, World } from '../world/world.ts';

/** Something that a run needs to know. */
export type Question =
  | { readonly ask: 'get'; readonly kind: KindId; readonly namespace: string; readonly name: string }
  | { readonly ask: 'list'; readonly kind: KindId; readonly namespace: string | undefined }
  | { readonly ask: 'referrers'; readonly key: ObjectKey };

/** What is known so far, by question. Plain data, to be sent to a worker. */
export interface RecordedAnswers {
  readonly lookups: ReadonlyMap<string, Lookup>;
  readonly listings: ReadonlyMap<string, Listing>;
  readonly referrers: ReadonlyMap<ObjectKey, readonly KubeObject[]>;
}

/** Answers that others are added to. A copy for each of them would take longer than the answers. */
export class CollectedAnswers implements RecordedAnswers {
  readonly lookups = new Map<string, Lookup>();
  readonly listings = new Map<string, Listing>();
  readonly referrers = new Map<ObjectKey, readonly KubeObject[]>();

  /** Adds others, which count if both have one. */
  add({ lookups, listings, referrers }: RecordedAnswers): void {
    for (const [id, lookup] of lookups) this.lookups.set(id, lookup);
    for (const [id, listing] of listings) this.listings.set(id, listing);
    for (const [key, objects] of referrers) this.referrers.set(key, objects);
  }

  /**
   * Adds the answer to a question, and returns the objects in it. What the user may not read is unknown. Objects that
   * refer to another are left out where the user may not read them.
   *
   * @param may - Returns whether the user may read a kind in a namespace.
   */
  answer(question: Question, world: World, may: (scope: ReadScope) => boolean): readonly KubeObject[] {
    if (question.ask === 'referrers') {
      const visible = world.referrers(question.key).filter((object) => {
        const kind = kindOf(object);
        return kind !== undefined && may(scopeOf(kind, namespaceOf(object)));
      });
      this.referrers.set(question.key, visible);
      return visible;
    }
    const { kind, namespace } = question;
    const readable = may(scopeOf(kind, namespace ?? ''));
    const refusal = { state: 'unknown' as const, reason: 'you may not read it' };
    if (question.ask === 'get') {
      const found = readable ? world.get(kind, question.namespace, question.name) : refusal;
      this.lookups.set(keyFor(kind, question.namespace, question.name), found);
      return found.state === 'present' ? [found.object] : [];
    }
    const found = readable ? world.list(kind, namespace) : refusal;
    this.listings.set(listId(kind, namespace), found);
    return found.state === 'known' ? found.objects : [];
  }
}

const NOT_ASKED = 'not asked yet';

/**
 * A world that answers from recorded answers and records every other question. With it a run in a worker, which has no
 * world of its own, learns in a few rounds exactly what it needs of the world in the admission thread.
 */
export class RecordingWorld implements World {
  readonly versions: RolloutsVersions;
  readonly fields: InstalledFields;
  readonly #answers: RecordedAnswers;
  readonly #questions = new Map<string, Question>();

  constructor(answers: RecordedAnswers, { versions, fields }: Pick<World, 'versions' | 'fields'>) {
    this.#answers = answers;
    this.versions = versions;
    this.fields = fields;
  }

  get(kind: KindId, namespace: string, name: string): Lookup {
    const id = keyFor(kind, namespace, name);
    const known = this.#answers.lookups.get(id);
    if (known !== undefined) return known;
    this.#questions.set(`get ${id}`, { ask: 'get', kind, namespace, name });
    return { state: 'unknown', reason: NOT_ASKED };
  }

  list(kind: KindId, namespace: string | undefined): Listing {
    const id = listId(kind, namespace);
    const known = this.#answers.listings.get(id);
    if (known !== undefined) return known;
    this.#questions.set(`list ${id}`, { ask: 'list', kind, namespace });
    return { state: 'unknown', reason: NOT_ASKED };
  }

  referrers(key: ObjectKey): readonly KubeObject[] {
    const known = this.#answers.referrers.get(key);
    if (known !== undefined) return known;
    this.#questions.set(`referrers ${key}`, { ask: 'referrers', key });
    return [];
  }

  /** Returns what was asked and could not be answered. */
  questions(): Question[] {
    return [...this.#questions.values()];
  }
}

/** A kind in a namespace, which a user may or may not read. */
export interface ReadScope {
  readonly kind: KindId;
  readonly namespace: string;
}

/**
 * Returns each kind and namespace that an answer to the questions could reveal something of, once.
 *
 * @param world - The one that will answer them.
 */
export function readScopesOf(questions: readonly Question[], world: World): ReadScope[] {
  const scopes = new Map<string, ReadScope>();
  const add = (kind: KindId | undefined, namespace: string): void => {
    if (kind === undefined) return;
    const scope = scopeOf(kind, namespace);
    scopes.set(`${kind}/${scope.namespace}`, scope);
  };
  for (const question of questions) {
    if (question.ask !== 'referrers') add(question.kind, question.namespace ?? '');
    else for (const object of world.referrers(question.key)) add(kindOf(object), namespaceOf(object));
  }
  return [...scopes.values()];
}

function scopeOf(kind: KindId, namespace: string): ReadScope {
  return { kind, namespace: KINDS[kind].namespaced ? namespace : '' };
}

function listId(kind: KindId, namespace: string | undefined): string {
  return `${kind}/${namespace ?? '*'}`;
}

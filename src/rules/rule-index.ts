import { kindOf, namespaceOf, type KindId, type KubeObject } from '../world/object.ts';
import { asArray, asObject, dig, isObject } from '../world/read.ts';
import type { Rule } from './define.ts';
import { placeTree, seenBy, type PlaceNode, type Readers } from './place-tree.ts';

/** The rules that check subjects of one kind. */
export interface RulesOfKind {
  /** Those that look at nothing but the subject. */
  readonly alone: readonly Rule[];
  readonly across: readonly Rule[];
}

/** Two versions of an object: undefined where it did not exist. */
export interface Difference {
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
}

/** The rules that can see differences, in the order of the list. */
export interface Seeing {
  /** About the objects that differ. */
  readonly changed: readonly Rule[];
  /** About all other objects. */
  readonly others: readonly Rule[];
}

// The edits of one object can differ in more ways than there is memory for.
const MOST_REMEMBERED = 500;

/** A list of rules by the kinds that they check and look at; made once for each list, since lists do not change. */
export class RuleIndex {
  static readonly #indexes = new WeakMap<readonly Rule[], RuleIndex>();
  readonly #rules: readonly Rule[];
  readonly #ofKind = new Map<KindId, RulesOfKind>();
  readonly #trees = new Map<string, PlaceNode>();
  readonly #ofEverything = new Map<KindId, Readers>();
  readonly #seeing = new Map<string, Seeing>();
  readonly #numbers = new Map<Readers, number>();
  // One change is asked about several times: before it is evaluated, and each time that it is.
  #last: Difference & { readonly readers: readonly Readers[]; seeing?: Seeing } = {
    before: undefined,
    after: undefined,
    readers: [],
  };

  private constructor(rules: readonly Rule[]) {
    this.#rules = rules;
  }

  /** Returns the index of a list of rules, always the same one for the same list. */
  static of(rules: readonly Rule[]): RuleIndex {
    let index = RuleIndex.#indexes.get(rules);
    if (index === undefined) {
      index = new RuleIndex(rules);
      RuleIndex.#indexes.set(rules, index);
    }
    return index;
  }

  /** Returns the rules whose subjects are of a kind. */
  forSubject(kind: KindId): RulesOfKind {
    let found = this.#ofKind.get(kind);
    if (found === undefined) {
      const checking = this.#rules.filter((rule) => rule.subject.includes(kind));
      found = {
        alone: checking.filter((rule) => rule.reads.length === 0),
        across: checking.filter((rule) => rule.reads.length > 0),
      };
      this.#ofKind.set(kind, found);
    }
    return found;
  }

  /**
   * Returns the rules that can say something else after changes than before them, because they read a place that
   * differs. In doubt it has a rule. The same lists for the same sets of rules, so that what is remembered by list is
   * found again.
   */
  seeing(changes: readonly Difference[]): Seeing {
    const [change] = changes;
    if (change === undefined || changes.length > 1) return this.#seeingAll(changes);
    const { seeing } = this.#last;
    if (seeing !== undefined && this.#isLast(change)) return seeing;
    const found = this.#seeingAll(changes);
    if (this.#isLast(change)) this.#last.seeing = found;
    return found;
  }

  #isLast({ before, after }: Difference): boolean {
    return this.#last.before === before && this.#last.after === after;
  }

  #seeingAll(changes: readonly Difference[]): Seeing {
    const readers = new Set<Readers>();
    for (const change of changes) for (const each of this.#readersOf(change)) readers.add(each);
    const id = [...readers]
      .map((each) => this.#numberOf(each))
      .sort((a, b) => a - b)
      .join(' ');
    let found = this.#seeing.get(id);
    if (found === undefined) {
      const all = [...readers];
      const others = this.#rules.filter((rule) => all.some((each) => each.others.has(rule)));
      const changed = this.#rules.filter((rule) => others.includes(rule) || all.some((each) => each.subject.has(rule)));
      found = { changed, others };
      if (this.#seeing.size >= MOST_REMEMBERED) this.#seeing.clear();
      this.#seeing.set(id, found);
    }
    return found;
  }

  #readersOf({ before, after }: Difference): readonly Readers[] {
    const [kind, other] = [after, before].map((version) => version && kindOf(version));
    if (before === undefined || after === undefined || kind === undefined || kind !== other || isAnother(before, after))
      return [kind, other].flatMap((each) => (each === undefined ? [] : this.#everything(each)));
    if (!this.#isLast({ before, after })) {
      const readers = seenBy(this.#treeOf(kind, after), before, after) ?? [this.#everything(kind)];
      this.#last = { before, after, readers };
    }
    return this.#last.readers;
  }

  #everything(kind: KindId): Readers {
    let found = this.#ofEverything.get(kind);
    if (found === undefined) {
      const rulesWith = (of: 'subject' | 'reads'): Set<Rule> =>
        new Set(this.#rules.filter((rule) => rule[of].includes(kind)));
      this.#ofEverything.set(kind, (found = { subject: rulesWith('subject'), others: rulesWith('reads') }));
    }
    return found;
  }

  #treeOf(kind: KindId, after: KubeObject): PlaceNode {
    const byFieldRef = kind === 'Rollout.argoproj.io' && readsItself(after);
    const id = `${kind} ${byFieldRef}`;
    let tree = this.#trees.get(id);
    if (tree === undefined) this.#trees.set(id, (tree = placeTree(this.#rules, kind, byFieldRef)));
    return tree;
  }

  #numberOf(readers: Readers): number {
    let number = this.#numbers.get(readers);
    if (number === undefined) this.#numbers.set(readers, (number = this.#numbers.size));
    return number;
  }
}

// The engine reads these itself, and so may every rule.
function isAnother(before: KubeObject, after: KubeObject): boolean {
  return (
    before.apiVersion !== after.apiVersion ||
    before.metadata.name !== after.metadata.name ||
    namespaceOf(before) !== namespaceOf(after) ||
    before.metadata['deletionTimestamp'] !== after.metadata['deletionTimestamp']
  );
}

// An argument that comes, goes or changes is seen by the rules that read arguments, so one version is enough.
function readsItself(rollout: KubeObject): boolean {
  return hasFieldRef(dig(rollout, 'spec', 'strategy'));
}

function hasFieldRef(value: unknown): boolean {
  if (Array.isArray(value)) return asArray(value).some(hasFieldRef);
  if (!isObject(value)) return false;
  for (const key of Object.keys(value)) if (key === 'fieldRef' || hasFieldRef(asObject(value)[key])) return true;
  return false;
}

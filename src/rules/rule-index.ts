import type { KindId } from '../world/object.ts';
import type { Rule } from './define.ts';

/** The rules that check subjects of one kind. */
export interface RulesOfKind {
  /** Those that look at nothing but the subject. */
  readonly alone: readonly Rule[];
  readonly across: readonly Rule[];
}

/** A list of rules by the kinds that they check and look at; made once for each list, since lists do not change. */
export class RuleIndex {
  static readonly #indexes = new WeakMap<readonly Rule[], RuleIndex>();
  readonly #rules: readonly Rule[];
  readonly #ofKind = new Map<KindId, RulesOfKind>();
  readonly #reading = new Map<string, readonly Rule[]>();

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

  /** Returns the rules that look at other objects of one of these kinds. */
  reading(kinds: ReadonlySet<KindId>): readonly Rule[] {
    const id = [...kinds].sort().join(' ');
    let found = this.#reading.get(id);
    if (found === undefined) {
      found = this.#rules.filter((rule) => rule.reads.some((kind) => kinds.has(kind)));
      this.#reading.set(id, found);
    }
    return found;
  }
}

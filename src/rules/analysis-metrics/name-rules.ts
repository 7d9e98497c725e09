import type { NameRule } from '../../world/collect-analyses.ts';
import { memo } from '../../world/memo.ts';
import { matchesSome, resolveWith } from '../../world/metrics.ts';
import type { KubeObject } from '../../world/object.ts';
import type { ObjectPath } from '../finding.ts';
import { listed, quoted } from '../wording.ts';
import type { Context } from './messages.ts';

/** The fields whose rules match metrics by name. */
export const NAME_RULE_FIELDS = ['dryRun', 'measurementRetention'] as const;

/** One of these fields. */
export type NameRuleField = (typeof NAME_RULE_FIELDS)[number];

/** Fills in nothing: a name with placeholders depends on the arguments of each analysis. */
export const AS_WRITTEN = resolveWith(() => undefined);

/** Stands in a name for the hash of pods, which only the controller knows. */
export const HASH = '\uE000';

// The characters of hashes. Source: k8s.io/apimachinery, pkg/util/rand (SafeEncodeString).
const IN_HASHES = /[bcdfghjklmnpqrstvwxz2456789]/;
// Without characters that mean something in a regular expression.
const PLAIN = /^[\w-]{1,200}$/;

/** The characters around the hashes in names, or undefined if there is no hash in them. */
const aroundHashes = memo((names: readonly string[]): { readonly characters: ReadonlySet<string> | undefined } => {
  const hashed = names.filter((name) => name.includes(HASH));
  return { characters: hashed.length === 0 ? undefined : new Set(hashed.join('')) };
});

/** Reports whether a regular expression can match one of the names because of a hash; also if that is not certain. */
function mayMatchHash(pattern: string, names: readonly string[]): boolean {
  const { characters } = aroundHashes(names);
  if (characters === undefined) return false;
  return !PLAIN.test(pattern) || [...pattern].every((each) => IN_HASHES.test(each) || characters.has(each));
}

function asShown(name: string): string {
  return quoted(name.replaceAll(HASH, '<pod template hash>'));
}

/** A rule with its location. */
export interface PlacedRule extends NameRule {
  readonly object: KubeObject;
  /** The object or analysis that has the rule, as messages name it. */
  readonly holder: string;
}

// Bounds the cost, because each rule is matched against each metric.
const MAX_RULES = 100;

/**
 * Returns the rules that match no metric.
 *
 * @param names - the names of the metrics; undefined if they are unknown, in which case no rule is returned
 */
export function unmatched(
  { spend }: Pick<Context, 'spend'>,
  rules: readonly PlacedRule[],
  names: readonly string[] | undefined,
): readonly PlacedRule[] {
  if (names === undefined || names.length === 0) return [];
  return rules
    .slice(0, MAX_RULES)
    .filter(({ pattern }) => !mayMatchHash(pattern, names) && matchesSome(pattern, names, spend) === false);
}

/** Reports rules that match no metric. */
export function reportUnmatched(
  context: Context,
  field: string,
  rules: readonly PlacedRule[],
  names: Iterable<string>,
  related: readonly ObjectPath[],
): void {
  for (const { object, pattern, path } of rules) {
    context.report('unmatched', {
      object,
      path,
      anchor: `${field} ${pattern}`,
      data: { field, pattern, has: listed(names, asShown) },
      related,
    });
  }
}

/** Reports rules that are in a list twice. */
export function reportRepeated(context: Context, field: string, rules: readonly PlacedRule[]): void {
  const first = new Map<string, PlacedRule>();
  for (const rule of rules) {
    const earlier = first.get(rule.pattern);
    if (earlier === undefined) first.set(rule.pattern, rule);
    else reportTwice(context, field, earlier, rule, []);
  }
}

/** Reports a rule that is in two places. */
export function reportTwice(
  context: Context,
  field: string,
  first: PlacedRule,
  second: PlacedRule,
  related: readonly ObjectPath[],
): void {
  context.report('repeated', {
    object: first.object,
    path: first.path,
    anchor: `${field} ${first.pattern}`,
    data: {
      field,
      pattern: first.pattern,
      where: first.holder === second.holder ? first.holder : `${first.holder} and in ${second.holder}`,
    },
    related: [{ object: second.object, path: second.path }, ...related],
  });
}

import type { Work } from '../rules/engine.ts';
import { sortKey, type Finding } from '../rules/finding.ts';
import { keyOf } from '../world/object.ts';
import { isDenial, type DecidedFinding } from './decisions.ts';

// So many take about a millisecond.
const ENTRIES_OF_SLICE = 200;

// Nobody reads more, and a tenant can make tens of thousands.
const MOST_OF_A_RULE = 20;
const MOST = 100;

/** Which findings the user is told, and how many more there are. */
export interface Told {
  readonly findings: readonly DecidedFinding[];
  readonly more: { readonly deny: number; readonly warn: number };
}

/**
 * Returns the findings that the user is told: at most 20 of one rule about one subject, and 100 in all. Denials come
 * first, then the order of all reports, so it is always the same ones. Others get their turn in between.
 */
export function* toldOf(decided: readonly DecidedFinding[]): Work<Told> {
  const byRule = new Map<string, DecidedFinding[]>();
  for (const [index, entry] of decided.entries()) {
    if (index % ENTRIES_OF_SLICE === 0) yield;
    const id = `${entry.finding.rule} ${keyOf(entry.finding.subject)}`;
    const group = byRule.get(id);
    if (group === undefined) byRule.set(id, [entry]);
    else group.push(entry);
  }
  const candidates: DecidedFinding[] = [];
  for (const group of byRule.values())
    for (const entry of yield* first(MOST_OF_A_RULE, group, byAnchor)) candidates.push(entry);
  const findings = yield* first(MOST, candidates, sortKey);
  const left = (decision: DecidedFinding['decision']): number => count(decided, decision) - count(findings, decision);
  return { findings, more: { deny: left('deny'), warn: left('warn') } };
}

function count(decided: readonly DecidedFinding[], wanted: DecidedFinding['decision']): number {
  return decided.reduce((sum, { decision }) => (decision === wanted ? sum + 1 : sum), 0);
}

// Enough to tell the findings of one rule about one subject apart, at a fraction of the cost of a whole key.
function byAnchor({ object, messageId, anchor }: Finding): string {
  return `${keyOf(object)}\n${messageId}\n${anchor}`;
}

interface Ranked {
  readonly entry: DecidedFinding;
  readonly key: string;
}

// In one pass: to sort tens of thousands for the sake of twenty would hold up other requests.
function* first(
  most: number,
  decided: readonly DecidedFinding[],
  keyOfFinding: (finding: Finding) => string,
): Work<DecidedFinding[]> {
  const ranked: Ranked[] = [];
  for (const [index, entry] of decided.entries()) {
    if (index % ENTRIES_OF_SLICE === 0) yield;
    const key = `${isDenial(entry) ? 0 : 1}${keyOfFinding(entry.finding)}`;
    const last = ranked.at(-1);
    if (ranked.length === most && last !== undefined && key >= last.key) continue;
    if (ranked.length === most) ranked.pop();
    ranked.splice(placeOf(key, ranked), 0, { entry, key });
  }
  return ranked.map(({ entry }) => entry);
}

// After those with the same key, so that these stay in the order of the manifest.
function placeOf(key: string, ranked: readonly Ranked[]): number {
  let low = 0;
  let high = ranked.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key < (ranked[middle]?.key ?? '')) high = middle;
    else low = middle + 1;
  }
  return low;
}

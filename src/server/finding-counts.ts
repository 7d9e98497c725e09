import type { DecisionRecord } from '../admission/gate.ts';

/** How many findings of a rule had a decision, for the same reason. */
export interface FindingCount {
  readonly rule: string;
  readonly decision: 'deny' | 'warn';
  /** Whether they are warnings only because the policy audits. */
  readonly wouldDeny: boolean;
  count: number;
}

/**
 * Returns how many findings each rule and decision has. A request may have tens of thousands, and counting them one by
 * one in the metrics would hold up others.
 */
export function countsOf({ findings }: DecisionRecord): FindingCount[] {
  const counts = new Map<string, FindingCount>();
  for (const { rule, decision, wouldDeny = false } of findings) {
    const id = `${rule} ${decision} ${String(wouldDeny)}`;
    const known = counts.get(id);
    if (known === undefined) counts.set(id, { rule, decision, wouldDeny, count: 1 });
    else known.count++;
  }
  return [...counts.values()];
}

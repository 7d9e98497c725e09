import type { DecisionRecord } from '../admission/gate.ts';

/** How many findings of a rule had a decision. */
export interface FindingCount {
  readonly rule: string;
  readonly decision: 'deny' | 'warn';
  count: number;
}

/**
 * Returns how many findings each rule and decision has. A request may have tens of thousands, and counting them one by
 * one in the metrics would hold up others.
 */
export function countsOf({ findings }: DecisionRecord): FindingCount[] {
  const counts = new Map<string, FindingCount>();
  for (const { rule, decision } of findings) {
    const id = `${rule} ${decision}`;
    const known = counts.get(id);
    if (known === undefined) counts.set(id, { rule, decision, count: 1 });
    else known.count++;
  }
  return [...counts.values()];
}

/** The middle of repeated measurements, and how far they lie apart. */
export interface Measured {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Figures that must not be written: the machine did too much else while they were measured. */
export class NotQuietError extends Error {
  override readonly name = 'NotQuietError';
}

/** The largest spread of the bare server with which figures are written. */
export const MOST_SPREAD = 0.15;

/** Returns the value below which a share of the values lies. NaN if there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Returns the median. NaN if there are no values. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Returns the arithmetic mean. NaN if there are no values. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Summarizes the rounds of one measurement. */
export function measured(values: readonly number[]): Measured {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** Returns the distance between the least and the most, as a share of the median. */
export function spread({ median: middle, least, most }: Measured): number {
  return (most - least) / middle;
}

/**
 * Checks that the rounds of the bare server agree. It always does the same work, so what differs is the machine.
 *
 * @throws NotQuietError - If they spread more than `MOST_SPREAD`, or were not measured.
 */
export function requireQuiet(bare: Measured): void {
  const found = spread(bare);
  if (found <= MOST_SPREAD) return;
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  throw new NotQuietError(
    `the bare server spreads ${percent(found)} over its rounds, more than ${percent(MOST_SPREAD)}: the machine is busy, so nothing is written`,
  );
}

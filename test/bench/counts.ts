// BENCH_QUICK tries the bench with counts so small that the figures mean nothing; it writes nothing then.

/** Whether the bench is only tried. */
export const QUICK = process.env['BENCH_QUICK'] !== undefined;

/** Returns how often something is done: the second number if the bench is only tried. */
export function count(whole: number, quick: number): number {
  return QUICK ? quick : whole;
}

/** Does a check of whether the machine is quiet; if the bench is only tried, a failure is only told. */
export function requiredOf(check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!QUICK) throw error;
    console.warn(String(error));
  }
}

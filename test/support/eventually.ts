import { vi } from 'vitest';

/** Milliseconds for what a test does not expect to take too long: far above what a busy machine needs. */
export const FAR = 120_000;

/** Waits until `check` no longer throws, and returns what it returns. The limit is for a check that will never pass. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: FAR, interval: 10 });
}

import { vi } from 'vitest';

/**
 * Waits until `check` no longer throws, and returns what it returns. The limit is for a check that will never pass, so
 * it is far above what a busy machine needs.
 */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 120_000, interval: 10 });
}

import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/e2e/**', 'test/chart/**', 'test/package/**', 'test/agreement/**', '**/node_modules/**'],
    testTimeout: 30_000,
    // By default one core is left for the watcher, which on two cores is half of them.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Snapshots are written by `npm test -- -u` alone: a missing one fails.
    update: 'none',
  },
});

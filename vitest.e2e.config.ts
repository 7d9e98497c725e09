import { defineConfig } from 'vitest/config';

const suite = {
  testTimeout: 300_000,
  hookTimeout: 600_000,
  globalSetup: 'test/e2e/harness/none-left.ts',
};

// These wait most of their time: for leases to end, for connections to be found dead, for pods to come back. The gate
// runs them side by side with the others.
const WAITING = ['availability', 'conversion-kills', 'faults'].map((name) => `test/e2e/${name}.test.ts`);
const LOAD = ['test/e2e/conversion-many.test.ts'];

// Each file has a control plane of its own, and two that work at once are more than two cores bear.
export default defineConfig({
  test: {
    fileParallelism: false,
    maxWorkers: 1,
    projects: [
      { test: { name: 'working', include: ['test/e2e/**/*.test.ts'], exclude: [...WAITING, ...LOAD], ...suite } },
      { test: { name: 'waiting', include: WAITING, ...suite } },
      { test: { name: 'load', include: LOAD, ...suite } },
    ],
  },
});

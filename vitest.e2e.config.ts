import { defineConfig } from 'vitest/config';

const suite = { testTimeout: 300_000, hookTimeout: 600_000 };

// What is about load and about processes that end takes longest, and webhooks matter least to it; the gate sees it
// once.
const long = ['upstream-verdicts', 'faults', 'availability', 'conversion-many', 'conversion-kills'];
const once = process.env['ROLLGATE_E2E_LONG'] === 'once' ? long.map((name) => `test/e2e/${name}.test.ts`) : [];

// Two control planes at once are more than two cores bear.
export default defineConfig({
  test: {
    fileParallelism: false,
    maxWorkers: 1,
    projects: [
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...suite } },
      // What the API server does not ask must not change an answer: all that has webhooks is seen without
      // matchConditions too, the bare controller (facts) once.
      {
        test: {
          name: 'without matchConditions',
          include: ['test/e2e/*.test.ts'],
          exclude: once,
          env: { ROLLGATE_E2E_MATCH_CONDITIONS: 'off' },
          ...suite,
        },
      },
    ],
  },
});

import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// A test that hangs must end; one that gets a tenth of a core is no failure.
const times = { testTimeout: 300_000, hookTimeout: 300_000 };

export default defineConfig({
  test: {
    // By default one core is left for the watcher, which on two cores is half of them.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Node strips types with WebAssembly. Calls from there are compiled anew after 1,000 of them, and V8 ends the process
    // when two threads do that at once (nodejs/node#64500). The package has no types to strip.
    execArgv: ['--wasm-wrapper-tiering-budget=1000000000'],
    // Snapshots are written by `npm test -- -u` alone: a missing one fails.
    update: 'none',
    projects: [
      // A module's own tests start nothing and leave nothing behind, so they share one process: loading the rules anew
      // for each of their files takes longer than the tests do.
      { test: { name: 'src', include: ['src/**/*.test.ts'], isolate: false, ...times } },
      {
        test: {
          name: 'test',
          include: ['test/**/*.test.ts'],
          exclude: [
            ...['e2e', 'chart', 'package', 'agreement', 'browser'].map((suite) => `test/${suite}/**`),
            '**/node_modules/**',
          ],
          ...times,
        },
      },
    ],
  },
});

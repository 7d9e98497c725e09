import { defineConfig } from 'vitest/config';

// Both install all packages from the registry, or from the cache of npm.
export default defineConfig({
  test: { include: ['test/package/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000, maxWorkers: 1 },
});

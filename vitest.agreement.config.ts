import { defineConfig } from 'vitest/config';

// Go builds the oracle first; then tens of thousands of cases go through it.
export default defineConfig({
  test: { include: ['test/agreement/**/*.test.ts'], testTimeout: 3_600_000, hookTimeout: 900_000 },
});

import { defineConfig } from 'vitest/config';

// The page in Chromium. It must have been built: npm run build.
export default defineConfig({
  test: { include: ['test/browser/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: 1 },
});

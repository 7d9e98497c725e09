import { defineConfig } from 'vitest/config';

// The page in Chromium. It must have been built: npm run build.
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is drawn after a question was answered: the editors are changed after the page.
    expect: { poll: { timeout: 20_000 } },
    maxWorkers: 1,
  },
});

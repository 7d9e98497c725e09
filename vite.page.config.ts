import { join } from 'node:path';
import { defineConfig } from 'vite';

// The page of `rollgate dashboard`. Nothing in it is loaded from elsewhere.
export default defineConfig({
  root: join(import.meta.dirname, 'dashboard'),
  publicDir: false,
  logLevel: 'warn',
  build: {
    outDir: join(import.meta.dirname, 'dist/dashboard/page'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    // CodeMirror is most of it.
    chunkSizeWarningLimit: 700,
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
});

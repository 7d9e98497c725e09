import { defineConfig } from 'vitest/config';

// What tests wait for has deadlines of its own. These are for machines that are several times slower.
const suite = {
  testTimeout: 900_000,
  hookTimeout: 900_000,
  globalSetup: 'test/e2e/harness/none-left.ts',
};

const files = (names: readonly string[]): string[] => names.map((name) => `test/e2e/${name}.test.ts`);

// These wait most of their time: for leases to end, for connections to be found dead, for drift to last a minute or for
// pods to come back. The gate runs them beside everything else that needs the programs.
const WAITING = files([
  'argo-cd',
  'cert-manager',
  'conversion-kills',
  'conversion-trust',
  'drift',
  'facts/analysis',
  'facts/template-circle',
  'faults',
  'keeps-routers',
  'keeps-routes',
  'lifecycle',
  'scaled-to-zero',
  'trust-ways',
]);
const LOAD = files(['conversion-many']);
// The parts of the same names of `npm run test:all` run these.
const ARGO_CD = files(['argo-cd/*']);
const FLUX = files(['flux/*']);

// Each file has a control plane of its own, which needs about half of a core.
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { name: 'waiting', include: WAITING, ...suite } },
      {
        test: {
          name: 'working',
          include: ['test/e2e/**/*.test.ts'],
          exclude: [...WAITING, ...LOAD, ...ARGO_CD, ...FLUX],
          ...suite,
        },
      },
      { test: { name: 'load', include: LOAD, ...suite } },
      { test: { name: 'argo-cd', include: ARGO_CD, ...suite } },
      { test: { name: 'flux', include: FLUX, ...suite } },
    ],
  },
});

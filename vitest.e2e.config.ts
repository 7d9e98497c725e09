import { defineConfig } from 'vitest/config';

// What tests wait for has deadlines of its own. These are for machines that are several times slower.
const suite = {
  testTimeout: 900_000,
  hookTimeout: 900_000,
  globalSetup: 'test/e2e/harness/none-left.ts',
};

const files = (names: readonly string[]): string[] => names.map((name) => `test/e2e/${name}.test.ts`);

// The gate runs the two halves side by side: in each some files wait most of their time, for leases to end, for
// connections to be found dead or for pods to come back.
const CONVERSION = files(['conversion*', 'trust-policies', 'trust-tools', 'trust-transitions', 'trust-ways']);
// Here because the other half takes longer.
const MOVED = files([
  '*-controller',
  'argo-cd',
  'attack-*',
  'cert-manager',
  'keeps-route*',
  'scaled-to-zero',
  'trust-break-glass',
]);
const LOAD = files(['conversion-many']);
// The parts of the same names of `npm run test:all` run these.
const ARGO_CD = files(['argo-cd/*']);
const FLUX = files(['flux/*']);

// Each file has a control plane of its own, and two that work at once are more than two cores bear.
export default defineConfig({
  test: {
    fileParallelism: false,
    maxWorkers: 1,
    projects: [
      {
        test: {
          name: 'admission',
          include: ['test/e2e/**/*.test.ts'],
          exclude: [...CONVERSION, ...MOVED, ...ARGO_CD, ...FLUX],
          ...suite,
        },
      },
      { test: { name: 'conversion', include: [...CONVERSION, ...MOVED], exclude: LOAD, ...suite } },
      { test: { name: 'load', include: LOAD, ...suite } },
      { test: { name: 'argo-cd', include: ARGO_CD, ...suite } },
      { test: { name: 'flux', include: FLUX, ...suite } },
    ],
  },
});

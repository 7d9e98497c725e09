import { defineConfig } from 'vitest/config';

// What tests wait for has deadlines of its own. These are for machines that are several times slower.
const suite = {
  testTimeout: 900_000,
  hookTimeout: 900_000,
  globalSetup: 'test/e2e/harness/none-left.ts',
};

const files = (names: readonly string[]): string[] => names.map((name) => `test/e2e/${name}.test.ts`);

// These wait for half of their time or more: for leases to end, for connections to be found dead, for drift to last a
// minute or for pods to come back. The gate begins them first. Both projects end at about the same time.
const WAITING = files([
  'argo-cd',
  'cert-manager',
  'certificates',
  'conversion-kills',
  'conversion-trust',
  'conversion-ways',
  'drift',
  'facts/analysis',
  'facts/template-circle',
  'faults',
  'keeps-routers',
  'keeps-routes',
  'lifecycle',
  'reconcilers',
  'scaled-to-zero',
  'second-controller',
  'trust-break-glass',
  'trust-rows',
  'trust-tools',
  'trust-ways',
  'untrusted-controller',
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

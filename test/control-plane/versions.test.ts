import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isDocumented, kubernetesRelease, rolloutsRelease, rolloutsVersion } from './versions.ts';

const ROLLOUTS = 'ROLLGATE_E2E_ROLLOUTS';
const KUBERNETES = 'ROLLGATE_E2E_KUBERNETES';

beforeEach(() => {
  vi.stubEnv(ROLLOUTS, '');
  vi.stubEnv(KUBERNETES, '');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the version of Argo Rollouts', () => {
  it.each([
    ['', '1.9'],
    ['1.9', '1.9'],
    ['1.9.3', '1.9.3'],
    ['1.10', '1.10'],
    ['1.10.1', '1.10'],
  ])('of "%s" is %s', (given, version) => {
    vi.stubEnv(ROLLOUTS, given);
    expect(rolloutsVersion()).toBe(version);
    expect(`${rolloutsRelease(rolloutsVersion())}.`).toContain(`v${version}.`);
  });

  it('must be one that can be built', () => {
    vi.stubEnv(ROLLOUTS, '1.8.3');
    expect(() => rolloutsVersion()).toThrow(
      `${ROLLOUTS} is "1.8.3": set it to one of 1.9.1, 1.9.3, ${rolloutsRelease('1.10').slice(1)}`,
    );
  });
});

describe('the version of Kubernetes', () => {
  it.each(['1.33', '1.34', '1.37'])('%s is named by its minor or its release', (minor) => {
    vi.stubEnv(KUBERNETES, minor);
    const release = kubernetesRelease();
    expect(release.startsWith(`v${minor}.`)).toBe(true);
    vi.stubEnv(KUBERNETES, release.slice(1));
    expect(kubernetesRelease()).toBe(release);
  });
});

it('the pages show what runs by default, and nothing else', () => {
  expect(isDocumented()).toBe(true);
  vi.stubEnv(ROLLOUTS, '1.10');
  expect(isDocumented()).toBe(false);
  vi.stubEnv(ROLLOUTS, '');
  vi.stubEnv(KUBERNETES, '1.33');
  expect(isDocumented()).toBe(false);
});

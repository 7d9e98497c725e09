import { describe, expect, it } from 'vitest';
import { parseVersion, SUPPORTED_VERSIONS, type RolloutsVersions } from '../../src/world/rollouts-versions.ts';
import { virtualServiceEntries } from '../../src/world/rollout.ts';
import type { KubeObject } from '../../src/world/object.ts';

function rolloutWith(name: string): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { strategy: { canary: { trafficRouting: { istio: { virtualService: { name } } } } } },
  };
}

function read(name: string, versions: RolloutsVersions): string {
  const skipped: string[] = [];
  const entries = virtualServiceEntries(rolloutWith(name), { versions, skip: (reason) => skipped.push(reason) });
  return skipped[0] ?? entries.map((entry) => `${entry.namespace}/${entry.name}`).join(', ');
}

const [V1_9, V1_10] = ['1.9', '1.10'].map((text) => parseVersion(text) ?? SUPPORTED_VERSIONS) as [
  RolloutsVersions,
  RolloutsVersions,
];

describe('the VirtualService that a Rollout names', () => {
  it.each([
    ['web', 'shop/web', 'shop/web'],
    ['web.team', 'team/web', 'team/web'],
    ['web.', 'shop/web', 'shop/web'],
    ['web.example.com.team', 'example/web', 'team/web.example.com'],
    ['web.team.svc.cluster.local', 'team/web', 'svc/web.team'],
    ['web.team.cluster.local', 'team/web', 'team/web'],
    ['web.cluster.local', 'cluster/web', 'shop/web'],
    ['web..team', 'shop/web', 'team/web.'],
  ])('%s is %s with Argo Rollouts 1.9 and %s with 1.10', (name, before, since) => {
    expect(read(name, V1_9)).toBe(before);
    expect(read(name, V1_10)).toBe(since);
  });

  it.each(['web', 'web.team', 'web.team.cluster.local'])('%s is the same for all of them', (name) => {
    expect(read(name, SUPPORTED_VERSIONS)).toBe(read(name, V1_9));
  });

  it('is not known if the versions differ about it', () => {
    expect(read('web.example.com.team', SUPPORTED_VERSIONS)).toBe(
      'versions of Argo Rollouts find different VirtualServices for "web.example.com.team": set controllers.version in the policy',
    );
  });
});

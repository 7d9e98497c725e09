import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../world/object.ts';
import { storeOf } from '../world/store.ts';
import type { World } from '../world/world.ts';
import { objectsWithHash, selectorsLeftBehind } from './state.ts';

const ISTIO = {
  istio: {
    virtualService: { name: 'web' },
    destinationRule: { name: 'web', stableSubsetName: 'stable', canarySubsetName: 'canary' },
  },
};

function rollout(canary: object): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { strategy: { canary } },
    status: { currentPodHash: 'a', stableRS: 'a' },
  };
}
const deployment: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { template: { metadata: { labels: { app: 'web' } } } },
};
const service = (selector: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { selector },
});
const destination = (labels: object): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { host: 'web', subsets: [{ name: 'stable', labels }, { name: 'canary' }] },
});

/** A world in which nothing can be known of one kind. */
function without(kind: string, ...objects: KubeObject[]): World {
  const world = storeOf(objects);
  const unknown = { state: 'unknown', reason: 'no right to read them' } as const;
  return {
    versions: world.versions,
    fields: world.fields,
    get: (asked, namespace, name) => (asked.startsWith(kind) ? unknown : world.get(asked, namespace, name)),
    list: (asked, namespace) => (asked.startsWith(kind) ? unknown : world.list(asked, namespace)),
    referrers: (key) => world.referrers(key),
  };
}

describe('what would be left behind by a Rollout that goes', () => {
  it.each([
    [
      'nothing',
      [service({ app: 'web', 'rollouts-pod-template-hash': 'a' }), destination({ 'rollouts-pod-template-hash': 'a' })],
      [],
    ],
    [
      'a Service by a label of its own',
      [service({ app: 'web', track: 'stable' })],
      [
        expect.stringMatching(
          /^Service "web" selects track=stable, which only pods of the Rollout have: add these labels to the pod template/,
        ),
      ],
    ],
    [
      'a subset likewise',
      [destination({ version: 'stable' })],
      [expect.stringMatching(/^subset "stable" of DestinationRule "web" selects version=stable/)],
    ],
  ])('%s', (_, objects, expected) => {
    expect(
      selectorsLeftBehind(rollout({ stableService: 'web', trafficRouting: ISTIO }), deployment, storeOf(objects)),
    ).toEqual(expected);
  });

  it('is what it refers to and nobody can read, and nothing that it does not refer to', () => {
    const unreadable = without('DestinationRule', service({ app: 'web' }));
    expect(selectorsLeftBehind(rollout({ trafficRouting: ISTIO }), deployment, unreadable)).toEqual([
      'subset "stable" of DestinationRule "web" cannot be read (no right to read them)',
    ]);
    expect(selectorsLeftBehind(rollout({ stableService: 'web' }), deployment, unreadable)).toEqual([]);
    expect(selectorsLeftBehind(rollout({ stableService: 'web' }), deployment, without('Service'))).toEqual([
      'Service "web" cannot be read (no right to read them)',
    ]);
  });
});

describe('what is not free of a Rollout yet', () => {
  it('is what selects its hash', () => {
    const world = storeOf([
      service({ 'rollouts-pod-template-hash': 'a' }),
      destination({ 'rollouts-pod-template-hash': 'a' }),
    ]);
    expect(objectsWithHash(rollout({}), world)).toEqual(['Service "web"', 'DestinationRule "web"']);
    expect(
      objectsWithHash(rollout({}), storeOf([service({ 'rollouts-pod-template-hash': 'b' }), destination({})])),
    ).toEqual([]);
  });

  it('is unknown where Services cannot be read', () => {
    expect(objectsWithHash(rollout({}), without('Service'))).toEqual([
      'Services, which cannot be read (no right to read them)',
    ]);
    expect(objectsWithHash(rollout({}), without('DestinationRule'))).toEqual([]);
  });
});

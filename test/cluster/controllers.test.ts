import { describe, expect, it } from 'vitest';
import { controllerAccounts, controllerVersions, gatewayPluginVersions } from '../../src/cluster/controllers.ts';
import { isKubeObject, type KubeObject } from '../../src/world/object.ts';
import { rangeText } from '../../src/world/rollouts-versions.ts';
import { storeOf } from '../../src/world/store.ts';
import type { JsonObject } from '../../src/world/read.ts';
import { controller } from './helpers.ts';

const world = (...objects: readonly JsonObject[]) =>
  storeOf(objects.filter((object): object is KubeObject => isKubeObject(object)));

describe('the accounts of Rollouts controllers', () => {
  it('are those of the Deployments with the label of the controller, several or none', () => {
    expect(controllerAccounts(world(), ['team-a'])).toEqual({ trusted: [], untrusted: [] });
    const other = {
      ...controller('shop', 'web'),
      metadata: { namespace: 'shop', name: 'web', labels: { 'app.kubernetes.io/name': 'web' } },
    };
    expect(
      controllerAccounts(
        world(controller('team-b', 'release-argo-rollouts'), controller('team-a', 'argo-rollouts'), other),
        ['team-a', 'team-b', 'shop'],
      ).trusted,
    ).toEqual(['system:serviceaccount:team-a:argo-rollouts', 'system:serviceaccount:team-b:release-argo-rollouts']);
  });

  it('are the default one if a Deployment names none', () => {
    expect(controllerAccounts(world(controller('argo-rollouts', undefined), controller('shop', '')), ['shop'])).toEqual(
      {
        trusted: ['system:serviceaccount:shop:default'],
        untrusted: ['system:serviceaccount:argo-rollouts:default'],
      },
    );
  });

  it('are trusted in the given namespaces only, by exact name, and in none by default', () => {
    const both = world(controller('argo-rollouts', 'argo-rollouts'), controller('tenant', 'impostor'));
    const [real, impostor] = [
      'system:serviceaccount:argo-rollouts:argo-rollouts',
      'system:serviceaccount:tenant:impostor',
    ];
    expect(controllerAccounts(both, ['argo-rollouts', 'empty'])).toEqual({ trusted: [real], untrusted: [impostor] });
    for (const namespaces of [[], ['*'], ['argo-*']])
      expect(controllerAccounts(both, namespaces)).toEqual({ trusted: [], untrusted: [real, impostor] });
  });

  it('do not include the account of the dashboard, which the Helm chart gives the same label', () => {
    const dashboard = controller('argo-rollouts', 'argo-rollouts-dashboard', {
      'app.kubernetes.io/component': 'rollouts-dashboard',
    });
    const main = controller('other', 'argo-rollouts', { 'app.kubernetes.io/component': 'rollouts-controller' });
    expect(controllerAccounts(world(dashboard, main), ['argo-rollouts'])).toEqual({
      trusted: [],
      untrusted: ['system:serviceaccount:other:argo-rollouts'],
    });
  });

  it('are empty while Deployments are unknown', () => {
    const blind = storeOf([], () => 'not read yet');
    expect(controllerAccounts(blind, ['argo-rollouts'])).toEqual({ trusted: [], untrusted: [] });
  });
});

describe('the versions of Rollouts controllers', () => {
  const runs = (namespace: string, ...images: readonly string[]): JsonObject => ({
    ...controller(namespace, 'argo-rollouts'),
    spec: {
      template: {
        spec: {
          containers: images.map((image, index) => ({ name: index === 0 ? 'argo-rollouts' : `other-${index}`, image })),
        },
      },
    },
  });
  const supported = '1.9 to 1.10';

  it.each([
    ['that of its image', [runs('argo-rollouts', 'quay.io/argoproj/argo-rollouts:v1.9.3')], '1.9.3'],
    ['from a registry with a port', [runs('argo-rollouts', 'registry:5000/rollouts:v1.10.1')], '1.10.1'],
    ['not that of a sidecar', [runs('argo-rollouts', 'a/argo-rollouts:v1.9.3', 'envoy:v1.10.0')], '1.9.3'],
    [
      'of several, from the least to the greatest',
      [runs('argo-rollouts', 'r:v1.10.2'), runs('second', 'r:v1.9.1')],
      '1.9.1 to 1.10.2',
    ],
    ['unknown without a tag', [runs('argo-rollouts', 'registry:5000/rollouts')], supported],
    ['unknown for latest', [runs('argo-rollouts', 'r:latest')], supported],
    ["unknown for a build of one's own", [runs('argo-rollouts', 'r:v1.9.3-acme.2')], supported],
    ['unknown for a digest', [runs('argo-rollouts', `r:v1.9.3@sha256:${'0'.repeat(64)}`)], supported],
    ['unknown if one of several is', [runs('argo-rollouts', 'r:v1.9.3'), runs('second', 'r:latest')], supported],
    ['not those of others', [runs('argo-rollouts', 'r:v1.9.3'), runs('tenant', 'r:latest')], '1.9.3'],
    ['unknown without a controller in the named namespaces', [runs('tenant', 'r:v1.10.2')], supported],
  ])('are %s', (_, deployments, expected) => {
    expect(rangeText(controllerVersions(world(...deployments), ['argo-rollouts', 'second']).versions)).toBe(expected);
  });
});

describe('the versions of the Gateway API plugin', () => {
  const installs = (namespace: string, release: string): JsonObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: 'argo-rollouts-config' },
    data: {
      trafficRouterPlugins: `- { name: argoproj-labs/gatewayAPI, location: "https://a.example/${release}/plugin" }`,
    },
  });
  const runs = (namespace: string): JsonObject => controller(namespace, 'argo-rollouts');
  const [FIRST, SECOND] = ['argo-rollouts', 'second'];

  it.each([
    ['that in the ConfigMap of the controller', [runs(FIRST), installs(FIRST, 'v0.15.0')], '0.15.0'],
    [
      'of several, from the least to the greatest',
      [runs(FIRST), installs(FIRST, 'v0.15.0'), runs(SECOND), installs(SECOND, 'v0.8.0')],
      '0.8.0 to 0.15.0',
    ],
    ['unknown for a build without a version', [runs(FIRST), installs(FIRST, 'latest')], undefined],
    ['unknown if one of several is', [runs(FIRST), installs(FIRST, 'v0.15.0'), runs(SECOND)], undefined],
    ['unknown without a controller next to the ConfigMap', [installs(FIRST, 'v0.15.0')], undefined],
    [
      'not those of others',
      [runs(FIRST), installs(FIRST, 'v0.15.0'), runs('tenant'), installs('tenant', 'v9.0.0')],
      '0.15.0',
    ],
    ['unknown without a ConfigMap', [runs(FIRST)], undefined],
  ])('are %s', (_, objects, expected) => {
    const found = gatewayPluginVersions(world(...objects), [FIRST, SECOND]);
    expect(found === undefined ? undefined : rangeText(found)).toBe(expected);
  });
});

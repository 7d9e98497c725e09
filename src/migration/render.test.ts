import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { objectsIn } from '../../test/support/gate.ts';
import { SHIPPED_PROFILES, type Profile } from './profiles.ts';
import type { KubeObject } from '../world/object.ts';
import { dig, asObject } from '../world/read.ts';
import { renderRollout } from './render.ts';

const DEPLOYMENT: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: 'd-1',
    labels: { 'app.kubernetes.io/instance': 'argo-app' },
    annotations: { 'argocd.argoproj.io/tracking-id': 'x' },
  },
  spec: { selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: {} } },
};
const canary = SHIPPED_PROFILES['canary'] as Profile;

describe('a Rollout of a Deployment', () => {
  it('belongs to it, without holding up its deletion, and has none of its metadata', () => {
    const rollout = renderRollout(DEPLOYMENT, canary, { replicas: 3 });
    expect(rollout.metadata).toEqual({
      name: 'web',
      namespace: 'shop',
      annotations: { 'rollgate.io/converted-from': 'web', 'rollgate.io/replicas': '3' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-1', controller: true }],
    });
    expect(dig(rollout, 'spec', 'workloadRef')).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: 'web',
      scaleDown: 'onsuccess',
    });
    expect(rollout['spec']).not.toHaveProperty('replicas');
    expect(rollout['spec']).not.toHaveProperty('template');
  });

  it('takes over what the Deployment says about its updates where that is not what both assume', () => {
    const spec = {
      ...asObject(DEPLOYMENT['spec']),
      minReadySeconds: 7,
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 3,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
    };
    const rollout = renderRollout({ ...DEPLOYMENT, spec }, canary, { replicas: 1 });
    expect(rollout['spec']).toMatchObject({
      minReadySeconds: 7,
      revisionHistoryLimit: 3,
      strategy: { canary: { maxUnavailable: 0 } },
    });
    expect(rollout['spec']).not.toHaveProperty('progressDeadlineSeconds');
    expect(dig(rollout, 'spec', 'strategy', 'canary')).not.toHaveProperty('maxSurge');
    const own: Profile = { ...canary, strategy: { canary: { maxSurge: 1 } } };
    expect(dig(renderRollout({ ...DEPLOYMENT, spec }, own, { replicas: 1 }), 'spec', 'strategy')).toEqual({
      canary: { maxSurge: 1 },
    });
  });

  it('has the names that the patterns give, and leaves what belongs to an analysis', () => {
    const profile: Profile = {
      rollout: '{name}-rollout',
      metadata: { labels: { team: '{namespace}' }, annotations: {} },
      strategy: {
        canary: {
          canaryService: '{name}-canary',
          analysis: { args: [{ name: 'q', value: '{{args.name}} {name}|{namespace} {{name}} {other}' }] },
        },
      },
    };
    const rollout = renderRollout(DEPLOYMENT, profile, { replicas: 1 });
    expect(rollout.metadata).toMatchObject({ name: 'web-rollout', labels: { team: 'shop' } });
    expect(dig(rollout, 'spec', 'strategy', 'canary')).toEqual({
      canaryService: 'web-canary',
      analysis: { args: [{ name: 'q', value: '{{args.name}} web|shop {{name}} {other}' }] },
    });
    expect(renderRollout(DEPLOYMENT, profile, { replicas: 1, name: 'web' }).metadata.name).toBe('web');
  });

  it('is the one of the workloadRef write-up, arguments verbatim', () => {
    const folder = join(import.meta.dirname, '..', '..', 'examples', 'workloadref-skywalking', 'as-written');
    const shown = objectsIn(join(folder, 'rollout.yaml')).find(({ kind }) => kind === 'Rollout') as KubeObject;
    const reviews = objectsIn(join(folder, 'bookinfo.yaml')).find(({ kind }) => kind === 'Deployment') as KubeObject;
    const strategy = JSON.parse(
      JSON.stringify(dig(shown, 'spec', 'strategy'))
        .replaceAll('"reviews"', '"{name}"')
        .replace('canary|reviews|bookinfo|', 'canary|{name}|{namespace}|'),
    ) as Profile['strategy'];
    const rollout = renderRollout(
      reviews,
      { rollout: '{name}-rollout', metadata: { labels: {}, annotations: {} }, strategy },
      { replicas: 5 },
    );
    expect(rollout.metadata.name).toBe('reviews-rollout');
    const { replicas: _, ...expected } = asObject(shown['spec']);
    expect(rollout['spec']).toEqual({
      ...expected,
      workloadRef: { ...asObject(expected['workloadRef']), scaleDown: 'onsuccess' },
    });
    expect(dig(rollout, 'spec', 'strategy')).toEqual(dig(shown, 'spec', 'strategy'));
  });
});

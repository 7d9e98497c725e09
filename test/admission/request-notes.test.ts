import { describe, expect, it } from 'vitest';
import type { Policy } from '../../src/policy/policy.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { asObject } from '../../src/world/read.ts';
import { webDeployment, webRollout } from '../support/converted.ts';
import { gateOver, NO_LIMITS, requestFor, validate } from '../support/gate.ts';

const rollout = webRollout(7, { canary: {} });

function counted(replicas: number | undefined): KubeObject {
  const { replicas: _, ...rest } = asObject(rollout['spec']);
  return { ...rollout, spec: replicas === undefined ? rest : { ...rest, replicas } };
}

async function warningsOf(
  after: KubeObject | undefined,
  before: KubeObject,
  others: readonly KubeObject[],
  policyChange: Partial<Policy> = {},
): Promise<string> {
  const { response } = await validate(gateOver([before, ...others], { policyChange }), requestFor(after, before));
  expect(response.allowed).toBe(true);
  return (response.warnings ?? []).join('\n');
}

describe('a replica count that an autoscaler sets', () => {
  const scaler = (kind: string, apiVersion: string, target = 'web'): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name: 'web', namespace: 'shop' },
    spec: { scaleTargetRef: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: target } },
  });
  const hpa = scaler('HorizontalPodAutoscaler', 'autoscaling/v2');

  it.each([
    ['HorizontalPodAutoscaler', hpa],
    ['ScaledObject', scaler('ScaledObject', 'keda.sh/v1alpha1')],
  ])('is named when a manifest resets it: %s', async (kind, autoscaler) => {
    expect(await warningsOf(counted(3), counted(7), [autoscaler])).toContain(
      `Rollout "web": replicas changes from 7 to 3, but ${kind} "web" sets it: remove spec.replicas from the manifest [rollgate/autoscaler-target]`,
    );
  });

  it.each<[string, number | undefined, number | undefined, readonly KubeObject[], Partial<Policy>]>([
    ['the count stays', 7, 7, [hpa], {}],
    ['the manifest has none', 7, undefined, [hpa], {}],
    ['somebody scales to 0, which switches the autoscaler off', 7, 0, [hpa], {}],
    ['somebody scales up from 0', 0, 3, [hpa], {}],
    ['there is no autoscaler', 7, 3, [], {}],
    ['the autoscaler has another target', 7, 3, [scaler('HorizontalPodAutoscaler', 'autoscaling/v2', 'other')], {}],
    ['the autoscaler does not count pods', 7, 3, [scaler('VerticalPodAutoscaler', 'autoscaling.k8s.io/v1')], {}],
    ['the policy has switched the rule off', 7, 3, [hpa], { rules: { 'autoscaler-target': 'off' } }],
  ])('is not named where %s', async (_, before, after, others, policy) => {
    expect(await warningsOf(counted(after), counted(before), others, policy)).not.toContain('replicas changes');
  });
});

describe('the Rollout of a converted Deployment', () => {
  const converted = webDeployment({ convert: 'canary', replicas: '7', 'rollout-uid': 'r-1' }, { replicas: 0 });

  it('runs its pods, and deleting it says so', async () => {
    expect(await warningsOf(undefined, rollout, [converted])).toContain(
      'Rollout "web" runs the pods of converted Deployment "web": deleting it stops them before others run; ' +
        'set rollgate.io/convert: "off" on Deployment "web" instead [rollgate/deployment-convert]',
    );
  });

  it.each<[string, readonly KubeObject[]]>([
    ['the Deployment is gone', []],
    [
      'the Deployment is deleted too',
      [{ ...converted, metadata: { ...converted.metadata, deletionTimestamp: 'now' } }],
    ],
    ['the Deployment was never converted', [webDeployment({}, { replicas: 0 })]],
    ['its conversion is over', [webDeployment({ convert: 'canary', replicas: '7' }, { replicas: 7 }, { uid: 'd-2' })]],
  ])('is deleted without a word where %s', async (_, others) => {
    expect(await warningsOf(undefined, rollout, others)).not.toContain('deleting it stops them');
  });
});

describe('a route in a namespace that the policy does not trust', () => {
  const gateway: KubeObject = {
    ...rollout,
    spec: {
      strategy: {
        canary: {
          stableService: 'stable',
          canaryService: 'canary',
          trafficRouting: { plugins: { 'argoproj-labs/gatewayAPI': { httpRoute: 'web', namespace: 'gateways' } } },
        },
      },
    },
    status: {
      currentPodHash: 'new',
      stableRS: 'old',
      canary: { weights: { canary: { weight: 20 }, stable: { weight: 80 } } },
    },
  };
  const route = (stable: number, canary: number): KubeObject => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'web', namespace: 'gateways' },
    spec: {
      rules: [
        {
          backendRefs: [
            { name: 'stable', namespace: 'shop', port: 80, weight: stable },
            { name: 'canary', namespace: 'shop', port: 80, weight: canary },
          ],
        },
      ],
    },
  });
  const LINE =
    'HTTPRoute "web": nothing is kept for a Rollout of namespace "shop": add rollouts: shop, objects: gateways to ' +
    'trustedNamespaces of the policy if it may control this object [rollgate/route-weights]';

  async function mutated(
    submitted: KubeObject,
    rollouts: readonly KubeObject[],
    policyChange: Partial<Policy> = {},
  ): Promise<{ readonly patched: boolean; readonly warnings: readonly string[] }> {
    const stored = route(80, 20);
    const gate = gateOver([...rollouts, stored], { policyChange });
    const { response } = await gate.mutate(requestFor(submitted, stored), NO_LIMITS);
    return { patched: 'patch' in response, warnings: response.warnings ?? [] };
  }

  it('loses its weights, and a warning says which pair is missing', async () => {
    expect(await mutated(route(100, 0), [gateway])).toEqual({ patched: false, warnings: [LINE] });
  });

  it('is named once, for however many Rollouts', async () => {
    const others = ['a', 'b'].map((name) => ({ ...gateway, metadata: { ...gateway.metadata, name } }));
    expect((await mutated(route(100, 0), [gateway, ...others])).warnings).toEqual([LINE]);
  });

  it('is not named where nothing is lost, or the pair is listed', async () => {
    expect(await mutated(route(80, 20), [gateway])).toEqual({ patched: false, warnings: [] });
    const trustedNamespaces = [{ rollouts: 'shop', objects: 'gateways' }];
    const kept = await mutated(route(100, 0), [gateway], { trustedNamespaces });
    expect(kept).toMatchObject({ patched: true });
    expect(kept.warnings.join()).not.toContain('trustedNamespaces');
  });
});

describe('a selector that changes under running pods', () => {
  const service = (selector: object): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector, ports: [{ port: 80 }] },
  });
  const HASH = 'rollouts-pod-template-hash';
  const stored = service({ version: 'v1', [HASH]: 'old' });
  const next = service({ version: 'v2', [HASH]: 'old' });
  const strategies = {
    stable: { canary: { stableService: 'web', canaryService: 'web-canary' } },
    canary: { canary: { stableService: 'web-stable', canaryService: 'web' } },
    active: { blueGreen: { activeService: 'web' } },
    ping: { canary: { pingPong: { pingService: 'web', pongService: 'web-pong' } } },
  };

  /** Returns a Rollout whose template has the next version already. */
  function released(role: keyof typeof strategies, status: object, generation = 2): KubeObject {
    return {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name: 'web', namespace: 'shop', generation },
      spec: {
        strategy: strategies[role],
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web', version: 'v2' } },
          spec: { containers: [{ name: 'web', image: 'web:2', ports: [{ containerPort: 80 }] }] },
        },
      },
      status: { currentPodHash: 'new', stableRS: 'old', availableReplicas: 3, observedGeneration: '2', ...status },
    };
  }

  const LINE =
    'Service "web": no pod that it selects now has version: v2, and Rollout "web" is being updated: select a label ' +
    'that old and new pods have, roll out, then set version again [rollgate/service-selector]';

  it.each<[string, KubeObject]>([
    ['in the middle of the update', released('stable', {})],
    ['before the controller has seen the new template', released('stable', { currentPodHash: 'old' }, 3)],
    ['of a blue-green Rollout', released('active', {})],
    ['of ping, which is stable', released('ping', { canary: { stablePingPong: 'ping' } })],
  ])('is named %s', async (_, rollout) => {
    expect(await warningsOf(next, stored, [rollout])).toContain(LINE);
  });

  it.each<[string, KubeObject, KubeObject]>([
    ['nothing is available', released('stable', { availableReplicas: 0 }), next],
    ['the update is over', released('stable', { stableRS: 'new' }), next],
    ['the Service is that of the canary', released('canary', {}), next],
    ['ping is the canary', released('ping', { canary: { stablePingPong: 'pong' } }), next],
    ['a label is left out', released('stable', {}), service({ [HASH]: 'old' })],
    ['the hash alone changes', released('stable', {}), service({ version: 'v1', [HASH]: 'new' })],
  ])('is not named where %s', async (_, rollout, after) => {
    expect(await warningsOf(after, stored, [rollout])).not.toContain('no pod that it selects now');
  });

  it('is not named on CREATE', async () => {
    const { response } = await validate(gateOver([released('stable', {})]), requestFor(next, undefined));
    expect((response.warnings ?? []).join()).not.toContain('no pod that it selects now');
  });
});

import { describe, expect, it } from 'vitest';
import { scanWorld } from '../../src/commands/scan.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { objectsOf } from '../support/gate.ts';
import { storeOf } from '../../src/world/store.ts';

const CONTROLLERS = ['argo-rollouts', 'tenant-a', 'tenant-b']
  .map(
    (namespace) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: argo-rollouts, namespace: ${namespace}, labels: { app.kubernetes.io/name: argo-rollouts } }
spec:
  selector: { matchLabels: { app: it } }
  template: { metadata: { labels: { app: it } }, spec: { serviceAccountName: it } }
`,
  )
  .join('---');

describe('rollgate scan', () => {
  const world = storeOf(objectsOf(CONTROLLERS));
  const account = (namespace: string): string => `system:serviceaccount:${namespace}:it`;
  const [a, b] = [account('tenant-a'), account('tenant-b')];
  const controllers = (change: Partial<(typeof DEFAULT_POLICY)['controllers']>) => ({
    ...DEFAULT_POLICY,
    controllers: { ...DEFAULT_POLICY.controllers, ...change },
  });

  it.each([
    ['by default', {}, undefined, [a, b]],
    ['of one namespace', {}, 'tenant-b', [b]],
    ['that the policy does not name', { namespaces: ['tenant-a'] }, undefined, [account('argo-rollouts'), b]],
    ['without discovery', { discover: false }, undefined, []],
  ])('lists accounts that only look like controllers: %s', (_, change, namespace, accounts) => {
    expect(scanWorld(world, [], controllers(change), namespace)).toMatchObject({
      verdict: 'allow',
      untrustedControllers: accounts,
    });
  });
});

describe('rollgate scan of conversions', () => {
  const web = (name: string, annotations: Readonly<Record<string, string>>, namespace = 'shop'): string =>
    JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name,
        namespace,
        annotations: Object.fromEntries(
          Object.entries(annotations).map(([key, value]) => [`rollgate.io/${key}`, value] as const),
        ),
      },
      spec: { selector: { matchLabels: { app: name } } },
    });
  const rollout = (name: string): string =>
    JSON.stringify({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name, namespace: 'shop', annotations: { 'rollgate.io/converted-from': name } },
      spec: { workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } },
    });
  const accepted = { convert: 'canary', replicas: '2' };
  const proven = { ...accepted, 'conversion-policy': 'p/b' };
  const world = storeOf(
    objectsOf(
      [
        web('before-the-policy', accepted),
        web('of-another-policy', { ...proven, 'convert-suspended': 'not-proven: x' }),
        web('elsewhere', accepted, 'other'),
        web('exempt', accepted, 'kube-system'),
        web('proven', proven),
        web('refused', { ...proven, 'convert-suspended': 'refused: quota' }),
        web('recorded', { ...accepted, 'rollout-uid': 'r' }),
        web('only-asks', { convert: 'canary' }),
        web('asks-no-more', { ...accepted, convert: 'off' }),
        web('made', accepted),
        rollout('made'),
        web('named-alike', accepted),
        rollout('named-alike').replace('"rollgate.io/converted-from":"named-alike"', '"a":"b"'),
      ].join('\n---\n'),
    ),
  );
  const listed = (namespace?: string): string[] =>
    scanWorld(world, [], DEFAULT_POLICY, namespace).findings.map(({ object, rule, decision, path }) => {
      expect([rule, decision, path]).toEqual([
        'deployment-convert',
        'warn',
        'metadata.annotations["rollgate.io/replicas"]',
      ]);
      return `${object.namespace}/${object.name}`;
    });

  it('lists Deployments with annotations that prove nothing and without a Rollout', () => {
    const shop = ['shop/before-the-policy', 'shop/named-alike', 'shop/of-another-policy'];
    expect(listed().sort()).toEqual(['other/elsewhere', ...shop]);
    expect(listed('shop').sort()).toEqual(shop);
  });

  it('says what to do', () => {
    const [found] = scanWorld(world, [], DEFAULT_POLICY, 'other').findings;
    expect(found?.fix).toContain('apply or annotate the Deployment again');
  });
});

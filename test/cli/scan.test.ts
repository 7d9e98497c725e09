import { describe, expect, it } from 'vitest';
import { differenceOf, renderScan, scanWorld } from '../../src/commands/scan.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { objectsOf } from '../support/gate.ts';
import { parseVersion } from '../../src/world/rollouts-versions.ts';
import { storeOf } from '../../src/world/store.ts';
import { RULES } from '../../src/rules/index.ts';

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

describe('rollgate scan --would-deny', () => {
  it.each([
    [0, '0 objects'],
    [1, '1 object'],
    [2, '2 objects'],
  ])('says how many objects were evaluated if it finds nothing: %d', (objects, text) => {
    const report = { ...scanWorld(storeOf([]), [], DEFAULT_POLICY, undefined), objects };
    expect(renderScan(report, { output: 'text', wouldDeny: true, color: false })).toEqual({
      text: `Nothing would be denied (${text} evaluated).\n`,
      code: 0,
    });
  });
});

describe('rollgate scan of converted Deployments', () => {
  const policy = { ...DEFAULT_POLICY, conversionNamespaces: ['inside'] };
  const notes = (values: Readonly<Record<string, string>>): string =>
    JSON.stringify(Object.fromEntries(Object.entries(values).map(([key, value]) => [`rollgate.io/${key}`, value])));
  const proven = { convert: 'canary', 'conversion-policy': 'p/b' };
  const converted = { ...proven, replicas: '3', 'rollout-uid': 'r' };
  const web = (namespace: string, name: string, annotations: Readonly<Record<string, string>>, replicas: number) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${namespace}, uid: d-${name}, annotations: ${notes(annotations)} }
spec: { replicas: ${replicas} }
`;
  const rollout = (namespace: string, name: string) => `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: ${name}
  namespace: ${namespace}
  uid: r
  annotations: { rollgate.io/converted-from: ${name} }
  ownerReferences: [{ apiVersion: apps/v1, kind: Deployment, name: ${name}, uid: d-${name}, controller: true }]
spec: { workloadRef: { apiVersion: apps/v1, kind: Deployment, name: ${name} } }
`;
  const world = storeOf(
    objectsOf(
      [
        web('inside', 'web', converted, 0),
        rollout('inside', 'web'),
        web('outside', 'web', converted, 0),
        rollout('outside', 'web'),
        web('outside', 'leaving', { ...converted, convert: 'off' }, 3),
        rollout('outside', 'leaving'),
        web('outside', 'lost', converted, 0),
        web('outside', 'admitted', { ...proven, replicas: '2' }, 0),
        web('outside', 'back', converted, 3),
        web('outside', 'none-wanted', { ...proven, replicas: '0' }, 0),
        web('outside', 'wish', { convert: 'canary' }, 0),
        web('outside', 'plain', {}, 0),
      ].join('---'),
    ),
  );
  const found = (given: typeof DEFAULT_POLICY, namespace?: string): readonly string[] =>
    scanWorld(world, [], given, namespace).findings.map(
      ({ rule, decision, object, message, fix }) =>
        `${rule} ${decision} ${object.namespace}/${object.name}: ${message}: ${fix}`,
    );
  const warned = 'deployment-convert warn outside';
  const why = 'conversion.namespaces does not name its namespace';

  it('names those in namespaces that are not listed any more, and what to do', () => {
    const kept = (name: string): string =>
      `${warned}/${name}: ${why}, so Rollgate no longer changes Rollout "${name}" and cannot convert back: add the namespace to conversion.namespaces again; to remove it, convert back first`;
    const bare = (name: string, replicas: number): string =>
      `${warned}/${name}: ${why}, and it has no pods: it is at 0 replicas and has no Rollout: run kubectl scale with --replicas=${replicas}, or add the namespace to conversion.namespaces again`;
    expect(found(policy)).toEqual([bare('admitted', 2), kept('leaving'), bare('lost', 3), kept('web')]);
  });

  it('names none without a list, in listed namespaces, or in other ones than the one that is scanned', () => {
    expect(found(DEFAULT_POLICY)).toEqual([]);
    expect(found({ ...policy, conversionNamespaces: ['inside', 'outside'] })).toEqual([]);
    expect(found(policy, 'inside')).toEqual([]);
    expect(found(policy, 'outside')).toHaveLength(4);
  });

  it('denies nothing for them', () => {
    expect(scanWorld(world, [], policy, undefined).verdict).toBe('allow');
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
        web('not-named', accepted, 'outside'),
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
    expect(listed().sort()).toEqual(['other/elsewhere', 'outside/not-named', ...shop]);
    expect(listed('shop').sort()).toEqual(shop);
    expect(listed('outside')).toEqual(['outside/not-named']);
    const inShop = { ...DEFAULT_POLICY, conversionNamespaces: ['shop'] };
    expect(scanWorld(world, [], inShop, 'outside').findings).toEqual([]);
  });

  it('says what to do', () => {
    const [found] = scanWorld(world, [], DEFAULT_POLICY, 'other').findings;
    expect(found?.fix).toContain('apply or annotate the Deployment again');
  });
});

describe('rollgate scan for another version of Argo Rollouts', () => {
  const objects = objectsOf(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web }] }
  strategy:
    canary:
      stableService: stable
      canaryService: canary
      trafficRouting: { istio: { virtualService: { name: web.shop.svc.cluster.local } } }
      steps: [{ setWeight: 120 }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: shop }
spec: { http: [{ route: [{ destination: { host: stable } }, { destination: { host: canary } }] }] }
`);
  const world = storeOf(objects, undefined, () => parseVersion('1.9.3') ?? { min: [0, 0, 0], max: [0, 0, 0] });
  const next = { ...DEFAULT_POLICY, controllers: { ...DEFAULT_POLICY.controllers, version: '1.10' } };

  it('reports what that does otherwise, and nothing that is wrong already', () => {
    const here = scanWorld(world, RULES, DEFAULT_POLICY, undefined);
    expect(here.findings.map(({ message }) => message).join()).toContain('120');
    expect(differenceOf(scanWorld(world, RULES, next, undefined), here).findings).toMatchObject([
      {
        rule: 'reference-exists',
        message: expect.stringContaining('"web.shop" not found in namespace "svc"') as string,
      },
    ]);
  });

  it('reports nothing if the versions are the same', () => {
    const here = scanWorld(world, RULES, DEFAULT_POLICY, undefined);
    expect(differenceOf(scanWorld(world, RULES, DEFAULT_POLICY, undefined), here).findings).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { dig } from '../../src/world/read.ts';
import { Cluster } from './harness/cluster.ts';
import { annotation, ConversionScene, deployment, service } from './harness/conversion.ts';
import { yamlOf, type Kubectl, type Printed } from './harness/kubectl.ts';
import { until } from './harness/program.ts';
import { MAY_CREATE_ROLLOUTS, namedTenant, refusal, whileDown } from './harness/tenants.ts';
import { annotated, inAudit, notes, rolloutsIn, scan, upAndDown } from './support/trust.ts';

let cluster: Cluster;

const OVERRIDES = [
  { name: 'lax', mode: 'audit', rules: { 'rollout-steps': 'off' } },
  { name: 'strict', mode: 'enforce' },
  { name: 'any', mode: 'audit', byLabel: 'any' },
];

/** Returns a profile whose Rollout controls a VirtualService. */
function meshed(virtualService: string): object {
  const trafficRouting = { istio: { virtualService: { name: virtualService, routes: ['primary'] } } };
  const steps = [{ setWeight: 20 }, { pause: { duration: '1h' } }];
  // A Service cannot have a dot in its name.
  return { strategy: { canary: { stableService: 'web', canaryService: 'web-canary', trafficRouting, steps } } };
}

beforeAll(async () => {
  cluster = await Cluster.start();
  await cluster.rollgate.policy((policy) => ({
    ...policy,
    profiles: { meshed: meshed('{name}'), foreign: meshed('shared.mesh') },
    overrides: OVERRIDES,
  }));
  await cluster.controlPlane.admin.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'mesh' } });
});
afterAll(() => cluster?.stop());

/** Returns a Rollout that Argo Rollouts refuses. */
function invalidRollout(namespace: string, name: string): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name, namespace },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
      strategy: { canary: { steps: [{ setWeight: 120 }] } },
    },
  };
}

const POLICY = 'rollgate.io/conversion-policy';
const INVALID = '[rollgate/rollout-steps]';

/** Creates an object with kubectl. */
function create(kubectl: Kubectl, object: KubeObject): Promise<Printed> {
  return kubectl.try(['create', '-f', '-'], yamlOf([object]));
}

/** Returns the lines of the log with this text, once there is one. */
async function logged(text: string, from = 0): Promise<readonly string[]> {
  const lines = (): string[] =>
    cluster.rollgate.program
      .lines()
      .slice(from)
      .filter((line) => line.includes(text));
  await until(`a line with ${text}`, () => lines().length > 0);
  return lines();
}

describe('an account that only looks like that of a controller', () => {
  it('is checked like any user, gets no conversion, and is named', async () => {
    const scene = await ConversionScene.open(cluster);
    const { namespace } = scene;
    const impostor = await namedTenant(cluster, namespace, 'impostor');
    const metadata = { name: 'argo', namespace, labels: { 'app.kubernetes.io/name': 'argo-rollouts' } };
    const controller = deployment(namespace, 'argo', {
      replicas: 0,
      spec: {
        template: {
          metadata: { labels: { app: 'argo' } },
          spec: { serviceAccountName: 'impostor', containers: [{ name: 'argo', image: 'argo:1' }] },
        },
      },
    });
    await impostor.api.create({ ...controller, metadata });
    await until('the account to be found', async () =>
      (await cluster.rollgate.metrics()).includes('rollgate_untrusted_controllers 1\n'),
    );
    expect(await logged(`"account":"${impostor.user}"`)).toHaveLength(1);
    expect(await scan(cluster)).toContain(impostor.user);
    // The real one is still trusted.
    expect(await cluster.rollgate.metrics()).toContain('rollgate_keeps_off 0\n');

    const denied = 'may not create rollouts.argoproj.io';
    const asks = (name: string): KubeObject => deployment(namespace, name, { replicas: 1, convert: 'canary' });
    const enforced = await create(impostor.kubectl, asks('enforced'));
    expect([enforced.code, enforced.stderr]).toEqual([1, expect.stringContaining(denied)]);
    await inAudit(cluster, async () => {
      const audited = await create(impostor.kubectl, asks('audited'));
      expect([audited.code, audited.stderr]).toEqual([0, expect.stringContaining(denied)]);
    });
    await impostor.api.create(deployment(namespace, 'web', { replicas: 1 }));
    const at = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'web' };
    await upAndDown(cluster, async () => {
      for (const values of [{ convert: 'canary', replicas: '1' }, { 'rollout-uid': 'x' }])
        expect(await refusal(impostor.api.patch(at, { metadata: { annotations: notes(values) } }, 'status'))).toContain(
          'create rollouts.argoproj.io',
        );
    });
    expect(await rolloutsIn(cluster, namespace)).toEqual([]);

    // With the right to create Rollouts it can create valid ones only.
    await namedTenant(cluster, namespace, 'impostor', [MAY_CREATE_ROLLOUTS]);
    const invalid = await until('the right', async () => {
      const printed = await create(impostor.kubectl, invalidRollout(namespace, 'invalid'));
      return printed.stderr.includes('cannot create resource') ? undefined : printed;
    });
    expect([invalid.code, invalid.stderr]).toEqual([1, expect.stringContaining(INVALID)]);
    await inAudit(cluster, async () => {
      const audited = await create(impostor.kubectl, invalidRollout(namespace, 'audited'));
      expect([audited.code, audited.stderr]).toEqual([0, expect.stringContaining(INVALID)]);
    });
  });
});

describe('a Deployment whose Rollout would control another namespace', () => {
  // What the Services of all Deployments select.
  const TIER = { tier: 'web' };

  async function route(namespace: string, name: string, backend: string): Promise<void> {
    const host = (service: string): object => ({ destination: { host: `${service}.${backend}.svc.cluster.local` } });
    const primary = [
      { ...host('web'), weight: 100 },
      { ...host('web-canary'), weight: 0 },
    ];
    const virtualService = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name, namespace },
      spec: { hosts: ['web'], http: [{ name: 'primary', route: primary }] },
    };
    await cluster.admin.apply([virtualService]);
  }

  /** Returns names of a Deployment and its profile that reach another namespace, and the reason against each. */
  async function attempts(namespace: string): Promise<readonly (readonly [string, string, string])[]> {
    // Nothing else is wrong: the routes of the others send to the Services of the namespace.
    await cluster.developer.apply(['web', 'web-canary'].map((name) => service(namespace, name, TIER)));
    const victim = await cluster.namespace('victim');
    await route(victim, 'payments', namespace);
    await route('mesh', 'shared', namespace);
    return [
      [`payments.${victim}`, 'meshed', `puts the name "payments.${victim}" where Argo Rollouts reads a namespace`],
      ['web', 'foreign', 'makes the Rollout control VirtualService "mesh/shared" of another namespace'],
    ];
  }

  it('is denied in enforce mode, and is warned about in audit mode and stays a Deployment', async () => {
    const scene = await ConversionScene.open(cluster);
    const { namespace } = scene;
    const owner = await namedTenant(cluster, namespace, 'owner', [MAY_CREATE_ROLLOUTS]);
    for (const [name, convert, why] of await attempts(namespace)) {
      const object = deployment(namespace, name, { replicas: 1, convert, labels: TIER });
      const enforced = await create(owner.kubectl, object);
      expect([enforced.code, enforced.stderr]).toEqual([1, expect.stringContaining(why)]);
      await inAudit(cluster, async () => {
        const audited = await create(owner.kubectl, object);
        expect([audited.code, audited.stderr]).toEqual([0, expect.stringContaining(why)]);
      });
      expect(await rolloutsIn(cluster, namespace)).toEqual([]);
      expect(dig(await scene.deployment(name), 'spec', 'replicas')).toBe(1);
    }
  });

  it('gets no Rollout if it was stored with all annotations while Rollgate was down', async () => {
    const scene = await ConversionScene.open(cluster);
    const { namespace } = scene;
    const owner = await namedTenant(cluster, namespace, 'owner', [MAY_CREATE_ROLLOUTS]);
    const all = await attempts(namespace);
    // Has what proves a conversion in this cluster.
    await scene.developer.apply([deployment(namespace, 'done', { replicas: 1, convert: 'canary' })]);
    await scene.healthy('done', 1);
    const proof = { replicas: '1', 'conversion-policy': annotation(await scene.deployment('done'), POLICY) };
    await whileDown(cluster, async () => {
      for (const [name, convert] of all)
        await owner.api.create(
          annotated(deployment(namespace, name, { replicas: 1, labels: TIER }), notes({ convert, ...proof })),
        );
    });
    for (const [name, , why] of all)
      await scene.until(`${name} suspended`, async () =>
        String((await scene.annotations(name))['rollgate.io/convert-suspended']).includes(why),
      );
    expect(await rolloutsIn(cluster, namespace)).toEqual(['done']);
  });

  it('is converted if trustedNamespaces has the pair, but never by a dot in its name', async () => {
    const scene = await ConversionScene.open(cluster);
    const { namespace } = scene;
    const owner = await namedTenant(cluster, namespace, 'owner', [MAY_CREATE_ROLLOUTS]);
    const [[dotted, profile, why] = ['', '', '']] = await attempts(namespace);
    await cluster.rollgate.policy((policy) => ({
      ...policy,
      trustedNamespaces: [{ rollouts: namespace, objects: '*' }],
    }));
    const refused = await create(
      owner.kubectl,
      deployment(namespace, dotted, { replicas: 1, convert: profile, labels: TIER }),
    );
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(why)]);
    await owner.kubectl.run(
      ['create', '-f', '-'],
      yamlOf([deployment(namespace, 'web', { replicas: 1, convert: 'foreign', labels: TIER })]),
    );
    await scene.healthy('web', 1);
    expect(await rolloutsIn(cluster, namespace)).toEqual(['web']);
  });
});

describe('the label rollgate.io/policy on a namespace', () => {
  async function unknown(): Promise<number> {
    const metric = /^rollgate_unknown_labels\{label="rollgate.io\/policy"\} (\d+)$/m;
    return Number(metric.exec(await cluster.rollgate.metrics())?.[1]);
  }

  // Rollgate reads labels from its cache, and a watch keeps the order.
  async function allNamespacesSeen(): Promise<void> {
    await cluster.namespace('later', { 'rollgate.io/policy': 'unknown' });
    const labelled = await cluster.controlPlane.admin.list(
      'v1',
      'Namespace',
      undefined,
      'labelSelector=rollgate.io/policy',
    );
    const wrong = labelled.filter(({ metadata }) =>
      OVERRIDES.every(({ name }) => name !== dig(metadata, 'labels', 'rollgate.io/policy')),
    );
    await until('the namespaces', async () => (await unknown()) === wrong.length);
  }

  async function reaction(label?: string): Promise<readonly [code: number, warned: boolean]> {
    const namespace = await cluster.namespace('labelled', label === undefined ? {} : { 'rollgate.io/policy': label });
    await allNamespacesSeen();
    const { code, stderr } = await create(cluster.developer, invalidRollout(namespace, 'web'));
    expect(stderr).toContain(INVALID);
    return [code, stderr.startsWith('Warning:')];
  }

  it('makes settings stricter, and laxer only by an override that says so', async () => {
    expect(await reaction()).toEqual([1, false]);
    expect(await reaction('lax')).toEqual([1, false]);
    expect(await reaction('absent')).toEqual([1, false]);
    expect(await reaction('any')).toEqual([0, true]);
    await inAudit(cluster, async () => {
      expect(await reaction()).toEqual([0, true]);
      expect(await reaction('lax')).toEqual([0, true]);
      expect(await reaction('strict')).toEqual([1, false]);
    });
  });

  it('is reported if it names nothing: at the start, when it appears, in the metric and by scan', async () => {
    const before = await unknown();
    const namespace = await cluster.namespace('typo', { 'rollgate.io/policy': 'strct' });
    const line = `"namespace":"${namespace}"`;
    await until('the metric', async () => (await unknown()) === before + 1);
    expect(await logged(`${line},"reason":"label rollgate.io/policy names override \\"strct\\"`)).toHaveLength(1);
    expect(await scan(cluster, '--namespace', namespace)).toContain('use "strict"');
    const end = cluster.rollgate.program.lines().length;
    await whileDown(cluster, () => Promise.resolve());
    expect(await logged(line, end)).toHaveLength(1);
    await cluster.admin.run(['label', 'namespace', namespace, 'rollgate.io/policy=strict', '--overwrite']);
    await until('the metric of before', async () => (await unknown()) === before);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderTest } from '../../scripts/helm.ts';
import { invalidRollout } from '../../src/commands/self-test.ts';
import { main } from '../../src/program.ts';
import { asArray, asString, dig } from '../../src/world/read.ts';
import { io } from '../cli/support.ts';
import { API_SERVER_METRICS } from '../support/exported-metrics.ts';
import { expressions } from '../support/monitoring.ts';
import { metricsIn } from '../support/promql.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { objectsOf } from './harness/objects.ts';
import { until } from './harness/program.ts';
import { Release } from './harness/release.ts';
import { shop } from './harness/shop.ts';

let cluster: Cluster;
let release: Release;
const seen = new Set<unknown>();

beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: ['policy.mode=audit', 'dashboard.enabled=true'] });
  // The objects are there already. This makes them a release, which has a test.
  release = await Release.adopt(cluster);
});
afterAll(() => cluster?.stop());

interface Tested {
  /** What the pod printed, and its exit code. */
  readonly pod: { readonly code: number | undefined; readonly out: string; readonly err: string };
  /** Whether Helm says that the test has passed. */
  readonly passed: boolean;
}

/** Runs `helm test`. The command of its pod runs here, as its account, and the pod ends as the command does. */
async function helmTest(): Promise<Tested> {
  const { admin } = cluster.controlPlane;
  const helmEnded = release.run('test', 'rollgate', '--timeout', '120s').then(
    (printed) => /^Phase: +Succeeded$/m.test(printed),
    () => false,
  );
  const pod = await until('the pod of the test', async () => {
    const found = await admin.get('v1', 'Pod', 'rollgate', 'rollgate-self-test');
    const runs = found !== undefined && asArray(dig(found, 'status', 'conditions')).some(isReady);
    return runs && !seen.has(found.metadata['uid']) ? found : undefined;
  });
  seen.add(pod.metadata['uid']);
  const kubectl = await cluster.as({ namespace: 'rollgate', name: asString(dig(pod, 'spec', 'serviceAccountName')) });
  const args = [
    ...asArray(dig(asArray(dig(pod, 'spec', 'containers'))[0], 'args')).map(asString),
    `--kubeconfig=${kubectl.kubeconfig}`,
  ];
  // A pod starts more slowly than the API server learns of the rights.
  const result = await until('the rights of the test', async () => {
    const written = io('.');
    const code = await main(args, written);
    return code === 2 ? undefined : { code, out: written.out(), err: written.err() };
  });
  await admin.patch(
    { apiVersion: 'v1', kind: 'Pod', namespace: 'rollgate', name: pod.metadata.name },
    { status: { phase: result.code === 0 ? 'Succeeded' : 'Failed' } },
    'status',
  );
  return { pod: result, passed: await helmEnded };
}

function isReady(condition: unknown): boolean {
  return dig(condition, 'type') === 'Ready' && dig(condition, 'status') === 'True';
}

/** Returns what is left of a test, apart from its pod. */
async function left(): Promise<string[]> {
  const { admin } = cluster.controlPlane;
  const rbac = 'rbac.authorization.k8s.io/v1';
  const found = [
    await admin.get('v1', 'ServiceAccount', 'rollgate', 'rollgate-self-test'),
    await admin.get(rbac, 'Role', 'default', 'rollgate-self-test'),
    await admin.get(rbac, 'RoleBinding', 'default', 'rollgate-self-test'),
    ...(await admin.list('argoproj.io/v1alpha1', 'Rollout', 'default')),
  ];
  return found.filter((object) => object !== undefined).map(({ kind }) => kind);
}

/** Sets the failurePolicy of the validating webhooks while Rollgate is down, and waits until a failed call shows it. */
async function setFailurePolicy(value: 'Ignore' | 'Fail'): Promise<void> {
  const config = await cluster.controlPlane.admin.get(
    'admissionregistration.k8s.io/v1',
    'ValidatingWebhookConfiguration',
    '',
    'rollgate',
  );
  const path = (index: number): string => `/webhooks/${index}/failurePolicy`;
  const patch = asArray(dig(config, 'webhooks')).map((_, index) => ({
    op: 'replace',
    path: path(index),
    value,
  }));
  await cluster.admin.run([
    'patch',
    'validatingwebhookconfiguration',
    'rollgate',
    '--type=json',
    `--patch=${JSON.stringify(patch)}`,
  ]);
  await until(
    `failurePolicy ${value}`,
    async () =>
      ((await cluster.controlPlane.admin.propose(invalidRollout('default'))).code === 500) === (value === 'Fail'),
  );
}

describe('helm test', () => {
  it('passes in audit mode, by a warning, and leaves only its pod', async () => {
    const { pod, passed } = await helmTest();
    expect([passed, pod.code, pod.err]).toEqual([true, 0, '']);
    expect(pod.out).toMatch(
      /^Rollgate answered: it warned .+ namespace "default"\.\n.+ \[rollgate\/rollout-[a-z]+\]\n$/,
    );
    expect(await left()).toEqual([]);
  });

  it('passes in enforce mode, by a denial, and leaves only its pod', async () => {
    await cluster.rollgate.policy((policy) => ({ ...policy, mode: 'enforce' }));
    const { pod, passed } = await helmTest();
    expect([passed, pod.code, pod.err]).toEqual([true, 0, '']);
    expect(pod.out).toMatch(/^Rollgate answered: it denied .+ namespace "default"\.\nadmission webhook /);
    expect(pod.out).toContain('[rollgate/rollout-steps]');
    expect(await left()).toEqual([]);
  });

  it('fails when the gate is down, and leaves only its pod', async () => {
    await cluster.rollgate.program.stop();
    const { pod, passed } = await helmTest();
    expect([passed, pod.code, pod.out]).toEqual([false, 1, '']);
    expect(pod.err).toMatch(/^rollgate self-test: no answer from Rollgate in namespace "default": .+ admitted /);
    expect(pod.err).toContain('kubectl get pods --all-namespaces');
    expect(await left()).toEqual([]);
  });

  it('fails when the gate is down and the API server therefore rejects', async () => {
    await setFailurePolicy('Fail');
    const { pod, passed } = await helmTest();
    expect([passed, pod.code, pod.out]).toEqual([false, 1, '']);
    expect(pod.err).toContain('failed calling webhook');
  });

  it('may do nothing but create Rollouts in its namespace', async () => {
    const rendered = objectsOf(renderTest()).filter(({ kind }) => kind !== 'Pod');
    await cluster.admin.run(['apply', '-f', '-'], yamlOf(rendered));
    const as = '--as=system:serviceaccount:rollgate:rollgate-self-test';
    const may = async (verb: string, resource: string, namespace: string): Promise<string> =>
      (await cluster.admin.try(['auth', 'can-i', verb, resource, '-n', namespace, as])).stdout.trim();
    await until(
      'the rights of the test',
      async () => (await may('create', 'rollouts.argoproj.io', 'default')) === 'yes',
    );
    expect([
      await may('create', 'rollouts.argoproj.io', 'rollgate'),
      await may('get', 'rollouts.argoproj.io', 'default'),
      await may('create', 'pods', 'default'),
    ]).toEqual(['no', 'no', 'no']);
  });

  it('may only send dry runs, also if Helm leaves the account behind', async () => {
    await cluster.admin.run(['apply', '-f', '-'], yamlOf(objectsOf(renderTest()).filter(({ kind }) => kind !== 'Pod')));
    const account = await cluster.as({ namespace: 'rollgate', name: 'rollgate-self-test' });
    const rollout = yamlOf(shop('default', 'left-behind').filter(({ kind }) => kind === 'Rollout'));
    if (!cluster.rollgate.program.running) await cluster.rollgate.start();
    const dryRun = ['create', '--dry-run=server', '--validate=false', '--output=name', '-f', '-'];
    await until('the rights of the test', async () => (await account.try(dryRun, rollout)).code === 0);
    const stored = await account.try(['create', '--validate=false', '-f', '-'], rollout);
    expect([stored.code, stored.stderr]).toEqual([1, expect.stringContaining('may only send dry runs')]);
    // Nobody else is limited.
    await cluster.developer.run(['create', '-f', '-'], rollout);
    await cluster.developer.run(['delete', '-f', '-'], rollout);
  });
});

describe('alerts and dashboard', () => {
  it('read metrics that Rollgate has in a cluster', async () => {
    if (!cluster.rollgate.program.running) await cluster.rollgate.start();
    const exposed = new Set(
      [...(await cluster.rollgate.metrics()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name),
    );
    const read = expressions().flatMap(([, expression]) => metricsIn(expression).map(({ metric }) => metric));
    expect(read.filter((name) => !name.startsWith('apiserver_') && !exposed.has(name.replace(/_bucket$/, '')))).toEqual(
      [],
    );
  });

  it('read metrics that the API server has after calls have failed, with these labels', async () => {
    await cluster.rollgate.program.stop();
    // Each waits for a call that failed.
    await setFailurePolicy('Ignore');
    await setFailurePolicy('Fail');
    const { stdout } = await cluster.admin.run(['get', '--raw', '/metrics']);
    for (const [name, labels] of API_SERVER_METRICS) {
      const line = stdout.split('\n').find((each) => each.startsWith(`${name}{`) && each.includes('.rollgate.io"'));
      expect([name, [...(line ?? '').matchAll(/[{,](\w+)="/g)].map(([, label]) => label).sort()]).toEqual([
        name,
        [...labels].sort(),
      ]);
    }
  });
});

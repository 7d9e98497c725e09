import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderTest } from '../../scripts/helm.ts';
import { main } from '../../src/program.ts';
import { namespaceOf, type KubeObject } from '../../src/world/object.ts';
import { asArray, asString, dig } from '../../src/world/read.ts';
import { io } from '../cli/support.ts';
import { API_SERVER_METRICS } from '../support/exported-metrics.ts';
import { expressions } from '../support/monitoring.ts';
import { metricsIn } from '../support/promql.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { objectsOf } from './harness/objects.ts';
import { until } from './harness/program.ts';

let cluster: Cluster;
let args: readonly string[];

beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: ['policy.mode=audit'] });
  const rendered = objectsOf(renderTest());
  const pod = rendered.find(({ kind }) => kind === 'Pod') as KubeObject;
  await cluster.admin.run(['apply', '-f', '-'], yamlOf(rendered.filter(({ kind }) => kind !== 'Pod')));
  const account = { namespace: namespaceOf(pod), name: asString(dig(pod, 'spec', 'serviceAccountName')) };
  const kubectl = await cluster.as(account);
  const container = asArray(dig(pod, 'spec', 'containers'))[0];
  args = [...asArray(dig(container, 'args')).map(asString), `--kubeconfig=${kubectl.kubeconfig}`];
  // Rights take a moment to be known to the API server.
  await until('the rights of the test', async () => (await run()).code !== 2);
});
afterAll(() => cluster?.stop());

/** Runs what the pod of `helm test` runs, as its account. */
async function run(): Promise<{ code: number | undefined; out: string; err: string }> {
  const written = io('.');
  const code = await main(args, written);
  return { code, out: written.out(), err: written.err() };
}

async function failurePolicy(value: 'Ignore' | 'Fail'): Promise<void> {
  const config = await cluster.controlPlane.admin.get(
    'admissionregistration.k8s.io/v1',
    'ValidatingWebhookConfiguration',
    '',
    'rollgate',
  );
  const path = (index: number): string => `/webhooks/${index}/failurePolicy`;
  const patch = asArray(dig(config, 'webhooks')).map((_, index) => ({ op: 'replace', path: path(index), value }));
  await cluster.admin.run([
    'patch',
    'validatingwebhookconfiguration',
    'rollgate',
    '--type=json',
    `--patch=${JSON.stringify(patch)}`,
  ]);
}

describe('what `helm test` runs', () => {
  it('passes in audit mode, by a warning', async () => {
    const { code, out, err } = await run();
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^Rollgate answered: it warned .+ namespace "default"\.\n.+ \[rollgate\/rollout-[a-z]+\]\n$/);
  });

  it('passes in enforce mode, by a denial', async () => {
    await cluster.rollgate.policy((policy) => ({ ...policy, mode: 'enforce' }));
    const { code, out, err } = await run();
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^Rollgate answered: it denied .+ namespace "default"\.\nadmission webhook /);
    expect(out).toContain('[rollgate/rollout-steps]');
  });

  it('has left no Rollout, and may not read any', async () => {
    expect(await cluster.controlPlane.admin.list('argoproj.io/v1alpha1', 'Rollout', 'default')).toEqual([]);
    const as = '--as=system:serviceaccount:rollgate:rollgate-self-test';
    const may = async (verb: string, resource: string, namespace: string): Promise<string> =>
      (await cluster.admin.try(['auth', 'can-i', verb, resource, '-n', namespace, as])).stdout.trim();
    expect([
      await may('create', 'rollouts.argoproj.io', 'default'),
      await may('create', 'rollouts.argoproj.io', 'rollgate'),
      await may('list', 'rollouts.argoproj.io', 'default'),
      await may('create', 'pods', 'default'),
    ]).toEqual(['yes', 'no', 'no', 'no']);
  });

  it('fails when the gate is down, whatever the failurePolicy is', async () => {
    await cluster.rollgate.program.stop();
    const ignored = await run();
    expect([ignored.code, ignored.out]).toEqual([1, '']);
    expect(ignored.err).toMatch(/^rollgate self-test: no answer from Rollgate in namespace "default": .+ admitted /);

    await failurePolicy('Fail');
    const failed = await until('a failure', async () => {
      const result = await run();
      return result.err.includes('failed calling webhook') ? result : undefined;
    });
    expect([failed.code, failed.out]).toEqual([1, '']);
    expect(failed.err).toContain('kubectl get pods --all-namespaces');
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
    // The test above has made both fail.
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

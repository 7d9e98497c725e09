import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { binary } from '../control-plane/build.ts';
import { render } from '../../scripts/helm.ts';
import { Api } from '../e2e/harness/api.ts';
import { ControlPlane } from '../e2e/harness/control-plane.ts';
import { Kubectl, yamlOf } from '../e2e/harness/kubectl.ts';
import { objectsOf } from '../e2e/harness/objects.ts';
import { pathOf } from '../e2e/harness/paths.ts';
import { until } from '../e2e/harness/program.ts';
import { refusal } from '../e2e/harness/tenants.ts';
import { write, writable, WRITES } from '../e2e/support/deployment-writes.ts';
import { at } from '../e2e/support/transitions.ts';

// Measures what the admission policies cost: the processor time of the API server for 1,000 writes of Deployments, with
// the policies and without them in turn. There are no webhooks, and no pods. docs/security.md has the result.

const ROUNDS = 2;
// The first writes warm up.
const WARM_UP = 100;
const NAMESPACE = 'default';
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const ACCOUNT = { namespace: NAMESPACE, name: 'writer' };
const RIGHTS = [
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['*'] },
  { apiGroups: ['argoproj.io'], resources: ['rollouts'], verbs: ['create'] },
];

/** Returns the processor time that a process has used, in seconds. */
function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function measure(controlPlane: ControlPlane): Promise<void> {
  const { admin } = controlPlane;
  const kubeconfig = await controlPlane.kubeconfig(controlPlane.person('admin'), 'admin');
  const kubectl = new Kubectl(await binary('kubectl'), await binary('kubectl-argo-rollouts'), kubeconfig);
  const rendered = objectsOf(render());
  const policies = yamlOf(rendered.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy'));
  const bindings = yamlOf(rendered.filter(({ kind }) => kind === 'ValidatingAdmissionPolicyBinding'));
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: ACCOUNT.name };
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: ACCOUNT };
  await kubectl.apply([
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: ACCOUNT },
    { ...rbac, kind: 'Role', rules: RIGHTS },
    { ...rbac, kind: 'RoleBinding', roleRef, subjects: [{ kind: 'ServiceAccount', ...ACCOUNT }] },
  ]);
  await kubectl.run(['apply', '-f', '-'], policies);
  await writable(admin, NAMESPACE);
  const [writer, stranger] = [new Api(await controlPlane.account(ACCOUNT)), new Api(controlPlane.person('developer'))];
  await kubectl.run(['create', 'clusterrolebinding', 'developer', '--clusterrole=edit', '--user=developer']);

  const inEffect = async (wanted: boolean): Promise<void> => {
    await kubectl.run(wanted ? ['apply', '-f', '-'] : ['delete', '--ignore-not-found', '-f', '-'], bindings);
    const path = `${pathOf(at(NAMESPACE, 'web-0'))}?dryRun=All`;
    const patch = { metadata: { annotations: { 'rollgate.io/rollout-uid': 'probe' } } };
    const refused = async (): Promise<boolean> =>
      (await refusal(stranger.call('PATCH', path, patch, 'application/merge-patch+json'))) !== '';
    await until('the policies', async () => (await refused()) === wanted);
  };
  const pid = controlPlane.apiserver.pid ?? 0;
  const used = new Map<string, number[]>();
  let offset = 0;
  for (let round = -1; round < ROUNDS; round++) {
    const times = round < 0 ? WARM_UP : 1000;
    for (const policy of round % 2 === 0 ? [true, false] : [false, true]) {
      await inEffect(policy);
      for (const [what, annotations] of Object.entries(WRITES)) {
        const before = processorTime(pid);
        await write(writer, NAMESPACE, annotations, { times, offset });
        const key = `${what} ${policy}`;
        if (round >= 0) used.set(key, [...(used.get(key) ?? []), processorTime(pid) - before]);
        offset += 1000;
      }
    }
  }
  console.log(`${cpus()[0]?.model}; ${ROUNDS} rounds of 1,000 writes each way; processor seconds of kube-apiserver:`);
  for (const what of Object.keys(WRITES)) {
    const [with_, without] = [used.get(`${what} true`) ?? [], used.get(`${what} false`) ?? []];
    const list = (values: readonly number[]): string => values.map((value) => value.toFixed(2)).join(' ');
    const ratio = (mean(with_) / mean(without)).toFixed(2);
    console.log(`${what}: with ${mean(with_).toFixed(2)}, without ${mean(without).toFixed(2)}, ratio ${ratio}`);
    console.log(`  with ${list(with_)}; without ${list(without)}`);
  }
}

const controlPlane = await ControlPlane.start();
try {
  await measure(controlPlane);
} finally {
  await controlPlane.stop();
}

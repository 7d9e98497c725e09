import { setTimeout as sleep } from 'node:timers/promises';
import { scanCommand } from '../../../src/commands/scan.ts';
import { asString, dig } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { Api, Refused } from '../harness/api.ts';
import type { Cluster } from '../harness/cluster.ts';
import type { Kubectl } from '../harness/kubectl.ts';

/** Returns annotations of conversion, by the part of their name after the slash. */
export function notes(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`rollgate.io/${key}`, value]));
}

/** Returns an object with these annotations and no others. */
export function annotated(object: KubeObject, annotations: Readonly<Record<string, string>>): KubeObject {
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** A service account in one namespace. */
export interface Tenant {
  /** Its user name. */
  readonly user: string;
  readonly api: Api;
  readonly kubectl: Kubectl;
}

/** The right to have a Rollout made. */
export const MAY_CREATE_ROLLOUTS = { apiGroups: ['argoproj.io'], resources: ['rollouts'], verbs: ['create'] };

/** Returns a service account with all rights on Deployments and their subresources, and further ones. */
export async function tenant(
  cluster: Cluster,
  namespace: string,
  name: string,
  further: readonly object[] = [],
): Promise<Tenant> {
  const resources = ['deployments', 'deployments/status', 'deployments/scale', 'replicasets'];
  await cluster.admin.apply([
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name, namespace },
      rules: [{ apiGroups: ['apps'], resources, verbs: ['*'] }, ...further],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name, namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  ]);
  const account = { namespace, name };
  return {
    user: `system:serviceaccount:${namespace}:${name}`,
    api: new Api(await cluster.controlPlane.account(account)),
    kubectl: await cluster.as(account),
  };
}

/** Returns why a request was refused; an empty string if it was not. */
export async function refusal(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return '';
  } catch (error) {
    if (error instanceof Refused) return `${error.code} ${asString(dig(error.body, 'message'))}`;
    throw error;
  }
}

/** Runs something while Rollgate does not answer. */
export async function whileDown(cluster: Cluster, work: () => Promise<void>): Promise<void> {
  await cluster.rollgate.program.stop('SIGKILL');
  try {
    await work();
  } finally {
    await cluster.rollgate.start();
  }
}

/** Runs something while Rollgate answers, and while it does not. */
export async function upAndDown(cluster: Cluster, work: (up: boolean) => Promise<void>): Promise<void> {
  await work(true);
  await whileDown(cluster, () => work(false));
}

/** Runs something while the policy of Rollgate only warns. */
export async function inAudit(cluster: Cluster, work: () => Promise<void>): Promise<void> {
  await cluster.rollgate.policy((policy) => ({ ...policy, mode: 'audit' }));
  try {
    await work();
  } finally {
    await cluster.rollgate.policy((policy) => ({ ...policy, mode: 'enforce' }));
  }
}

/** Waits as long as Rollgate would need to create a Rollout, and returns the names of those in a namespace. */
export async function rolloutsIn(cluster: Cluster, namespace: string): Promise<readonly string[]> {
  await sleep(2_000);
  const rollouts = await cluster.controlPlane.admin.list('argoproj.io/v1alpha1', 'Rollout', namespace);
  return rollouts.map(({ metadata }) => metadata.name);
}

/** Returns the output of `rollgate scan` with the policy of the cluster. */
export async function scan(cluster: Cluster, ...args: readonly string[]): Promise<string> {
  let output = '';
  const write = (text: string): unknown => (output += text);
  const io = { stdout: { write }, stderr: { write }, stdin: process.stdin, cwd: process.cwd(), isTTY: false, env: {} };
  const policy = cluster.rollgate.program.argument('policy') ?? '';
  const options = ['--kubeconfig', cluster.admin.kubeconfig, '--policy', policy, ...args];
  await scanCommand(io, () => undefined).parseAsync(options, { from: 'user' });
  return output;
}

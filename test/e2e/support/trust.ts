import { setTimeout as sleep } from 'node:timers/promises';
import { scanCommand } from '../../../src/commands/scan.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import type { Cluster } from '../harness/cluster.ts';
import { whileDown } from '../harness/tenants.ts';

/** Returns annotations of conversion, by the part of their name after the slash. */
export function notes(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`rollgate.io/${key}`, value]));
}

/** Returns an object with these annotations and no others. */
export function annotated(object: KubeObject, annotations: Readonly<Record<string, string>>): KubeObject {
  return { ...object, metadata: { ...object.metadata, annotations } };
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
  const streams = { stdout: { write }, stderr: { write }, stdin: process.stdin };
  const io = { ...streams, cwd: process.cwd(), isTTY: false, env: {}, pause: sleep };
  const policy = cluster.rollgate.program.argument('policy') ?? '';
  const options = ['--kubeconfig', cluster.admin.kubeconfig, '--policy', policy, ...args];
  await scanCommand(io, () => undefined).parseAsync(options, { from: 'user' });
  return output;
}

/** Returns a Rollout without pods that has the break-glass annotation; with a weight over 100 it is invalid. */
export function breakGlassRollout(namespace: string, name: string, value: string, setWeight: number): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name, namespace, annotations: { 'rollgate.io/break-glass': value } },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
      strategy: { canary: { steps: [{ setWeight }] } },
    },
  };
}

import { keyOf, namespaceOf, type KubeObject } from '../../../src/world/object.ts';
import { Refused } from '../harness/api.ts';
import type { Cluster } from '../harness/cluster.ts';
import { yamlOf, type Printed } from '../harness/kubectl.ts';
import { pathOf } from '../harness/paths.ts';
import { until } from '../harness/program.ts';

/** The setting that exempts the administrator, so that tests can create any objects before they start. */
export const UNJUDGED = 'exemptAccounts[0]=admin';

// The cluster already has one, and a second one would affect other tests.
const CONTROLLER_CONFIG = 'argo-rollouts-config';

/**
 * Creates objects, and the namespaces of them and of an object that comes later. Returns the API server's messages
 * about rejected objects, by key.
 */
export async function createAll(
  cluster: Cluster,
  objects: readonly KubeObject[],
  coming: KubeObject,
): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>();
  const namespaces = new Set([...objects, coming].map(namespaceOf).filter((name) => name !== '' && name !== 'default'));
  // Without a sidecar, every Rollout with Istio routing would get advice.
  const labels = { 'istio-injection': 'enabled' };
  for (const name of namespaces)
    await cluster.controlPlane.admin
      .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
      .catch(unless(409));
  for (const object of objects.filter(
    ({ kind, metadata }) => kind !== 'Namespace' && metadata.name !== CONTROLLER_CONFIG,
  )) {
    await cluster.controlPlane.admin.create(object).catch((error: unknown) => {
      if (!(error instanceof Refused)) throw error;
      refused.set(keyOf(object), error.message);
    });
  }
  return refused;
}

function unless(code: number): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof Refused && error.code === code)) throw error;
  };
}

/** The reaction of a rule to an apply. */
export type Reaction = 'denied' | 'warned' | 'nothing';

/** Returns the reaction of a rule in the output of kubectl. */
export function reactionIn({ code, stderr }: Printed, rule: string): Reaction {
  const lines = stderr.split('\n').filter((line) => line.includes(`[rollgate/${rule}]`));
  if (code !== 0 && lines.some((line) => !line.startsWith('Warning:'))) return 'denied';
  return lines.length > 0 ? 'warned' : 'nothing';
}

/**
 * Applies an object as the developer until the rule reacts as expected, because the watches of Rollgate may lag behind.
 * Returns the last output.
 *
 * @param undo - Reverts a successful apply.
 */
export async function applyUntil(
  cluster: Cluster,
  object: KubeObject,
  rule: string,
  expected: Reaction,
  undo: () => Promise<unknown>,
): Promise<Printed> {
  let printed: Printed | undefined;
  const attempt = async (): Promise<Printed | undefined> => {
    if (printed !== undefined && printed.code === 0) await undo();
    printed = await cluster.developer.try(['apply', '-f', '-'], yamlOf([object]));
    return reactionIn(printed, rule) === expected ? printed : undefined;
  };
  // After the timeout, the test compares the last output.
  return until(`${rule}: ${expected}`, attempt, { within: 20_000, every: 500 }).catch(() => printed as Printed);
}

/** Deletes an object, and waits until it is gone. */
export async function removeObject(cluster: Cluster, { apiVersion, kind, metadata }: KubeObject): Promise<void> {
  const path = pathOf({ apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name });
  await cluster.controlPlane.admin.call('DELETE', path).catch(unless(404));
  await until(
    `the end of ${path}`,
    async () =>
      (await cluster.controlPlane.admin.get(apiVersion, kind, metadata.namespace ?? '', metadata.name)) === undefined,
  );
}

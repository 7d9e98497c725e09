import { keyOf, namespaceOf, type KubeObject } from '../../../src/world/object.ts';
import { Refused } from '../harness/api.ts';
import type { Cluster } from '../harness/cluster.ts';
import { yamlOf, type Printed } from '../harness/kubectl.ts';
import { pathOf } from '../harness/paths.ts';
import { until } from '../harness/program.ts';

/** The user whom Rollgate does not judge: what is to be there before a test was always there. */
export const UNJUDGED = 'exemptAccounts[0]=admin';

// The cluster has one already, and those of other set-ups would count as well.
const CONTROLLER_CONFIG = 'argo-rollouts-config';

/**
 * In: a cluster, objects, and one that is still to come. Out: what it said of those that it refused, by key; the rest
 * of them is stored.
 */
export async function wereThere(
  cluster: Cluster,
  objects: readonly KubeObject[],
  coming: KubeObject,
): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>();
  const namespaces = new Set([...objects, coming].map(namespaceOf).filter((name) => name !== '' && name !== 'default'));
  // Without a sidecar every Rollout that Istio routes to would be advised about.
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

/** What came of an apply: denied or warned about by a rule, or neither. */
export type Became = 'denied' | 'warned' | 'nothing';

/** In: what kubectl printed, and the id of a rule. Out: what that rule did. */
export function becameOf({ code, stderr }: Printed, rule: string): Became {
  const lines = stderr.split('\n').filter((line) => line.includes(`[${rule}]`));
  if (code !== 0 && lines.some((line) => !line.startsWith('Warning:'))) return 'denied';
  return lines.length > 0 ? 'warned' : 'nothing';
}

/**
 * In: a cluster, an object that the developer applies, the rule, what is to become of it, and how it is undone. Out:
 * what kubectl printed. Where the watches of Rollgate have not yet brought what was there before, it is applied again.
 */
export async function applies(
  cluster: Cluster,
  object: KubeObject,
  rule: string,
  expected: Became,
  undo: () => Promise<unknown>,
): Promise<Printed> {
  let printed: Printed | undefined;
  const attempt = async (): Promise<Printed | undefined> => {
    if (printed !== undefined && printed.code === 0) await undo();
    printed = await cluster.developer.try(['apply', '-f', '-'], yamlOf([object]));
    return becameOf(printed, rule) === expected ? printed : undefined;
  };
  // What it is told at last is for the test to compare.
  return until(`${rule}: ${expected}`, attempt, { within: 20_000, every: 500 }).catch(() => printed as Printed);
}

/** In: a cluster, and an object. Out: resolves when it is not there. */
export async function wasNeverThere(cluster: Cluster, { apiVersion, kind, metadata }: KubeObject): Promise<void> {
  const path = pathOf({ apiVersion, kind, namespace: metadata.namespace ?? '', name: metadata.name });
  await cluster.controlPlane.admin.call('DELETE', path).catch(unless(404));
  await until(
    `the end of ${path}`,
    async () =>
      (await cluster.controlPlane.admin.get(apiVersion, kind, metadata.namespace ?? '', metadata.name)) === undefined,
  );
}

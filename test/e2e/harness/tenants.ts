import { asArray, asString, dig } from '../../../src/world/read.ts';
import { Api, Refused } from './api.ts';
import type { Cluster } from './cluster.ts';
import type { Kubectl } from './kubectl.ts';
import { until } from './program.ts';

/** A service account with limited rights in one namespace. */
export interface Tenant {
  /** Its user name. */
  readonly user: string;
  readonly api: Api;
  readonly kubectl: Kubectl;
}

/** Who may do what: `with` may create Rollouts, `without` may not. Both have all rights on Deployments. */
export type Right = 'with' | 'without';

const RESOURCES = ['deployments', 'deployments/status', 'deployments/scale', 'replicasets'];

/** A rule of a Role. */
export interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs: readonly string[];
}

/** The right to have a Rollout made. */
export const MAY_CREATE_ROLLOUTS = { apiGroups: ['argoproj.io'], resources: ['rollouts'], verbs: ['create'] };

/**
 * Creates a service account with all rights on Deployments.
 *
 * @param further - Further rules of its Role.
 */
export function tenant(
  cluster: Cluster,
  namespace: string,
  right: Right,
  further: readonly Rule[] = [],
): Promise<Tenant> {
  return right === 'with'
    ? namedTenant(cluster, namespace, 'owner', [MAY_CREATE_ROLLOUTS, ...further])
    : namedTenant(cluster, namespace, 'deployer', further);
}

/** As `tenant`, with a name of its own. Resolves when the API server knows of the rights. */
export async function namedTenant(
  cluster: Cluster,
  namespace: string,
  name: string,
  further: readonly Rule[] = [],
): Promise<Tenant> {
  const rules = [{ apiGroups: ['apps'], resources: RESOURCES, verbs: ['*'] }, ...further];
  await cluster.admin.apply([
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name, namespace },
      rules,
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
  const api = new Api(await cluster.controlPlane.account(account));
  // The API server learns of them by a watch: a request that comes earlier is refused for another reason.
  await until(`the rights of ${namespace}/${name}`, async () => {
    const known = new Set(triples(await rulesOf(api, namespace)));
    return triples(rules).every((triple) => known.has(triple));
  });
  return { user: `system:serviceaccount:${namespace}:${name}`, api, kubectl: await cluster.as(account) };
}

/** Returns the rules that the API server applies to an account in a namespace. */
async function rulesOf(api: Api, namespace: string): Promise<Rule[]> {
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } };
  const answer = await api.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', review);
  return asArray(dig(answer, 'status', 'resourceRules')) as Rule[];
}

function triples(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ apiGroups = [], resources = [], verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}.${group}`))),
  );
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

import { asArray, asString, dig } from '../../../src/world/read.ts';
import type { Api } from '../harness/api.ts';
import type { Places } from './attempts.ts';

/** One verb that an account may use on one resource, or on one path of the API server. */
export interface Permission {
  readonly verb: string;
  /** The plural and the group, as RBAC names them, or a path. */
  readonly resource: string;
  /** The only names that it holds for; empty for all. */
  readonly names: readonly string[];
  /** Whether it holds in the namespace of Rollgate only. */
  readonly onlyAtHome: boolean;
}

/** Returns what `kubectl auth can-i --list` shows for a token, by verb and resource. */
export async function permissionsOf(api: Api, { namespace, own }: Places): Promise<readonly Permission[]> {
  const everywhere = await listed(api, namespace);
  const keys = new Set(everywhere.map(keyOf));
  const atHome = (await listed(api, own)).filter((permission) => !keys.has(keyOf(permission)));
  return [...everywhere, ...atHome.map((permission) => ({ ...permission, onlyAtHome: true }))];
}

function keyOf({ verb, resource, names }: Permission): string {
  return JSON.stringify([verb, resource, names]);
}

async function listed(api: Api, namespace: string): Promise<Permission[]> {
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } };
  const { status } = (await api.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', review)) as {
    status: unknown;
  };
  if (dig(status, 'incomplete') === true) throw new Error(`the list of permissions is incomplete`);
  const onlyAtHome = false;
  const resources = asArray(dig(status, 'resourceRules')).flatMap((rule) =>
    texts(rule, 'apiGroups').flatMap((group) =>
      texts(rule, 'resources').flatMap((plural) =>
        texts(rule, 'verbs').map((verb) => ({
          verb,
          resource: group === '' ? plural : `${plural}.${group}`,
          names: texts(rule, 'resourceNames'),
          onlyAtHome,
        })),
      ),
    ),
  );
  const paths = asArray(dig(status, 'nonResourceRules')).flatMap((rule) =>
    texts(rule, 'nonResourceURLs').flatMap((path) =>
      texts(rule, 'verbs').map((verb) => ({ verb, resource: path, names: [], onlyAtHome })),
    ),
  );
  return [...new Map([...resources, ...paths].map((permission) => [keyOf(permission), permission])).values()];
}

function texts(rule: unknown, key: string): readonly string[] {
  return asArray(dig(rule, key)).map(asString);
}

import { isDeepStrictEqual } from 'node:util';
import { asArray, asObject, asString, dig, type JsonObject } from '../world/read.ts';

/**
 * What decides in the ValidatingAdmissionPolicy that says who may have a Rollout made, as
 * `chart/templates/admission-policies.yaml` renders it. Messages are left out.
 */
export const CONVERSION_POLICY = {
  failurePolicy: 'Fail',
  matchConstraints: {
    resourceRules: [
      {
        apiGroups: ['apps'],
        apiVersions: ['v1'],
        operations: ['CREATE', 'UPDATE'],
        resources: ['deployments', 'deployments/status'],
      },
    ],
  },
  matchConditions: [
    {
      name: 'conversion-annotations-changed',
      expression:
        "['rollgate.io/convert', 'rollgate.io/replicas', 'rollgate.io/rollout-uid', 'rollgate.io/convert-suspended', " +
        "'rollgate.io/conversion-policy'].exists(key, " +
        'object.metadata.?annotations[?key] != (oldObject == null ? optional.none() : oldObject.metadata.?annotations[?key]))',
    },
  ],
  variables: [
    {
      name: 'before',
      expression: 'oldObject != null && has(oldObject.metadata.annotations) ? oldObject.metadata.annotations : {}',
    },
    { name: 'after', expression: 'has(object.metadata.annotations) ? object.metadata.annotations : {}' },
    {
      name: 'mayCreateRollouts',
      expression:
        "authorizer.group('argoproj.io').resource('rollouts').namespace(request.namespace).check('create').allowed()",
    },
  ],
  validations: [
    {
      expression:
        "!('rollgate.io/replicas' in variables.after) || 'rollgate.io/replicas' in variables.before " +
        '|| variables.mayCreateRollouts',
    },
    {
      expression:
        "['rollgate.io/rollout-uid', 'rollgate.io/convert-suspended', 'rollgate.io/conversion-policy'].all(key, " +
        '!(key in variables.after) || (key in variables.before && variables.before[key] == variables.after[key])) || variables.mayCreateRollouts',
    },
    {
      expression:
        "!('rollgate.io/convert' in variables.after) || variables.after['rollgate.io/convert'] == 'off' " +
        "|| !('rollgate.io/replicas' in variables.after) " +
        "|| ('rollgate.io/convert' in variables.before " +
        "&& variables.before['rollgate.io/convert'] == variables.after['rollgate.io/convert']) || variables.mayCreateRollouts",
    },
  ],
} as const;

/** What protects the annotations of conversion: the policy and its binding by their uids, or why nothing does. */
export type Protection = { readonly uids: string } | { readonly why: string };

/**
 * Returns what protects the annotations of conversion, as `whyUnprotected` decides.
 *
 * @param name - The name of both.
 * @param policy - The ValidatingAdmissionPolicy. Undefined if it does not exist.
 * @param binding - The ValidatingAdmissionPolicyBinding, likewise.
 */
export function protectionBy(name: string, policy: unknown, binding: unknown): Protection {
  const why = whyUnprotected(name, policy, binding);
  // Both: the annotations are not protected while either is missing.
  return why === undefined
    ? { uids: [policy, binding].map(uidIn).join('/') }
    : { why: `${why}: install the chart again` };
}

function uidIn(object: unknown): string {
  return asString(dig(object, 'metadata', 'uid'));
}

/**
 * Returns why the live policy and its binding do not protect as `CONVERSION_POLICY` does, or undefined if they do. What
 * the API server adds as a default makes no difference.
 *
 * @param name - The name of both.
 * @param policy - The ValidatingAdmissionPolicy. Undefined if it does not exist.
 * @param binding - The ValidatingAdmissionPolicyBinding, likewise.
 */
export function whyUnprotected(name: string, policy: unknown, binding: unknown): string | undefined {
  if (policy === undefined) return `ValidatingAdmissionPolicy "${name}" does not exist`;
  if (binding === undefined) return `ValidatingAdmissionPolicyBinding "${name}" does not exist`;
  if (!isDeepStrictEqual(decisiveIn(asObject(dig(policy, 'spec'))), CONVERSION_POLICY))
    return `ValidatingAdmissionPolicy "${name}" is not the one that this version of Rollgate installs`;
  const { policyName, validationActions, matchResources, paramRef } = asObject(dig(binding, 'spec'));
  const denies = policyName === name && asArray(validationActions).includes('Deny');
  return denies && isEverything(asObject(matchResources)) && paramRef === undefined
    ? undefined
    : `ValidatingAdmissionPolicyBinding "${name}" does not deny everywhere what the policy denies`;
}

/** Returns the part of a live spec that decides, without the defaults of the API server. */
function decisiveIn({ auditAnnotations: _, ...spec }: JsonObject): JsonObject {
  const { resourceRules, matchPolicy, ...selectors } = asObject(spec['matchConstraints']);
  return {
    ...spec,
    matchConstraints: {
      resourceRules: asArray(resourceRules).map((rule) => {
        const { scope, ...rest } = asObject(rule);
        return scope === undefined || scope === '*' ? rest : { ...rest, scope };
      }),
      ...(matchPolicy === undefined || matchPolicy === 'Equivalent' ? {} : { matchPolicy }),
      ...(isEverything(selectors) ? {} : selectors),
    },
    validations: asArray(spec['validations']).map((validation) => ({ expression: dig(validation, 'expression') })),
  };
}

/** Returns whether match resources leave nothing out. */
function isEverything({ matchPolicy, ...resources }: JsonObject): boolean {
  return (
    (matchPolicy === undefined || matchPolicy === 'Equivalent') &&
    Object.entries(resources).every(
      ([field, value]) =>
        (field === 'namespaceSelector' || field === 'objectSelector') && Object.keys(asObject(value)).length === 0,
    )
  );
}

import { describe, expect, it } from 'vitest';
import { CONVERSION_POLICY, whyUnprotected } from './conversion-policy.ts';

const NAME = 'rollgate-conversion';
const RULE = CONVERSION_POLICY.matchConstraints.resourceRules[0];
// As the API server returns it: with defaults, and the messages of the chart.
const SPEC = {
  ...CONVERSION_POLICY,
  matchConstraints: {
    resourceRules: [{ ...RULE, scope: '*' }],
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
  },
  validations: CONVERSION_POLICY.validations.map((each) => ({ ...each, message: 'no', reason: 'Forbidden' })),
};
const BINDING = { spec: { policyName: NAME, validationActions: ['Deny'] } };

function changed(spec: object): unknown {
  return { spec: { ...SPEC, ...spec } };
}

describe('whyUnprotected', () => {
  it('accepts what the API server makes of the policy in the chart', () => {
    expect(whyUnprotected(NAME, { spec: SPEC }, BINDING)).toBeUndefined();
    expect(
      whyUnprotected(
        NAME,
        { spec: SPEC },
        { spec: { ...BINDING.spec, matchResources: { matchPolicy: 'Equivalent', namespaceSelector: {} } } },
      ),
    ).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['fails open', changed({ failurePolicy: 'Ignore' })],
    ['has no failure policy', changed({ failurePolicy: undefined })],
    ['allows more', changed({ validations: [{ expression: 'true' }] })],
    ['lacks a validation', changed({ validations: SPEC.validations.slice(1) })],
    ['defines a variable differently', changed({ variables: [{ name: 'mayCreateRollouts', expression: 'true' }] })],
    ['matches less often', changed({ matchConditions: [...SPEC.matchConditions, { name: 'x', expression: 'false' }] })],
    ['has parameters', changed({ paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } })],
    [
      'does not match subresources',
      changed({
        matchConstraints: { ...SPEC.matchConstraints, resourceRules: [{ ...RULE, resources: ['deployments'] }] },
      }),
    ],
    [
      'leaves namespaces out',
      changed({ matchConstraints: { ...SPEC.matchConstraints, namespaceSelector: { matchLabels: { a: 'b' } } } }),
    ],
    [
      'leaves objects out',
      changed({ matchConstraints: { ...SPEC.matchConstraints, objectSelector: { matchLabels: { a: 'b' } } } }),
    ],
    [
      'leaves resources out',
      changed({ matchConstraints: { ...SPEC.matchConstraints, excludeResourceRules: [{ ...RULE }] } }),
    ],
    ['matches one version only', changed({ matchConstraints: { ...SPEC.matchConstraints, matchPolicy: 'Exact' } })],
  ])('rejects a policy that %s', (_, policy) => {
    expect(whyUnprotected(NAME, policy, BINDING)).toBe(
      `ValidatingAdmissionPolicy "${NAME}" is not the one that this version of Rollgate installs`,
    );
  });

  it.each<[string, object]>([
    ['only warns', { validationActions: ['Warn', 'Audit'] }],
    ['binds another policy', { policyName: 'other' }],
    ['leaves namespaces out', { matchResources: { namespaceSelector: { matchLabels: { a: 'b' } } } }],
    ['leaves resources out', { matchResources: { excludeResourceRules: [{ ...RULE }] } }],
    ['matches some resources', { matchResources: { resourceRules: [{ ...RULE }] } }],
    ['has parameters', { paramRef: { name: 'x', parameterNotFoundAction: 'Allow' } }],
  ])('rejects a binding that %s', (_, spec) => {
    expect(whyUnprotected(NAME, { spec: SPEC }, { spec: { ...BINDING.spec, ...spec } })).toBe(
      `ValidatingAdmissionPolicyBinding "${NAME}" does not deny everywhere what the policy denies`,
    );
  });

  it('says which of the two does not exist', () => {
    expect(whyUnprotected(NAME, undefined, BINDING)).toBe(`ValidatingAdmissionPolicy "${NAME}" does not exist`);
    expect(whyUnprotected(NAME, { spec: SPEC }, undefined)).toBe(
      `ValidatingAdmissionPolicyBinding "${NAME}" does not exist`,
    );
  });
});

import { describe, expect, it } from 'vitest';
import { whyUnprotected } from '../../src/migration/conversion-policy.ts';
import { CLUSTER_KINDS, KINDS } from '../../src/world/object.ts';
import { asArray, asObject, asString, dig } from '../../src/world/read.ts';
import { objectOf, objects, policyIn } from '../support/helm.ts';

describe('rights of the account of Rollgate', () => {
  it.each<[string, readonly string[]]>([
    ['with conversion', []],
    ['without conversion', ['--set', 'conversion.enabled=false']],
    ['with excluded namespaces', ['--set', 'webhooks.excludedNamespaces={legacy}', '--set', 'exemptAccounts={a:b}']],
  ])('renders the conversion policy that Rollgate expects, %s', (_, args) => {
    const rendered = objects(...args);
    const named = (wanted: string): unknown =>
      rendered.find(
        (value) => dig(value, 'kind') === wanted && dig(value, 'metadata', 'name') === 'rollgate-conversion',
      );
    const policy = named('ValidatingAdmissionPolicy');
    const binding = named('ValidatingAdmissionPolicyBinding');
    expect(whyUnprotected('rollgate-conversion', policy, binding)).toBeUndefined();
    for (const validation of asArray(dig(policy, 'spec', 'validations')))
      expect([dig(validation, 'reason'), asString(dig(validation, 'message'))]).toEqual([
        'Forbidden',
        expect.stringContaining('rollouts.argoproj.io'),
      ]);
  });

  it('limits what its own account may write, and nobody else', () => {
    const policies = objects().filter(
      (value) =>
        dig(value, 'kind') === 'ValidatingAdmissionPolicy' &&
        asString(dig(value, 'metadata', 'name')).startsWith('rollgate-account-'),
    );
    expect(policies).toHaveLength(2);
    for (const policy of policies) {
      expect(dig(policy, 'spec', 'failurePolicy')).toBe('Fail');
      expect(dig(policy, 'spec', 'matchConditions')).toEqual([
        {
          name: 'account-of-rollgate',
          expression: "request.userInfo.username == 'system:serviceaccount:rollgate:rollgate'",
        },
      ]);
      const name = dig(policy, 'metadata', 'name');
      const bindings = objects().filter(
        (value) => dig(value, 'kind') === 'ValidatingAdmissionPolicyBinding' && dig(value, 'metadata', 'name') === name,
      );
      expect(bindings.map((binding) => dig(binding, 'spec'))).toEqual([
        { policyName: name, validationActions: ['Deny'] },
      ]);
    }
  });

  it('grants write access to what conversion writes, and none without conversion', () => {
    const writes = (...args: string[]): string[] =>
      objects(...args)
        .filter(
          (value) =>
            ['ClusterRole', 'Role'].includes(asString(dig(value, 'kind'))) &&
            asString(dig(value, 'metadata', 'name')).endsWith('-conversion'),
        )
        .flatMap((role) =>
          asArray(dig(role, 'rules')).map(
            (rule) => `${asArray(dig(rule, 'resources')).join()} ${asArray(dig(rule, 'verbs')).join()}`,
          ),
        );
    expect(writes()).toEqual([
      'rollouts create,patch,delete',
      'deployments patch',
      'events create',
      'validatingadmissionpolicies,validatingadmissionpolicybindings get',
      'leases create',
      'leases get,update',
    ]);
    expect(writes('--set', 'conversion.enabled=false')).toEqual([]);
    const args = (...settings: string[]): unknown =>
      dig(
        asArray(dig(objectOf(objects(...settings), 'Deployment'), 'spec', 'template', 'spec', 'containers'))[0],
        'args',
      );
    expect(args()).toContain('--conversion-lease=rollgate/rollgate-conversion');
    expect(args()).toContain('--conversion-policy=rollgate-conversion');
    expect(JSON.stringify(args('--set', 'conversion.enabled=false'))).not.toContain('conversion');
  });

  it('grants the right to write Events only with events.enabled, and then says that requests have side effects', () => {
    const written = (...args: string[]): unknown[] =>
      objects(...args)
        .filter((value) => dig(value, 'kind') === 'ClusterRole' && dig(value, 'metadata', 'name') === 'rollgate-events')
        .map((role) => dig(role, 'rules'));
    const rendered = (...args: string[]): string => JSON.stringify(objects(...args));
    const on = ['--set', 'events.enabled=true'];
    expect(written()).toEqual([]);
    expect(written(...on)).toEqual([
      [{ apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] }],
    ]);
    expect(rendered()).not.toMatch(/"--events"|NoneOnDryRun/);
    expect(rendered(...on)).toContain('"--events"');
    expect(rendered(...on)).not.toContain('"sideEffects":"None"');
  });

  it('grants write access only in the namespaces of conversion.namespaces, and tells the program which', () => {
    const rendered = objects('--set', 'conversion.namespaces={shop,web,shop}');
    const rights = rendered
      .filter((value) => ['ClusterRole', 'Role'].includes(asString(dig(value, 'kind'))))
      .flatMap((role) =>
        asArray(dig(role, 'rules'))
          .filter((rule) =>
            asArray(dig(rule, 'verbs')).some((verb) => ['create', 'patch', 'delete'].includes(asString(verb))),
          )
          .map(
            (rule) =>
              `${asString(dig(role, 'metadata', 'namespace')) || '*'}: ${asArray(dig(rule, 'resources')).join()} ${asArray(dig(rule, 'verbs')).join()}`,
          ),
      );
    expect(rights).toEqual([
      '*: tokenreviews create',
      '*: subjectaccessreviews create',
      '*:  create',
      'shop: rollouts create,patch,delete',
      'shop: deployments patch',
      'shop: events create',
      'web: rollouts create,patch,delete',
      'web: deployments patch',
      'web: events create',
      'rollgate: leases create',
    ]);
    const bindings = rendered.filter((value) => dig(value, 'kind') === 'RoleBinding');
    expect(bindings.map((binding) => dig(binding, 'metadata', 'namespace'))).toEqual(['shop', 'web', 'rollgate']);
    for (const binding of bindings)
      expect(binding).toMatchObject({
        roleRef: { kind: 'Role', name: 'rollgate-conversion' },
        subjects: [{ kind: 'ServiceAccount', name: 'rollgate', namespace: 'rollgate' }],
      });
    expect(policyIn(rendered).conversionNamespaces).toEqual(['shop', 'web']);
  });

  it('keeps the admission policies the same for every list of namespaces', () => {
    const policies = (...args: string[]): unknown[] =>
      objects(...args).filter((value) => asString(dig(value, 'kind')).startsWith('ValidatingAdmissionPolicy'));
    expect(policies('--set', 'conversion.namespaces={shop}')).toEqual(policies());
  });

  it('grants nothing in a namespace without conversion, and renders without the value', () => {
    const roles = (...args: string[]): unknown[] => objects(...args).filter((value) => dig(value, 'kind') === 'Role');
    const off = ['--set', 'conversion.enabled=false'];
    expect(roles(...off)).toEqual([]);
    // Admission then says that conversion is off, not that the namespace should be added.
    expect(JSON.stringify(objectOf(objects(...off), 'ConfigMap'))).toContain('conversionNamespaces: []');
    // Values of an earlier version, as --reuse-values takes them.
    expect(roles('--set-json', 'conversion.namespaces=null')).toEqual(roles());
  });

  it('grants read access to what is cached, without write access and without Secrets', () => {
    const role = objects().find(
      (value) => dig(value, 'kind') === 'ClusterRole' && dig(value, 'metadata', 'name') === 'rollgate',
    );
    const rules = asArray(asObject(role)['rules']);
    const readable = new Set<string>();
    for (const rule of rules) {
      const verbs = asArray(dig(rule, 'verbs'));
      for (const group of asArray(dig(rule, 'apiGroups'))) {
        for (const resource of asArray(dig(rule, 'resources'))) {
          expect(resource).not.toBe('secrets');
          if (['tokenreviews', 'subjectaccessreviews'].includes(asString(resource))) expect(verbs).toEqual(['create']);
          else expect(verbs).toEqual(['get', 'list', 'watch']);
          readable.add(`${asString(resource)}.${asString(group)}`);
        }
      }
    }
    const cached = CLUSTER_KINDS.filter((id) => id !== 'Secret').map((id) => `${KINDS[id].plural}.${KINDS[id].group}`);
    expect(cached.filter((name) => !readable.has(name))).toEqual([]);
  });
});

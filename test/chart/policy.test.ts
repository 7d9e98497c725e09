import { describe, expect, it } from 'vitest';
import { POLICY_CATALOG } from '../../src/admission/policy-catalog.ts';
import { checkPolicy } from '../../src/policy/load.ts';
import { DEFAULT_POLICY, SYSTEM_ACCOUNTS } from '../../src/policy/policy.ts';
import { asArray, asString, dig } from '../../src/world/read.ts';
import { failure, objectOf, objects, policyIn } from '../support/helm.ts';

describe('policy of the chart', () => {
  it('uses the same exempt accounts in the policy and in the matchConditions', () => {
    const rendered = objects('--set', 'exemptAccounts={a:b}', '--set', 'controllers.accounts={c:d}');
    const expression = asString(
      dig(
        asArray(
          dig(asArray(dig(objectOf(rendered, 'ValidatingWebhookConfiguration'), 'webhooks'))[0], 'matchConditions'),
        )[0],
        'expression',
      ),
    );
    const listed = JSON.parse(expression.slice(expression.indexOf('['), expression.lastIndexOf(']') + 1)) as string[];
    const policy = policyIn(rendered);
    const said = [
      ...SYSTEM_ACCOUNTS,
      ...policy.exemptions.accounts,
      ...policy.controllers.accounts,
      'system:serviceaccount:rollgate:rollgate',
    ];
    expect(new Set(listed)).toEqual(new Set(said));
  });

  it('trusts the label of a controller in argo-rollouts by default, and leaves an empty list empty', () => {
    const namespaces = (...args: string[]): readonly string[] => policyIn(objects(...args)).controllers.namespaces;
    expect(namespaces()).toEqual(['argo-rollouts']);
    expect(namespaces('--set-json', 'controllers.namespaces=[]')).toEqual([]);
  });

  it.each<[string, readonly string[]]>([
    ['nothing is set', []],
    ['only the chart excludes it', ['--set', 'webhooks.excludedNamespaces={legacy,kube-system}']],
    ['nothing is excluded', ['--set-json', 'webhooks.excludedNamespaces=[]']],
    [
      'the policy exempts others',
      ['--set', 'webhooks.excludedNamespaces={legacy}', '--set', 'policy.exemptions.namespaces={sandbox-*}'],
    ],
  ])('exempts every namespace that the webhooks exclude in the policy: %s', (_, args) => {
    const rendered = objects(...args);
    const excluded = asArray(dig(objectOf(rendered, 'ValidatingWebhookConfiguration'), 'webhooks')).flatMap((entry) =>
      asArray(dig(asArray(dig(entry, 'namespaceSelector', 'matchExpressions'))[0], 'values')).map(asString),
    );
    const { namespaces } = policyIn(rendered).exemptions;
    expect(excluded).toContain('rollgate');
    expect(excluded.filter((name) => !namespaces.includes(name))).toEqual([]);
    // What the policy exempts is added to, never replaced.
    const own = args.some((arg) => arg.startsWith('policy.')) ? ['sandbox-*'] : DEFAULT_POLICY.exemptions.namespaces;
    expect(namespaces).toEqual(expect.arrayContaining([...own]));
  });

  it.each([
    { rules: { 'no-such-rule': 'warn' } },
    { rules: { 'route-port-exists': 'maybe' } },
    { keeps: { 'no-such-keep': 'off' } },
    { mode: 'strict' },
    { onDelete: false },
    { breakGlass: { maxDuration: '1d' } },
    { exemptions: { account: ['velero'] } },
    { trustedNamespaces: [{ rollouts: 'a' }] },
    { overrides: [{ namespaces: ['shop'] }] },
    { overrides: [{ name: 'a', mode: 'strict' }] },
    { overrides: [{ name: 'a', namespace: ['shop'] }] },
    { overrides: [{ name: 'a', rules: { 'no-such-rule': 'warn' } }] },
    { overrides: [{ name: 'a', keeps: { 'service-hash': 'maybe' } }] },
    { profiles: { off: { strategy: {} } } },
    { profiles: { own: {} } },
    { profiles: { own: { strategy: {}, metadata: { label: {} } } } },
  ])('rejects a policy that Rollgate rejects: %j', (policy) => {
    expect(checkPolicy(policy, POLICY_CATALOG).ok).toBe(false);
    expect(failure('--set-json', `policy=${JSON.stringify(policy)}`)).toContain("at '/policy/");
  });

  it('accepts a policy with everything that Rollgate accepts', () => {
    const { rules, keeps } = POLICY_CATALOG;
    const settings = {
      mode: 'enforce',
      rules: Object.fromEntries(rules.map((id) => [id, 'warn'])),
      keeps: Object.fromEntries(keeps.map((id) => [id, 'off'])),
      onTooLarge: 'deny',
      conversion: 'off',
    };
    const strategy = { canary: { steps: [{ setWeight: 10 }, { pause: { duration: '1m' } }] } };
    const policy = {
      ...settings,
      breakGlass: { maxDuration: '1h30m' },
      trustedNamespaces: [{ rollouts: 'team-*', objects: 'mesh' }],
      overrides: [{ name: 'a', namespaces: ['prod-*'], byLabel: 'any', ...settings }],
      profiles: { own: { strategy, metadata: { labels: { team: 'a' } }, progressDeadlineAbort: true } },
    };
    expect(policyIn(objects('--set-json', `policy=${JSON.stringify(policy)}`))).toMatchObject(settings);
  });
});

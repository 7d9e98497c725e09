import { describe, expect, it } from 'vitest';
import { fallbackPolicy, isKeeping } from './fallback.ts';
import { DEFAULT_POLICY, settingsFor } from './policy.ts';

const KNOWN = {
  rules: ['route-port-exists'],
  keeps: ['service-hash', 'route-weights'],
  retiredRules: [],
  profileErrors: () => ['never valid'],
};

const OF_KEEPS = `
exemptions: { accounts: [backup], namespaces: [legacy] }
controllers: { accounts: [argo], discover: false }
conversionNamespaces: [shop]
trustedNamespaces: [{ rollouts: a, objects: b }]
breakGlass: { maxDuration: 1h }
keeps: { service-hash: off }
`;

describe('a fallback policy', () => {
  it.each([
    'rules: { no-such-rule: off }',
    'mode: loud',
    'conversion: true',
    'onDelete: [deny]',
    'profiles: { own: { strategy: {} } }',
    'profiles: 7',
    'overrides: [{ name: prod, namespaces: [prod], mode: loud, rules: 3, keeps: { route-weights: off } }]',
  ])('takes from a policy with %s what decides where something is kept', (wrong) => {
    const policy = fallbackPolicy(`${OF_KEEPS}${wrong}`, KNOWN);
    expect(policy).toMatchObject({
      isFallback: true,
      mode: 'audit',
      conversion: 'off',
      rules: {},
      exemptions: { accounts: ['backup'], namespaces: ['legacy'] },
      controllers: { accounts: ['argo'], discover: false },
      conversionNamespaces: ['shop'],
      trustedNamespaces: [{ rollouts: 'a', objects: 'b' }],
      breakGlass: { maxDuration: '1h' },
      profiles: DEFAULT_POLICY.profiles,
    });
    expect(isKeeping(policy, KNOWN)).toBe(true);
    const keeps = wrong.startsWith('overrides')
      ? { 'service-hash': 'off', 'route-weights': 'off' }
      : { 'service-hash': 'off' };
    expect(settingsFor(policy, 'prod', undefined).keeps).toEqual(keeps);
  });

  it.each([
    'exemption: { namespaces: [legacy] }',
    'exemptions: { namespace: [legacy] }',
    'controllers: { accounts: argo }',
    'keeps: { service-hsh: off }',
    'overrides: [{ name: a, namespace: [legacy], keeps: { service-hash: off } }]',
    'overrides: [{ name: a, keeps: { service-hsh: off } }]',
    'overrides: { a: { keeps: { service-hash: off } } }',
    'overrides: [a]',
    'rules: { route-port-exists: warn, keeps: { service-hash: off } }',
    'rules: { controllers: { accounts: [argo], discover: false } }',
    'overrides: [{ name: a, namespaces: [mesh], rules: { keeps: { service-hash: off } } }]',
    'profiles: { own: { strategy: {}, exemptions: { namespaces: [legacy] } } }',
    'mode: [',
    'mode: audit\nmode: audit',
    '[]',
    'audit',
  ])('keeps nothing where it cannot know that from %s', (text) => {
    const policy = fallbackPolicy(text, KNOWN);
    expect(isKeeping(policy, KNOWN)).toBe(false);
    expect(policy).toMatchObject({ isFallback: true, mode: 'audit', conversion: 'off', overrides: [] });
    expect(policy.exemptions).toEqual(DEFAULT_POLICY.exemptions);
  });

  it('keeps nothing where there is no policy at all', () => {
    expect(isKeeping(fallbackPolicy(undefined, KNOWN), KNOWN)).toBe(false);
  });

  it.each(['prod', 'strict'])('lets no override deny or convert in namespace %s', (namespace) => {
    const text =
      'mod: x\noverrides: [{ name: strict, byLabel: any, namespaces: [prod], mode: enforce, conversion: on, onDelete: deny }]';
    for (const source of [text, text.replace('mod: x', 'mode: x')]) {
      const policy = fallbackPolicy(source, KNOWN);
      const settings = settingsFor(policy, namespace, 'strict');
      expect(settings).toMatchObject({ mode: 'audit', conversion: 'off', onDelete: 'warn' });
    }
  });
});

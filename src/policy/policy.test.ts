import { describe, expect, it } from 'vitest';
import { parsePolicy } from './load.ts';
import {
  decisionFor,
  DEFAULT_POLICY,
  isTrusted,
  matchesGlob,
  settingsFor,
  type Policy,
  type Situation,
} from './policy.ts';

const KNOWN = { rules: ['route-port-exists', 'service-shared'], keeps: ['service-hash'], wrongWith: () => [] };

function errorsOf(text: string): readonly string[] {
  const loaded = parsePolicy(text, KNOWN);
  return loaded.ok ? [] : loaded.errors;
}

describe('a policy', () => {
  it('that is empty is the default', () => {
    expect(parsePolicy('', KNOWN)).toEqual({ ok: true, policy: DEFAULT_POLICY });
  });

  it('keeps the defaults of what it does not say', () => {
    const loaded = parsePolicy('mode: audit\nexemptions: { accounts: [a] }\ncontrollers: { discover: false }', KNOWN);
    expect(loaded).toEqual({
      ok: true,
      policy: {
        ...DEFAULT_POLICY,
        mode: 'audit',
        exemptions: { ...DEFAULT_POLICY.exemptions, accounts: ['a'] },
        controllers: { ...DEFAULT_POLICY.controllers, discover: false },
      },
    });
  });

  it('limits break-glass to a day, or to what it says', () => {
    expect(DEFAULT_POLICY.breakGlass).toEqual({ maxDuration: '24h' });
    expect(parsePolicy('breakGlass: { maxDuration: 1h30m }', KNOWN)).toMatchObject({
      policy: { breakGlass: { maxDuration: '1h30m' } },
    });
    expect(parsePolicy('breakGlass: {}', KNOWN)).toEqual({ ok: true, policy: DEFAULT_POLICY });
  });

  it.each([
    ['modes: audit', 'unknown key "modes"; did you mean "mode"?'],
    ['rules: { route-port-exist: warn }', 'rules: unknown rule "route-port-exist"; did you mean "route-port-exists"?'],
    ['keeps: { service-hsh: off }', 'keeps: unknown keep "service-hsh"; did you mean "service-hash"?'],
    ['overrides: [{ name: a, rules: { x: warn } }]', 'overrides[0].rules: unknown rule "x"'],
    ['breakglass: { maxDuration: 1h }', 'unknown key "breakglass"; did you mean "breakGlass"?'],
    ['breakGlass: { maxduration: 1h }', 'breakGlass: unknown key "maxduration"; did you mean "maxDuration"?'],
    ['breakGlass: { maxDuration: 1d }', 'breakGlass.maxDuration: use a duration of more than 0, such as 30m or 24h'],
    ['breakGlass: { maxDuration: 0s }', 'breakGlass.maxDuration: use a duration of more than 0, such as 30m or 24h'],
    ['breakGlass: { maxDuration: -1h }', 'breakGlass.maxDuration: use a duration of more than 0, such as 30m or 24h'],
    ['overrides: [{ name: a }, { name: a }]', 'overrides: duplicate name "a"'],
  ])('%s: %s', (text, error) => {
    expect(errorsOf(text)).toEqual([error]);
  });

  it.each([
    'mode: strict',
    'rules: []',
    '- a',
    'mode: audit\nmode: enforce',
    'a: &a [*a]',
    'exemptions: { accounts: [""] }',
    'overrides: [{}]',
    '"',
    'rules: { route-port-exists: yes }',
  ])('is refused: %s', (text) => {
    expect(errorsOf(text)).not.toEqual([]);
  });
});

describe('settings', () => {
  const policy: Policy = {
    ...DEFAULT_POLICY,
    rules: { 'service-shared': 'warn' },
    overrides: [
      { name: 'prod', namespaces: ['prod-*'], mode: 'audit' },
      { name: 'shop', namespaces: ['prod-shop'], mode: 'enforce', rules: { 'route-port-exists': 'off' } },
      { name: 'strict', namespaces: [], crossObjectUpdates: 'deny' },
    ],
  };

  it('come from the last override that matches, and add up', () => {
    expect(settingsFor(policy, 'dev', undefined).mode).toBe('enforce');
    expect(settingsFor(policy, 'prod-a', undefined).mode).toBe('audit');
    expect(settingsFor(policy, 'prod-shop', undefined)).toMatchObject({
      mode: 'enforce',
      rules: { 'service-shared': 'warn', 'route-port-exists': 'off' },
    });
  });

  it('end with the override that the namespace names', () => {
    expect(settingsFor(policy, 'prod-a', 'strict')).toMatchObject({ mode: 'audit', crossObjectUpdates: 'deny' });
    expect(settingsFor(policy, 'dev', 'unheard-of')).toMatchObject({ mode: 'enforce', crossObjectUpdates: 'warn' });
  });
});

describe('a glob', () => {
  it.each([
    ['prod-*', 'prod-a', true],
    ['prod-*', 'prod', false],
    ['*', '', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['te?m', 'team', true],
    ['te?m', 'tem', false],
  ])('%s and %s: %s', (glob, text, matches) => {
    expect(matchesGlob(glob, text)).toBe(matches);
  });

  it('takes no time over one that is made to take it', () => {
    expect(matchesGlob('*a'.repeat(200), 'a'.repeat(5_000) + 'b')).toBe(false);
  });
});

describe('trust', () => {
  it('holds within a namespace and for the pairs that are listed, in that direction', () => {
    const policy: Policy = { ...DEFAULT_POLICY, trustedNamespaces: [{ rollouts: 'team-*', objects: 'mesh' }] };
    expect(isTrusted(policy, 'a', 'a')).toBe(true);
    expect(isTrusted(policy, 'team-a', 'mesh')).toBe(true);
    expect(isTrusted(policy, 'mesh', 'team-a')).toBe(false);
  });
});

describe('decisions', () => {
  const usual: Situation = {
    operation: 'UPDATE',
    subjectAdmitted: true,
    midUpdate: false,
    foreign: false,
    requireReferences: false,
  };
  it.each([
    ['a rule set to deny raises advice', 'advice', usual, { rules: { r: 'deny' } }, 'deny'],
    [
      'but not what one commit must be able to change',
      'advice',
      { ...usual, subjectAdmitted: false },
      { rules: { r: 'deny' } },
      'warn',
    ],
    ['required references deny', 'missing', { ...usual, requireReferences: true }, {}, 'deny'],
    [
      'a rule set to warn wins over required references',
      'missing',
      { ...usual, requireReferences: true },
      { rules: { r: 'warn' } },
      'warn',
    ],
    ['across namespaces nothing denies', 'invalid', { ...usual, foreign: true }, {}, 'warn'],
    ['a deletion introduces no contradiction', 'invalid', { ...usual, operation: 'DELETE' }, {}, 'off'],
    ['audit warns', 'invalid', usual, { mode: 'audit' }, 'warn'],
  ] as const)('%s', (_, findingClass, situation, change, decision) => {
    expect(decisionFor('r', findingClass, situation, { ...DEFAULT_POLICY, ...change })).toBe(decision);
  });
});

describe('profiles', () => {
  const strategy = { canary: { steps: [{ setWeight: 10 }, { pause: { duration: '1m' } }] } };
  it('are added to those that ship, and replace those of their name', () => {
    const loaded = parsePolicy(
      JSON.stringify({ profiles: { mesh: { rollout: '{name}-rollout', strategy }, canary: { strategy } } }),
      KNOWN,
    );
    expect(loaded).toMatchObject({
      ok: true,
      policy: {
        profiles: {
          canary: { rollout: '{name}', strategy },
          'blue-green': {},
          mesh: { rollout: '{name}-rollout', metadata: { labels: {}, annotations: {} } },
        },
      },
    });
  });

  it.each([
    [{ off: { strategy } }, 'profiles: invalid name "off"'],
    [{ Mesh: { strategy } }, 'profiles: invalid name "Mesh"'],
    [{ mesh: {} }, 'profiles.mesh.strategy'],
    [{ mesh: { strategy, stratgy: {} } }, 'profiles.mesh: unknown key "stratgy"; did you mean "strategy"?'],
  ])('are refused: %j', (profiles, error) => {
    expect(errorsOf(JSON.stringify({ profiles })).join('\n')).toContain(error);
  });
});

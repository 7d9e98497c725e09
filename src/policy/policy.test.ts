import { describe, expect, it } from 'vitest';
import { matchesGlob } from './glob.ts';
import { parsePolicy } from './load.ts';
import { reconcilerOf } from './reconcilers.ts';
import {
  controllerNamespaces,
  decisionFor,
  DEFAULT_POLICY,
  isConversionNamespace,
  isTrusted,
  type Policy,
  type Situation,
  worldUnder,
} from './policy.ts';
import { rangeText } from '../world/rollouts-versions.ts';
import { storeOf } from '../world/store.ts';

const KNOWN = {
  rules: ['route-port-exists', 'service-shared'],
  keeps: ['service-hash'],
  retiredRules: ['service-gone'],
  profileErrors: () => [],
};

function errorsOf(text: string): readonly string[] {
  const loaded = parsePolicy(text, KNOWN);
  return loaded.ok ? [] : loaded.errors;
}

describe('a policy', () => {
  it('that is empty is the default', () => {
    expect(parsePolicy('', KNOWN)).toEqual({ ok: true, policy: DEFAULT_POLICY });
  });

  it('may name a rule that is gone', () => {
    expect(parsePolicy('rules: { service-gone: deny }', KNOWN)).toMatchObject({ ok: true });
    expect(errorsOf('overrides: [{ name: a, rules: { service-gone: deny, service-gon: deny } }]')).toEqual([
      'overrides[0].rules: unknown rule "service-gon"',
    ]);
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

  it('trusts the label of a controller in argo-rollouts only, and nowhere where its list is empty', () => {
    expect(DEFAULT_POLICY.controllers).toEqual({ accounts: [], discover: true, namespaces: ['argo-rollouts'] });
    expect(parsePolicy('controllers: { namespaces: [] }', KNOWN)).toMatchObject({
      policy: { controllers: { discover: true, namespaces: [] } },
    });
  });

  it.each([
    ['"1.10"', undefined],
    ['v1.9.3', undefined],
    ['1.10', 'controllers.version: invalid value 1.1: use a string in quotes'],
    ['latest', 'controllers.version: use a version such as "1.10" or "1.10.2"'],
  ])('may name the version of Argo Rollouts: %s', (version, error) => {
    const loaded = parsePolicy(`controllers: { version: ${version} }`, KNOWN);
    expect(loaded.ok ? undefined : loaded.errors.join()).toBe(error);
  });

  it('may name the version of the Gateway API plugin, which does not change that of Argo Rollouts', () => {
    const loaded = parsePolicy('controllers: { gatewayPluginVersion: latest }', KNOWN);
    expect(loaded.ok ? undefined : loaded.errors.join()).toBe(
      'controllers.gatewayPluginVersion: use a version such as "0.15" or "0.15.0"',
    );
    const policy = (controllers: Partial<Policy['controllers']>): Policy => ({
      ...DEFAULT_POLICY,
      controllers: { ...DEFAULT_POLICY.controllers, ...controllers },
    });
    const under = (controllers: Partial<Policy['controllers']>): string[] => {
      const { versions } = worldUnder(policy(controllers), storeOf([]));
      return [versions, versions.gatewayPlugin].map((range) => (range === undefined ? 'unknown' : rangeText(range)));
    };
    expect(under({})).toEqual(['1.9 to 1.10', 'unknown']);
    expect(under({ gatewayPluginVersion: '0.15.0' })).toEqual(['1.9 to 1.10', '0.15.0']);
    expect(under({ gatewayPluginVersion: '0.16', version: '1.10' })).toEqual(['1.10', '0.16']);
  });

  it('names the namespaces of controllers: its own where it discovers any, and those of the accounts', () => {
    const named = (controllers: Partial<Policy['controllers']>): readonly string[] =>
      controllerNamespaces({ ...DEFAULT_POLICY, controllers: { ...DEFAULT_POLICY.controllers, ...controllers } });
    const accounts = ['system:serviceaccount:delivery:argo', 'system:serviceaccount:delivery:other', 'alice'];
    expect(named({})).toEqual(['argo-rollouts']);
    expect(named({ namespaces: [] })).toEqual([]);
    expect(named({ accounts })).toEqual(['argo-rollouts', 'delivery']);
    expect(named({ accounts, discover: false })).toEqual(['delivery']);
  });

  it('limits break-glass to a day, or to what it says', () => {
    expect(DEFAULT_POLICY.breakGlass).toEqual({ maxDuration: '24h' });
    expect(parsePolicy('breakGlass: { maxDuration: 1h30m }', KNOWN)).toMatchObject({
      policy: { breakGlass: { maxDuration: '1h30m' } },
    });
    expect(parsePolicy('breakGlass: {}', KNOWN)).toEqual({ ok: true, policy: DEFAULT_POLICY });
  });

  it('names the reconcilers that ship, and adds its own before them', () => {
    const named = (text: string): Policy['reconcilers'] | undefined => {
      const loaded = parsePolicy(text, KNOWN);
      return loaded.ok ? loaded.policy.reconcilers : undefined;
    };
    expect(named('reconcilers: { argocd-controller: { writes: warnAcrossObjects } }')).toEqual({
      ...DEFAULT_POLICY.reconcilers,
      'argocd-controller': { dryRun: 'warn', writes: 'warnAcrossObjects', tool: 'argo-cd' },
    });
    const own = named("reconcilers: { 'argo-*': { dryRun: warn }, helm-controller: {} }") ?? {};
    expect(own).toEqual({
      'argo-*': { dryRun: 'warn', writes: 'deny' },
      'helm-controller': { dryRun: 'deny', writes: 'deny' },
      ...DEFAULT_POLICY.reconcilers,
    });
    expect(Object.keys(own)[0]).toBe('argo-*');
    expect(reconcilerOf(own, 'argo-cd-prod')).toEqual({ dryRun: 'warn', writes: 'deny' });
    expect(reconcilerOf({ '*': { dryRun: 'deny', writes: 'deny' }, ...own }, 'argocd-controller')).toBe(
      own['argocd-controller'],
    );
    for (const nobody of ['', 'kubectl', 'constructor', 'argocd-controller '])
      expect(reconcilerOf(own, nobody)).toBeUndefined();
  });

  it.each([
    ['reconciler: {}', 'unknown key "reconciler"; did you mean "reconcilers"?'],
    ['reconcilers: [flux]', 'reconcilers: use a map'],
    ['reconcilers: { flux: { dryrun: warn } }', 'reconcilers.flux: unknown key "dryrun"; did you mean "dryRun"?'],
    [
      'reconcilers: { flux: { writes: warn } }',
      'reconcilers.flux.writes: invalid value "warn": use "deny" or "warnAcrossObjects"',
    ],
    [
      'reconcilers: { flux: { dryRun: off } }',
      'reconcilers.flux.dryRun: invalid value "off": use "deny" or "warnAcrossObjects" or "warn"',
    ],
    ['modes: audit', 'unknown key "modes"; did you mean "mode"?'],
    ['rules: { route-port-exist: warn }', 'rules: unknown rule "route-port-exist"; did you mean "route-port-exists"?'],
    ['keeps: { service-hsh: off }', 'keeps: unknown keep "service-hsh"; did you mean "service-hash"?'],
    ['overrides: [{ name: a, rules: { x: warn } }]', 'overrides[0].rules: unknown rule "x"'],
    ['overrides: [{ name: a, byLable: any }]', 'overrides[0]: unknown key "byLable"; did you mean "byLabel"?'],
    ['overrides: [{ name: a, byLabel: lax }]', 'overrides[0].byLabel: invalid value "lax": use "strict" or "any"'],
    ['conversion: true', 'conversion: invalid value true: use "on" or "off", with the quotes'],
    ['conversion: no', 'conversion: invalid value "no": use "on" or "off"'],
    ['rules: 3', 'rules: invalid value 3: use a map'],
    ['rules:', 'rules: invalid value null: use a map'],
    ['rules: []', 'rules: use a map'],
    ['- a', 'policy: use a map'],
    ['trustedNamespaces: [{ rollouts: a }]', 'trustedNamespaces[0].objects: missing: use a string'],
    ['exemptions: { accounts: [""] }', 'exemptions.accounts[0]: use a string that is not empty'],
    ['controllers: { discover: x }', 'controllers.discover: invalid value "x": use true or false'],
    [`mode: ${'x'.repeat(200)}`, `mode: invalid value "${'x'.repeat(99)}...: use "enforce" or "audit"`],
    ['mode: audit\n\tx: y', 'invalid YAML: Tabs are not allowed as indentation at line 2, column 1'],
    ['breakglass: { maxDuration: 1h }', 'unknown key "breakglass"; did you mean "breakGlass"?'],
    ['breakGlass: { maxduration: 1h }', 'breakGlass: unknown key "maxduration"; did you mean "maxDuration"?'],
    ['breakGlass: { maxDuration: 1d }', 'breakGlass.maxDuration: use a duration of more than 0, such as 30m or 24h'],
    ['breakGlass: { maxDuration: 0s }', 'breakGlass.maxDuration: use a duration of more than 0, such as 30m or 24h'],
    ['breakGlass: { maxDuration: -1h }', 'breakGlass.maxDuration: use a duration of more than 0, such as 30m or 24h'],
    [
      'overrides: [{ name: a }, { name: a }, { name: a }]',
      'overrides: duplicate name "a": give each override its own name',
    ],
    ['mode: audit\nrules: {}\nmode: enforce', 'duplicate key "mode" at line 3, column 1: remove one of them'],
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

  it('that is larger than a ConfigMap is refused unread', () => {
    expect(errorsOf(`mode: audit #${'x'.repeat(1024 * 1024)}`)).toEqual([
      'the policy is larger than 1 MiB, the most that a ConfigMap holds: make it smaller',
    ]);
  });

  it('with very many errors tells twenty and counts the others, and compares names only for those it tells', () => {
    let walks = 0;
    const rules = Object.assign([...KNOWN.rules], {
      *[Symbol.iterator]() {
        walks++;
        for (const rule of KNOWN.rules) yield rule;
      },
    });
    const ids = Array.from({ length: 3_000 }, (_, index) => `  service-shared-${index}: warn`).join('\n');
    const loaded = parsePolicy(`rules:\n${ids}`, { ...KNOWN, rules });
    const errors = loaded.ok ? [] : loaded.errors;
    expect(errors).toHaveLength(21);
    expect(errors.at(0)).toBe('rules: unknown rule "service-shared-0"; did you mean "service-shared"?');
    expect(errors.at(-1)).toBe('and 2980 more errors');
    expect(walks).toBe(20);
  });

  it('shows only the beginning of a very long name, and checks no more profiles once it has enough errors', () => {
    const long = 'x'.repeat(10_000);
    expect(errorsOf(`rules: { ${long}: warn }`)).toEqual([`rules: unknown rule "${'x'.repeat(100)}..."`]);
    let checked = 0;
    const profileErrors = (): readonly string[] => [`wrong ${++checked}`];
    const profiles = Array.from({ length: 1_000 }, (_, index) => `  p${index}: { strategy: {} }`).join('\n');
    parsePolicy(`profiles:\n${profiles}`, { ...KNOWN, profileErrors });
    expect(checked).toBe(20);
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

describe('the namespaces of conversion', () => {
  it('are those that the policy names exactly, and all where it names none', () => {
    expect(isConversionNamespace(DEFAULT_POLICY, 'shop')).toBe(true);
    const loaded = parsePolicy('conversionNamespaces: [shop]', KNOWN);
    if (!loaded.ok) throw new Error(loaded.errors.join());
    expect(['shop', 'shop-2', 'other'].map((name) => isConversionNamespace(loaded.policy, name))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('are no globs, because rights are granted by name', () => {
    expect(parsePolicy("conversionNamespaces: [shop, 'team-*']", KNOWN)).toEqual({
      ok: false,
      errors: ['conversionNamespaces[1]: use the exact name of a namespace'],
    });
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

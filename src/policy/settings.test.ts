import { describe, expect, it } from 'vitest';
import { decisionFor, DEFAULT_POLICY, settingsFor, type Policy, type Settings, type Situation } from './policy.ts';

const NAMESPACES = ['prod-a', 'prod-shop', 'dev'] as const;
const GLOBS = ['prod-*', '*', 'dev', 'other'] as const;
const OVERRIDES = ['a', 'b', 'c', 'unheard-of'] as const;
const RULES_DRAWN = ['r', 's'] as const;
const DECISIONS = ['off', 'warn', 'deny'];

// From lax to strict.
const LEVELS = {
  mode: ['audit', 'enforce'],
  crossObjectUpdates: ['warn', 'deny'],
  onDelete: ['warn', 'deny'],
  onInternalError: ['warn', 'deny'],
  onTooLarge: ['warn', 'deny'],
} as const satisfies Partial<Record<keyof Settings, readonly string[]>> as Record<
  'mode' | 'crossObjectUpdates' | 'onDelete' | 'onInternalError' | 'onTooLarge',
  readonly string[]
>;

const BOOLEANS = [true, false] as const;

const SITUATIONS: readonly Situation[] = (['CREATE', 'UPDATE', 'DELETE'] as const).flatMap((operation) =>
  BOOLEANS.flatMap((subjectAdmitted) =>
    BOOLEANS.map((midUpdate): Situation => ({
      operation,
      subjectAdmitted,
      midUpdate,
      foreign: false,
      requireReferences: false,
    })),
  ),
);

type Draw = () => number;

// Numbers from 0 to 1, the same ones every time (a linear congruential generator of Numerical Recipes).
function generator(seed: number): Draw {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function pick<T>(draw: Draw, from: readonly T[]): T {
  return from[Math.floor(draw() * from.length)] as T;
}

function drawnSettings(draw: Draw): Partial<Settings> {
  const maybe = <T>(key: string, from: readonly T[]): Record<string, T> =>
    draw() < 0.5 ? {} : { [key]: pick(draw, from) };
  return {
    ...maybe('mode', LEVELS.mode),
    ...maybe('crossObjectUpdates', LEVELS.crossObjectUpdates),
    ...maybe('onDelete', LEVELS.onDelete),
    ...maybe('onInternalError', LEVELS.onInternalError),
    ...maybe('onTooLarge', LEVELS.onTooLarge),
    ...maybe('conversion', ['on', 'off']),
    rules: Object.assign({}, ...RULES_DRAWN.map((rule) => maybe(rule, ['deny', 'warn', 'off']))) as Settings['rules'],
    keeps: maybe('service-hash', ['on', 'off'] as const),
  };
}

function drawnPolicy(draw: Draw): Policy {
  return {
    ...DEFAULT_POLICY,
    ...drawnSettings(draw),
    overrides: OVERRIDES.slice(0, 3).map((name) => ({
      name,
      namespaces: draw() < 0.5 ? [] : [pick(draw, GLOBS)],
      ...drawnSettings(draw),
      ...(draw() < 0.3 ? { byLabel: pick(draw, ['strict', 'any'] as const) } : {}),
    })),
  };
}

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

  it('become stricter by the label of the namespace', () => {
    expect(settingsFor(policy, 'prod-a', 'strict')).toMatchObject({ mode: 'audit', crossObjectUpdates: 'deny' });
    expect(settingsFor(policy, 'dev', 'unheard-of')).toMatchObject({ mode: 'enforce', crossObjectUpdates: 'warn' });
  });

  it('do not become laxer by the label, unless its override says byLabel: any', () => {
    const lax = {
      name: 'lax',
      namespaces: [],
      mode: 'audit',
      rules: { 'service-shared': 'off', 'route-port-exists': 'deny' },
      onDelete: 'warn',
    } as const;
    const base: Policy = {
      ...policy,
      onDelete: 'deny',
      rules: { 'service-shared': 'deny' },
      overrides: [{ name: 'prod', namespaces: ['prod-*'], rules: { 'route-port-exists': 'off' } }, lax],
    };
    for (const namespace of ['prod-a', 'dev'])
      expect(settingsFor(base, namespace, 'lax')).toMatchObject({
        mode: 'enforce',
        rules: { 'service-shared': 'deny', 'route-port-exists': 'deny' },
        onDelete: 'deny',
      });
    const any: Policy = { ...base, overrides: [...base.overrides.slice(0, 1), { ...lax, byLabel: 'any' }] };
    expect(settingsFor(any, 'prod-a', 'lax')).toMatchObject({
      mode: 'audit',
      rules: { 'service-shared': 'off', 'route-port-exists': 'deny' },
      onDelete: 'warn',
    });
  });

  it('take keeps and conversion from the globs, unless the override says byLabel: any', () => {
    const named = { name: 'named', namespaces: [], keeps: { 'service-hash': 'off' }, conversion: 'off' } as const;
    const base: Policy = { ...DEFAULT_POLICY, overrides: [named] };
    expect(settingsFor(base, 'dev', 'named')).toMatchObject({ keeps: {}, conversion: 'on' });
    expect(settingsFor({ ...base, overrides: [{ ...named, byLabel: 'any' }] }, 'dev', 'named')).toMatchObject({
      keeps: { 'service-hash': 'off' },
      conversion: 'off',
    });
  });

  it('count an override that a namespace matches and names only by its glob', () => {
    const base: Policy = {
      ...DEFAULT_POLICY,
      overrides: [
        { name: 'shop', namespaces: ['shop'], mode: 'audit', keeps: { 'service-hash': 'off' } },
        { name: 'all', namespaces: ['*'], onDelete: 'deny' },
      ],
    };
    expect(settingsFor(base, 'shop', 'shop')).toEqual(settingsFor(base, 'shop', undefined));
  });

  it('a rule without a setting is stricter than one that warns, and laxer than one that denies', () => {
    const of = (given: 'deny' | 'warn' | 'off'): Policy => ({
      ...DEFAULT_POLICY,
      overrides: [{ name: 'named', namespaces: [], rules: { r: given } }],
    });
    expect(settingsFor(of('deny'), 'dev', 'named').rules).toEqual({ r: 'deny' });
    expect(settingsFor(of('warn'), 'dev', 'named').rules).toEqual({});
    expect(settingsFor(of('off'), 'dev', 'named').rules).toEqual({});
  });

  it('are never laxer with a label than without one, whatever the policy, unless it says byLabel: any', () => {
    const draw = generator(20_260_728);
    for (let round = 0; round < 3_000; round++) {
      const drawn = drawnPolicy(draw);
      const [namespace, label] = [pick(draw, NAMESPACES), pick(draw, OVERRIDES)];
      const plain = settingsFor(drawn, namespace, undefined);
      const labelled = settingsFor(drawn, namespace, label);
      const named = drawn.overrides.find(({ name }) => name === label);
      if (named?.byLabel === 'any') {
        // Then everything that the override sets is in force.
        expect(labelled).toMatchObject(Object.fromEntries(Object.entries(named).filter(([key]) => key in LEVELS)));
        continue;
      }
      for (const [key, levels] of Object.entries(LEVELS)) {
        const at = (settings: Settings): number => levels.indexOf(settings[key as keyof typeof LEVELS]);
        expect(at(labelled), `${key} of ${JSON.stringify({ drawn, namespace, label })}`).toBeGreaterThanOrEqual(
          at(plain),
        );
      }
      for (const rule of RULES_DRAWN)
        for (const situation of SITUATIONS)
          for (const found of ['invalid', 'missing', 'advice'] as const) {
            const decided = (settings: Settings): number =>
              DECISIONS.indexOf(decisionFor(rule, found, situation, settings));
            expect(
              decided(labelled),
              `${rule}, ${found} of ${JSON.stringify({ drawn, namespace, label, situation })}`,
            ).toBeGreaterThanOrEqual(decided(plain));
          }
      expect([labelled.keeps, labelled.conversion]).toEqual([plain.keeps, plain.conversion]);
    }
  });
});

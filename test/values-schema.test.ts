import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { POLICY_CATALOG } from '../src/admission/policy-catalog.ts';
import { serveCommand } from '../src/commands/serve.ts';
import { checkPolicy } from '../src/policy/load.ts';
import { asArray, asObject, asString, dig, isObject } from '../src/world/read.ts';
import { resolved } from './support/json-schema.ts';

const SCHEMA: unknown = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'chart', 'values.schema.json'), 'utf8'),
);

/** The enums of the values that become options of `rollgate serve`. */
const OPTIONS: Readonly<Record<string, string>> = {
  'properties.logLevel': '--log-level',
  'properties.certificates.properties.tlsMinVersion': '--tls-min-version',
};
/** The enums of which only Kubernetes and the chart know. */
const NOT_OF_THE_PROGRAM: readonly string[] = [
  'properties.image.properties.pullPolicy',
  'properties.certificates.properties.mode',
  'properties.service.properties.ipFamilyPolicy',
  'properties.service.properties.ipFamilies.items',
  'definitions.failurePolicy',
  'definitions.selector.properties.matchExpressions.items.properties.operator',
];
const OF_POLICY = 'properties.policy.';
const UNKNOWN = 'no-such-value';

interface Enum {
  /** The keys that lead to it in the schema. */
  readonly path: readonly string[];
  readonly values: readonly unknown[];
}

function enumsIn(schema: unknown, path: readonly string[] = []): Enum[] {
  if (Array.isArray(schema)) return schema.flatMap((entry, index) => enumsIn(entry, [...path, String(index)]));
  if (!isObject(schema)) return [];
  return Object.entries(schema).flatMap(([key, entry]) =>
    key === 'enum' && Array.isArray(entry) ? [{ path, values: entry }] : enumsIn(entry, [...path, key]),
  );
}

const ENUMS = enumsIn(SCHEMA);

/** Returns the smallest value that a schema accepts, as far as the policy needs one. */
function sample(given: unknown): unknown {
  const schema = resolved(given, SCHEMA);
  if (schema['type'] === 'array') return [];
  if (schema['type'] !== 'object') return asArray(schema['enum'])[0] ?? 'a';
  return Object.fromEntries(
    asArray(schema['required']).map((key) => [asString(key), sample(dig(schema, 'properties', asString(key)))]),
  );
}

/** Returns a value that has another at the place that keys lead to in its schema, and nothing else that is optional. */
function withValue(given: unknown, [keyword, ...rest]: readonly string[], value: unknown): unknown {
  const schema = resolved(given, SCHEMA);
  if (keyword === undefined) return value;
  const [key = '', ...below] = rest;
  switch (keyword) {
    case 'properties': {
      return { ...asObject(sample(schema)), [key]: withValue(dig(schema, 'properties', key), below, value) };
    }
    case 'items':
      return [withValue(schema['items'], rest, value)];
    case 'patternProperties':
      return { a: withValue(dig(schema, 'patternProperties', key), below, value) };
    case 'additionalProperties':
      return { a: withValue(schema['additionalProperties'], rest, value) };
    default:
      throw new Error(`a schema with ${keyword} is new here`);
  }
}

function isAccepted(policy: unknown): boolean {
  return checkPolicy(policy, POLICY_CATALOG).ok;
}

function accepts(option: string, value: string): boolean {
  const stderr = { write: () => true };
  const command = serveCommand({ stderr }, () => undefined)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  try {
    command.parseOptions([option, value]);
    return true;
  } catch {
    return false;
  }
}

describe('the schema of the chart', () => {
  it('has no enum that these tests do not know', () => {
    const unknown = ENUMS.map(({ path }) => path.join('.')).filter(
      (path) => !path.startsWith(OF_POLICY) && !(path in OPTIONS) && !NOT_OF_THE_PROGRAM.includes(path),
    );
    expect(unknown, 'name the option that takes it in OPTIONS, or say that the program does not see it').toEqual([]);
  });

  it.each(Object.entries(OPTIONS))('has the values of an option: %s', (path, option) => {
    const { values = [] } = ENUMS.find((each) => each.path.join('.') === path) ?? {};
    expect(values.length).toBeGreaterThan(1);
    for (const value of values) expect([value, accepts(option, asString(value))]).toEqual([value, true]);
    expect(accepts(option, UNKNOWN)).toBe(false);
  });
});

describe('the schema of the policy', () => {
  const policy = dig(SCHEMA, 'properties', 'policy');
  const enums = ENUMS.filter(({ path }) => path.join('.').startsWith(OF_POLICY)).map(({ path, values }) => ({
    path: path.slice(2),
    values,
  }));

  it.each(enums.map((each) => [each.path.join('.'), each] as const))(
    'has values that the parser accepts, and no others: %s',
    (_, { path, values }) => {
      for (const value of values) expect([value, isAccepted(withValue(policy, path, value))]).toEqual([value, true]);
      expect(isAccepted(withValue(policy, path, UNKNOWN))).toBe(false);
    },
  );

  it('has enums of every setting, of overrides and of ids', () => {
    const paths = enums.map(({ path }) => path.join('.'));
    for (const path of [
      'properties.mode',
      'properties.conversion',
      'properties.rules.properties.route-port-exists',
      'properties.keeps.properties.service-hash',
      'properties.overrides.items.properties.mode',
      'properties.overrides.items.properties.byLabel',
    ])
      expect(paths).toContain(path);
  });

  it.each([
    ['rules', [...POLICY_CATALOG.rules, ...POLICY_CATALOG.retiredRules]],
    ['keeps', POLICY_CATALOG.keeps],
  ])('names all %s that the parser knows, and no others', (key, ids) => {
    const of = asObject(dig(policy, 'properties', key));
    expect(Object.keys(asObject(of['properties']))).toEqual([...ids].sort());
    expect(of['additionalProperties']).toBe(false);
    expect(isAccepted({ [key]: { [UNKNOWN]: 'off' } })).toBe(false);
    expect(resolved(dig(policy, 'properties', 'overrides', 'items', 'properties', key), SCHEMA)).toBe(of);
  });

  it.each(['30m', '1h30m', '1.5h', '.5s', '+2h', '5µs', '1.h', '0h', '-1h', '1d', '', 'h', '1', '0s', '1 h', '1h-1m'])(
    'has the durations of the parser: %j',
    (maxDuration) => {
      const of = dig(policy, 'properties', 'breakGlass', 'properties', 'maxDuration');
      const patterns = asArray(dig(of, 'allOf')).map((entry) => new RegExp(asString(dig(entry, 'pattern'))));
      expect(patterns.length).toBeGreaterThan(0);
      expect(patterns.every((pattern) => pattern.test(maxDuration))).toBe(isAccepted({ breakGlass: { maxDuration } }));
    },
  );

  it.each(['a', 'own-profile', '1', 'Own', 'a_b', '-a', 'a-', 'off', '', 'a'.repeat(63), 'a'.repeat(64)])(
    'has the profile names of the parser: %j',
    (name) => {
      const { properties, patternProperties, additionalProperties } = asObject(dig(policy, 'properties', 'profiles'));
      const patterns = Object.keys(asObject(patternProperties)).map((pattern) => new RegExp(pattern));
      const isName = patterns.some((pattern) => pattern.test(name)) && asObject(properties)[name] !== false;
      expect(additionalProperties).toBe(false);
      const strategy = { canary: { steps: [{ setWeight: 10 }, { pause: { duration: '1m' } }] } };
      expect(isName).toBe(isAccepted({ profiles: { [name]: { strategy } } }));
    },
  );
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { POLICY_CATALOG } from '../src/admission/policy-catalog.ts';
import { serveCommand } from '../src/commands/serve.ts';
import { checkPolicy } from '../src/policy/load.ts';
import { asArray, asObject, asString, dig, isObject, optionalString, type JsonObject } from '../src/world/read.ts';

const SCHEMA: unknown = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'chart', 'values.schema.json'), 'utf8'),
);

/** The enums of the values that become options of `rollgate serve`. */
const OPTIONS: Readonly<Record<string, string>> = {
  'properties.logLevel': '--log-level',
  'properties.certificates.properties.tlsMinVersion': '--tls-min-version',
};
/** The enums of which only Kubernetes and the chart know. */
const NOT_OF_THE_PROGRAM: readonly string[] = ['properties.image.properties.pullPolicy', 'definitions.failurePolicy'];
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

function resolved(schema: unknown): JsonObject {
  const ref = optionalString(dig(schema, '$ref'));
  return ref === undefined ? asObject(schema) : resolved(dig(SCHEMA, ...ref.slice(2).split('/')));
}

/** Returns the smallest value that a schema accepts, as far as the policy needs one. */
function sample(given: unknown): unknown {
  const schema = resolved(given);
  if (schema['type'] === 'array') return [];
  if (schema['type'] !== 'object') return asArray(schema['enum'])[0] ?? 'a';
  return Object.fromEntries(
    asArray(schema['required']).map((key) => [asString(key), sample(dig(schema, 'properties', asString(key)))]),
  );
}

/** Returns a value that has another at the place that keys lead to in its schema, and nothing else that is optional. */
function withValue(given: unknown, [keyword, ...rest]: readonly string[], value: unknown): unknown {
  const schema = resolved(given);
  if (keyword === undefined) return value;
  const [key = '', ...below] = rest;
  switch (keyword) {
    case 'properties': {
      return { ...asObject(sample(schema)), [key]: withValue(dig(schema, 'properties', key), below, value) };
    }
    case 'items':
      return [withValue(schema['items'], rest, value)];
    case 'additionalProperties': {
      const name = optionalString(asArray(dig(schema, 'propertyNames', 'enum'))[0]) ?? 'a';
      return { [name]: withValue(schema['additionalProperties'], rest, value) };
    }
    case 'propertyNames':
      return { [asString(value)]: sample(schema['additionalProperties']) };
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
  // The name that a profile may not have is the only value that must not be accepted.
  const isForbidden = ({ path }: Enum): boolean => path.at(-1) === 'not';
  const enums = ENUMS.map(({ path, values }) => ({ path, values }))
    .filter(({ path }) => path.join('.').startsWith(OF_POLICY))
    .map(({ path, values }) => ({ path: path.slice(2), values }));

  it.each(enums.filter((each) => !isForbidden(each)).map((each) => [each.path.join('.'), each] as const))(
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
      'properties.rules.propertyNames',
      'properties.rules.additionalProperties',
      'properties.keeps.propertyNames',
      'properties.overrides.items.properties.mode',
      'properties.overrides.items.properties.byLabel',
    ])
      expect(paths).toContain(path);
  });

  it('names every rule and keep, also those that are gone', () => {
    const ids = (of: string): unknown => dig(policy, 'properties', of, 'propertyNames', 'enum');
    expect(ids('rules')).toEqual([...POLICY_CATALOG.rules, ...POLICY_CATALOG.retiredRules].sort());
    expect(ids('keeps')).toEqual([...POLICY_CATALOG.keeps].sort());
    const overrides = dig(policy, 'properties', 'overrides', 'items', 'properties');
    expect(resolved(dig(overrides, 'rules'))).toBe(dig(policy, 'properties', 'rules'));
    expect(resolved(dig(overrides, 'keeps'))).toBe(dig(policy, 'properties', 'keeps'));
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
      const names = dig(policy, 'properties', 'profiles', 'propertyNames');
      const longest = dig(names, 'maxLength');
      const pattern = new RegExp(asString(dig(names, 'pattern')));
      const isName =
        pattern.test(name) && name.length <= Number(longest) && !asArray(dig(names, 'not', 'enum')).includes(name);
      const strategy = { canary: { steps: [{ setWeight: 10 }, { pause: { duration: '1m' } }] } };
      expect(isName).toBe(isAccepted({ profiles: { [name]: { strategy } } }));
    },
  );
});

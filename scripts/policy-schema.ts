import { parseDocument, isNode } from 'yaml';
import prettier from 'prettier';
import { z } from 'zod';
import { POLICY_CATALOG } from '../src/admission/policy-catalog.ts';
import { POLICY_SCHEMA } from '../src/policy/schema.ts';
import { asObject, dig, type JsonObject } from '../src/world/read.ts';

// The chart has values of their own for these.
const SET_BY_OTHER_VALUES = ['controllers', 'conversionNamespaces'];
const UNITS = '(ns|us|µs|μs|ms|s|m|h)';
const POLICY_PROPERTIES = '#/properties/policy/properties';

/**
 * Returns the JSON schema of the value `policy` of the chart. It has the enums, keys and ids of the parser. It does not
 * check what a schema cannot: that names of overrides are unique, and that profiles render valid Rollouts.
 */
function policySchema(): JsonObject {
  const { $schema: _, ...schema } = z.toJSONSchema(POLICY_SCHEMA, { target: 'draft-07', io: 'input' }) as JsonObject;
  const properties = { ...asObject(schema['properties']) };
  for (const key of SET_BY_OTHER_VALUES) delete properties[key];
  const { rules, keeps, retiredRules } = POLICY_CATALOG;
  const overrides = asObject(properties['overrides']);
  const override = asObject(overrides['items']);
  return {
    ...schema,
    // The default of the file is not that of the chart.
    required: ['mode'],
    properties: {
      ...properties,
      rules: ofIds(properties['rules'], [...rules, ...retiredRules]),
      keeps: ofIds(properties['keeps'], keeps),
      overrides: {
        ...overrides,
        items: {
          ...override,
          properties: {
            ...asObject(override['properties']),
            rules: { $ref: `${POLICY_PROPERTIES}/rules` },
            keeps: { $ref: `${POLICY_PROPERTIES}/keeps` },
          },
        },
      },
      breakGlass: { ...asObject(properties['breakGlass']), properties: { maxDuration: DURATION } },
      profiles: ofProfiles(properties['profiles']),
    },
  };
}

// More than 0, which RE2 can only say with two patterns.
const DURATION = {
  type: 'string',
  allOf: [{ pattern: `^[+]?(([0-9]+[.]?[0-9]*|[.][0-9]+)${UNITS})+$` }, { pattern: '[1-9]' }],
};
const PROFILE_NAME = '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$';

// Not by propertyNames: of these Helm does not say where the wrong one is, and lists all the others.
function ofIds(map: unknown, ids: readonly string[]): JsonObject {
  const value = dig(map, 'additionalProperties');
  const properties = Object.fromEntries([...ids].sort().map((id) => [id, value]));
  return { type: 'object', properties, additionalProperties: false };
}

function ofProfiles(map: unknown): JsonObject {
  return {
    type: 'object',
    properties: { off: false },
    patternProperties: { [PROFILE_NAME]: dig(map, 'additionalProperties') },
    additionalProperties: false,
  };
}

/**
 * Returns the schema of the chart's values, with that of `policy` replaced by the one of the parser.
 *
 * @param text - As it is.
 * @throws Error - If it has no schema of `policy`.
 */
export async function withPolicySchema(text: string, path: string): Promise<string> {
  const node = parseDocument(text).getIn(['properties', 'policy'], true);
  const range = isNode(node) ? node.range : undefined;
  if (range === undefined || range === null) throw new Error(`${path} has no properties.policy`);
  const replaced = `${text.slice(0, range[0])}${JSON.stringify(policySchema())}${text.slice(range[1])}`;
  return prettier.format(replaced, { ...(await prettier.resolveConfig(path)), filepath: path });
}

import type { Path } from './path.ts';
import { asArray, dig, asString, stringMap, type JsonObject } from './read.ts';

/** One thing a label selector asks for. */
export interface Requirement {
  readonly key: string;
  /** `In`, `NotIn`, `Exists`, `DoesNotExist`, or whatever was written; `matchLabels` ask for `In` with one value. */
  readonly operator: string;
  readonly values: readonly string[];
  /** Where it stands in the selector. */
  readonly path: Path;
}

/** In: a label selector. Out: what it asks for, `matchLabels` first; entries of the wrong type are passed over. */
export function requirementsOf(selector: JsonObject): Requirement[] {
  const labels = [...stringMap(selector['matchLabels'])].map(([key, value]): Requirement => ({
    key,
    operator: 'In',
    values: [value],
    path: ['matchLabels', key],
  }));
  const expressions = asArray(selector['matchExpressions']).map((entry, index): Requirement => ({
    key: asString(dig(entry, 'key')),
    operator: asString(dig(entry, 'operator')),
    values: asArray(dig(entry, 'values')).map(asString),
    path: ['matchExpressions', index],
  }));
  return [...labels, ...expressions];
}

/**
 * In: a requirement and labels. Out: whether the labels meet it, by the rules of `metav1.LabelSelector`; an operator it
 * does not know meets nothing.
 */
export function meets({ key, operator, values }: Requirement, labels: ReadonlyMap<string, string>): boolean {
  const value = labels.get(key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

/** In: a requirement. Out: it as a person reads it: `app=shop`, `tier in (web, api)`, `!legacy`. */
export function renderRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0] ?? ''}` : `${key} in (${values.join(', ')})`;
    case 'NotIn':
      return `${key} notin (${values.join(', ')})`;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return key;
  }
}

import type { Path } from './path.ts';
import { asArray, dig, asString, stringMap, type JsonObject } from './read.ts';

/** A requirement of a label selector. */
export interface Requirement {
  readonly key: string;
  /**
   * `In`, `NotIn`, `Exists`, `DoesNotExist`, or any other text as written; `matchLabels` become `In` with one value.
   */
  readonly operator: string;
  readonly values: readonly string[];
  /** Its path in the selector. */
  readonly path: Path;
}

/** Returns the requirements of a label selector, `matchLabels` first. Ignores entries of the wrong type. */
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
 * Reports whether labels meet a requirement, by the rules of `metav1.LabelSelector`. Nothing meets an unknown operator.
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

/** Renders a requirement for messages: `app=shop`, `tier in (web, api)`, `!legacy`. */
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

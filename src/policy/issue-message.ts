import type { z } from 'zod';

const NOUNS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  string: 'a string',
};
// Helm reads them without quotes as true and false.
const QUOTED: ReadonlySet<unknown> = new Set(['on', 'off']);
const SHOWN_LENGTH = 100;

/** Returns a name or a value as messages show it: cut if it is long. */
export function shown(text: string): string {
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}...` : text;
}

/**
 * Returns what is wrong with a value of a policy, and what to use instead.
 *
 * @param issue - With its input.
 */
export function issueMessage(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_value': {
      const quotes = typeof issue.input === 'boolean' && issue.values.some((value) => QUOTED.has(value));
      const values = issue.values.map((value) => JSON.stringify(value)).join(' or ');
      return `${foundIn(issue.input)}use ${values}${quotes ? ', with the quotes' : ''}`;
    }
    case 'invalid_type':
      // Without quotes, YAML reads 1.10 as 1.1.
      return `${foundIn(issue.input)}use ${NOUNS[issue.expected] ?? issue.expected}${typeof issue.input === 'number' && issue.expected === 'string' ? ' in quotes' : ''}`;
    case 'too_small':
      return 'use a string that is not empty';
    default:
      return issue.message;
  }
}

function foundIn(input: unknown): string {
  if (input === undefined) return 'missing: ';
  if (typeof input === 'object' && input !== null) return '';
  return `invalid value ${shown(JSON.stringify(input))}: `;
}

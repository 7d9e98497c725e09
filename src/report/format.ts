import { DOCUMENT_RULES } from '../documents/index.ts';
import { RULES } from '../rules/index.ts';
import type { BundleReport } from './model.ts';

/** How a report is written. */
export interface FormatOptions {
  /** Whether terminal colours may be used. Only the text format has any. */
  readonly color: boolean;
}

/** Returns the text of a report, with a newline at its end. The same report gives the same text. */
export type Format = (report: BundleReport, options: FormatOptions) => string;

/** What a report says about a fallback in place of the policy. */
export const FALLBACK_POLICY =
  'Rollgate has no valid policy, so it denies nothing now. The log of Rollgate says what is wrong with the policy.';

/** One reason why something could not be evaluated, with the rules it affects and the number of objects. */
export interface SkipGroup {
  readonly reason: string;
  readonly rules: readonly string[];
  readonly objects: number;
}

/** Returns what could not be evaluated, by reason. */
export function skipGroups(report: BundleReport): SkipGroup[] {
  return [...Map.groupBy(report.skipped, ({ reason }) => reason)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([reason, skips]) => ({
      reason,
      rules: [...new Set(skips.map(({ rule }) => rule))].sort(),
      objects: new Set(skips.map(({ object }) => JSON.stringify([object.kind, object.namespace, object.name]))).size,
    }));
}

/** Returns the summary and explanation of a rule or document check, if it has any. */
export function describeRule(id: string): { readonly summary: string; readonly explanation: string } | undefined {
  return [...RULES, ...DOCUMENT_RULES].find((rule) => rule.id === id);
}

// File names and messages of parsers come from outside, and could move the cursor of a terminal.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** Returns a text from outside on one line, without control characters. */
export function plain(text: string): string {
  return text.replace(CONTROL, ' ');
}

/** Returns a number with its noun, in the plural unless there is exactly one. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

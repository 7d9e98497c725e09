import { DOCUMENT_RULES } from '../documents/index.ts';
import { RULES } from '../rules/index.ts';
import type { BundleReport } from './model.ts';

/** How a report is to be written. */
export interface FormatOptions {
  /** Whether terminal colours may be used; only text has any. */
  readonly color: boolean;
}

/**
 * In: a report, and how to write it. Out: the text of it, with a newline at its end. The same report gives the same
 * text.
 */
export type Format = (report: BundleReport, options: FormatOptions) => string;

/**
 * One reason for which something could not be judged, with the rules that ran into it and the number of objects it was
 * about.
 */
export interface SkipGroup {
  readonly reason: string;
  readonly rules: readonly string[];
  readonly objects: number;
}

/** In: a report. Out: what could not be judged, by reason. */
export function skipGroups(report: BundleReport): SkipGroup[] {
  return [...Map.groupBy(report.skipped, ({ reason }) => reason)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([reason, skips]) => ({
      reason,
      rules: [...new Set(skips.map(({ rule }) => rule))].sort(),
      objects: new Set(skips.map(({ object }) => JSON.stringify([object.kind, object.namespace, object.name]))).size,
    }));
}

/** In: the id of a rule, or of a check of documents. Out: its summary and explanation, if it has any. */
export function describeRule(id: string): { readonly summary: string; readonly explanation: string } | undefined {
  return [...RULES, ...DOCUMENT_RULES].find((rule) => rule.id === id);
}

// Names of files and messages of parsers come from outside, and could move the cursor of a terminal.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** In: a text from outside. Out: it on one line, without control characters. */
export function plain(text: string): string {
  return text.replace(CONTROL, ' ');
}

/** In: a number and a noun. Out: both, the noun in the plural where there are not exactly one. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

import { renderFix, renderMessage, type Finding } from '../rules/finding.ts';
import { fill } from '../rules/message.ts';
import { keyOf } from '../world/object.ts';
import { about, ruleTag } from './attribution.ts';
import { LONGEST_WARNING, warningText, type RenderedFinding } from './rendered-finding.ts';

/** A finding that is a warning, and how the user reads it. */
export interface Warned {
  readonly finding: Finding;
  readonly text: RenderedFinding;
  /** Whether it needs a line of its own, whatever it says. */
  readonly ownLine: boolean;
}

/**
 * Returns the warnings of findings, a line each. Objects that do not exist yet and may come with the same apply are
 * named in one line, in place of the first of them.
 */
export function warningsOf(warned: readonly Warned[]): string[] {
  const groups = Map.groupBy(warned, (entry) => (mayComeWithApply(entry) ? groupOf(entry) : entry));
  return [...groups.values()].flatMap((group) => group.slice(0, 1).map((first) => lineOf(first, group)));
}

function lineOf(first: Warned, group: readonly Warned[]): string {
  if (!mayComeWithApply(first)) return warningText(first.text, first.finding);
  const names = [...new Set(group.map(({ finding }) => fill(finding.message.missing ?? '', finding.data)))];
  return names.length === 1 ? oneMissing(first) : manyMissing(names, first);
}

// A name like that of an object that exists is more likely a typo, and what to use instead is worth a line.
function mayComeWithApply({ finding, ownLine }: Warned): boolean {
  const { class: findingClass, message, data } = finding;
  return !ownLine && findingClass === 'missing' && message.missing !== undefined && (data['hint'] ?? '') === '';
}

function groupOf({ finding, text }: Warned): string {
  return `${finding.rule} ${keyOf(text.object)}`;
}

function oneMissing({ finding, text: { object } }: Warned): string {
  const line = (end: string): string =>
    about(object, `${renderMessage(finding)}: fine if it comes with this apply${end} ${ruleTag(finding.rule)}`);
  const full = line(`, otherwise ${renderFix(finding)}`);
  return full.length <= LONGEST_WARNING ? full : line('');
}

function manyMissing(names: readonly string[], { finding, text: { object } }: Warned): string {
  const line = (shown: readonly string[], end: string): string =>
    about(object, `not found: ${shown.join(', ')}: fine if they come with this apply${end} ${ruleTag(finding.rule)}`);
  const full = line(names, ', otherwise create them');
  if (full.length <= LONGEST_WARNING) return full;
  const some = (count: number): string =>
    line(count === names.length ? names : [...names.slice(0, count), `${names.length - count} more`], '');
  let count = names.length;
  while (count > 1 && some(count).length > LONGEST_WARNING) count--;
  return some(count);
}

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
  return [...groups.values()].map((group) => {
    const [first] = group;
    if (first === undefined) return '';
    if (!mayComeWithApply(first)) return warningText(first.text, first.finding);
    return group.length === 1 ? oneMissing(first) : manyMissing(group, first);
  });
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

function manyMissing(group: readonly Warned[], { finding, text: { object } }: Warned): string {
  const names = [...new Set(group.map((each) => fill(each.finding.message.missing ?? '', each.finding.data)))];
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

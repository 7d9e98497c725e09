import { NO_TIME } from '../rules/budget.ts';
import { TOO_LARGE } from '../rules/engine.ts';
import type { Finding, Skipped } from '../rules/finding.ts';
import { keyOf } from '../world/object.ts';
import { versionsOf, type Change } from './change.ts';

/**
 * Returns the finding that says what could not be checked of changes, or undefined if everything was. The policy
 * decides about it with `onTooLarge`.
 */
export function tooLarge(changes: readonly Change[], skipped: readonly Skipped[]): Finding | undefined {
  const unfinished = skipped.filter((skip) => skip.unfinished !== undefined);
  const reason = unfinished[0]?.unfinished;
  const [object] = changes.flatMap(versionsOf);
  if (reason === undefined || object === undefined) return undefined;
  const rules = [...new Set(unfinished.map(({ rule }) => rule))].sort();
  const subjects = new Set(unfinished.map(({ subject }) => keyOf(subject)));
  const all = rules.includes('*');
  return {
    rule: TOO_LARGE,
    messageId: 'unfinished',
    class: 'advice',
    subject: object,
    object,
    path: ['spec'],
    related: [],
    anchor: '',
    message: {
      text: 'was not checked completely: {reason} (not finished: {rules}; objects: {subjects})',
      fix:
        reason === NO_TIME
          ? 'try again, or ask the administrator of Rollgate'
          : 'make the object smaller, or let fewer objects refer to it',
    },
    data: {
      reason,
      rules: all ? 'all rules' : `${rules[0] ?? ''}${rules.length > 1 ? ` and ${rules.length - 1} more` : ''}`,
      subjects: all ? `at least ${subjects.size}` : subjects.size,
    },
    dependsOn: [],
  };
}

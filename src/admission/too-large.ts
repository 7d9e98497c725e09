import { TOO_LARGE } from '../rules/engine.ts';
import type { Finding, Skipped } from '../rules/finding.ts';
import { keyOf } from '../world/object.ts';
import { versionsOf, type Change } from './change.ts';

const TIME_OVER = /no time was left$/;

/**
 * Returns the finding that says what could not be checked of changes, or undefined if everything was. The policy
 * decides about it with `onTooLarge`.
 */
export function tooLarge(changes: readonly Change[], skipped: readonly Skipped[]): Finding | undefined {
  const unfinished = skipped.filter((skip) => skip.unfinished === true);
  const [first] = unfinished;
  const [object] = changes.flatMap(versionsOf);
  if (first === undefined || object === undefined) return undefined;
  const rules = [...new Set(unfinished.map(({ rule }) => rule))].sort();
  const subjects = new Set(unfinished.map(({ subject }) => keyOf(subject)));
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
      text: 'was not checked completely: {rules} did not finish for {subjects}: {reason}',
      fix: TIME_OVER.test(first.reason)
        ? 'try again, or ask the administrator of Rollgate'
        : 'make the object smaller, or let fewer objects refer to it',
    },
    data: {
      rules: rules.includes('*')
        ? 'the rules'
        : rules.length === 1
          ? `${rules[0]}`
          : `${rules[0]} and ${rules.length - 1} more`,
      subjects:
        subjects.size > 1
          ? `${subjects.size} objects`
          : subjects.has(keyOf(object))
            ? 'it'
            : '1 object that refers to it',
      reason: first.reason,
    },
    dependsOn: new Set(),
  };
}

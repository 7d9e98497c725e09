import type { Message, RuleContext } from '../define.ts';

/** The messages of the rule. */
export const messages = {
  none: {
    class: 'advice',
    text: 'metric "{metric}" has neither successCondition nor failureCondition, so any result from {provider} counts as a success',
    fix: 'add a successCondition that only a good result meets',
  },
  list: {
    class: 'advice',
    text: '{field} of metric "{metric}" compares the whole result, but Prometheus returns a list',
    fix: 'compare the first element, result[0], or wrap the query in scalar()',
  },
  broken: {
    class: 'invalid',
    text: '{field} of metric "{metric}" fails at every measurement: {problem} (character {position})',
    fix: '{remedy}',
  },
  brokenUnused: {
    class: 'advice',
    text: '{field} of metric "{metric}" fails whenever it is evaluated: {problem} (character {position})',
    fix: '{remedy}',
  },
  brokenWith: {
    class: 'advice',
    text: '{field} of metric "{metric}" fails with every usual value for {tag}: {problem} (character {position})',
    fix: '{remedy}',
  },
  constant: {
    class: 'advice',
    text: '{field} of metric "{metric}" does not use the result, so it is the same for every result',
    fix: 'compare the result in it, such as result[0] > 0.95, or remove it',
  },
  unused: {
    class: 'advice',
    text: '{field} of metric "{metric}" is never evaluated, because {why}',
    fix: 'remove it',
  },
  equality: {
    class: 'advice',
    text: '{field} of metric "{metric}" compares the whole list with another one, which are never equal',
    fix: 'compare {instead}',
  },
} as const satisfies Record<string, Message>;

/** The context that the checks of the rule receive. */
export type Context = RuleContext<typeof messages>;

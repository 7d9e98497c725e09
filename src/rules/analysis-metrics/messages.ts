import type { Message, RuleContext } from '../define.ts';

/** What the rule can say. */
export const messages = {
  none: {
    class: 'invalid',
    text: '{template} has no metric and combines no templates',
    fix: 'add a metric, or delete the template',
  },
  'only-arguments': {
    class: 'advice',
    text: '{template} declares arguments and has no metric',
    fix: 'add a metric, unless it is only ever combined with templates that have some',
  },
  'none-combined': {
    class: 'invalid',
    text: '{analysis} has no metric: none of its templates ({templates}) has one',
    fix: 'add a metric to one of them',
  },
  duplicate: {
    class: 'invalid',
    text: '{template} has two metrics named "{metric}"',
    fix: 'rename one of them',
  },
  'duplicate-combined': {
    class: 'invalid',
    text: '{first} and {second}, which {analysis} combines, both have a metric named "{metric}"',
    fix: 'rename one of them',
  },
  'no-provider': {
    class: 'invalid',
    text: 'metric "{metric}" has no provider that the controller knows{has}',
    fix: 'give it exactly one, such as prometheus, web or job',
  },
  'several-providers': {
    class: 'invalid',
    text: 'metric "{metric}" has {count} providers ({has})',
    fix: 'keep one, and make a metric of each other one',
  },
  range: {
    class: 'invalid',
    text: 'metric "{metric}" has the {field} {value}, which does not fit into 32 bits, and the controller cannot read the template',
    fix: 'write a smaller number',
  },
  negative: {
    class: 'invalid',
    text: '{field} of metric "{metric}" is {value}',
    fix: 'use {bound}',
  },
  'switched-off': {
    class: 'invalid',
    text: 'failureLimit of metric "{metric}" is switched off ({value}) and it has no consecutiveSuccessLimit, so that nothing decides it',
    fix: 'set one of them',
  },
  'count-too-small': {
    class: 'invalid',
    text: 'count of metric "{metric}" is {value}, less than {bound}',
    fix: 'raise the count or lower the limit',
  },
  'interval-missing': {
    class: 'invalid',
    text: 'metric "{metric}" is measured {value} times and has no interval',
    fix: 'set interval, or a count of 1',
  },
  duration: {
    class: 'invalid',
    text: '{field} "{value}" of metric "{metric}" is no duration',
    fix: 'write {example} (the units are h, m, s and ms; there is none for days)',
  },
  default: {
    class: 'advice',
    text: 'with the defaults of its arguments metric "{metric}" has {field} "{value}" ({reason})',
    fix: 'choose defaults that work, or none',
  },
  combined: {
    class: 'invalid',
    text: 'with the arguments of {analysis} metric "{metric}" of {template} has {field} "{value}" ({reason})',
    fix: 'supply another value',
  },
  unmatched: {
    class: 'invalid',
    text: '{field} names "{pattern}", a regular expression that matches no metric (there is {has})',
    fix: 'write the name of a metric, or .* for all of them',
  },
  repeated: {
    class: 'invalid',
    text: '{field} names "{pattern}" twice, in {where}',
    fix: 'remove one of them',
  },
} as const satisfies Record<string, Message>;

/** What its checks see. */
export type Context = RuleContext<typeof messages>;

import { COMBINING_KINDS } from '../../world/combined-templates.ts';
import type { Message, RuleContext } from '../define.ts';

/** The messages of the rule. */
export const messages = {
  none: {
    class: 'invalid',
    refutedBy: COMBINING_KINDS,
    text: '{template} has no metrics and includes no other templates',
    fix: 'add a metric, or delete the template',
  },
  'only-arguments': {
    class: 'advice',
    refutedBy: COMBINING_KINDS,
    text: '{template} declares arguments but has no metrics',
    fix: 'add a metric, unless the template is always combined with others that have metrics',
  },
  'none-combined': {
    class: 'invalid',
    text: '{analysis} has no metrics, because its templates ({templates}) have none',
    fix: 'add a metric to one of them',
  },
  duplicate: {
    class: 'invalid',
    text: '{template} has two metrics named "{metric}"',
    fix: 'rename one of them',
  },
  'duplicate-combined': {
    class: 'invalid',
    text: '{first} and {second} both have a metric named "{metric}", and {analysis} combines them',
    fix: 'rename one of them',
  },
  'no-provider': {
    class: 'invalid',
    text: 'metric "{metric}" has no known provider{has}',
    fix: 'set exactly one provider, such as prometheus, web or job',
  },
  'several-providers': {
    class: 'invalid',
    text: 'metric "{metric}" has {count} providers ({has})',
    fix: 'keep one, and move each of the others to a metric of its own',
  },
  requestTimeout: {
    class: 'advice',
    text: 'metric "{metric}" has the datadog.requestTimeout "{value}", so each of its measurements ends in an error',
    fix: 'use a positive duration, such as 30s',
  },
  noRequestTimeout: {
    class: 'advice',
    text: 'metric "{metric}" cannot have datadog.requestTimeout: the API server drops it, and requests end after 10 seconds',
    fix: 'remove it, or use Argo Rollouts 1.10 or later',
  },
  range: {
    class: 'invalid',
    text: 'metric "{metric}" sets {field} to {value}, which does not fit into 32 bits, so the controller cannot read the template',
    fix: 'use a number that fits into 32 bits',
  },
  negative: {
    class: 'invalid',
    text: 'metric "{metric}" sets {field} to {value}',
    fix: 'use {bound}',
  },
  'switched-off': {
    class: 'invalid',
    text: 'metric "{metric}" switches off failureLimit ({value}) and has no consecutiveSuccessLimit, so nothing decides its result',
    fix: 'set failureLimit to 0 or more, or add consecutiveSuccessLimit',
  },
  'count-too-small': {
    class: 'invalid',
    text: 'metric "{metric}" has count {value}, which is less than {bound}',
    fix: 'raise count or lower the limit',
  },
  'interval-missing': {
    class: 'invalid',
    text: 'metric "{metric}" is measured {value} times but has no interval',
    fix: 'set interval, or set count to 1',
  },
  duration: {
    class: 'invalid',
    text: 'metric "{metric}" sets {field} to "{value}", which is not a valid duration',
    fix: 'use {example} (units are h, m, s and ms; there is no unit for days)',
  },
  default: {
    class: 'advice',
    text: 'with its default arguments, metric "{metric}" has {field} "{value}" ({reason})',
    fix: 'change the default of the argument, or remove it',
  },
  combined: {
    class: 'invalid',
    text: 'with the arguments of {analysis}, metric "{metric}" of {template} has {field} "{value}" ({reason})',
    fix: 'supply another value',
  },
  unmatched: {
    class: 'invalid',
    refutedBy: COMBINING_KINDS,
    text: '{field} has the regular expression "{pattern}", which matches no metric (metrics: {has})',
    fix: 'use the name of a metric, or .* for all metrics',
  },
  repeated: {
    class: 'invalid',
    text: '{field} lists "{pattern}" twice, in {where}',
    fix: 'remove one of them',
  },
} as const satisfies Record<string, Message>;

/** The context that the checks of the rule receive. */
export type Context = RuleContext<typeof messages>;

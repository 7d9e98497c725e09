import type { Message, RuleContext } from '../define.ts';

/** What the rule can say. */
export const messages = {
  undeclared: {
    class: 'invalid',
    text: 'metric "{metric}" uses {tag}, and {template} declares no argument "{arg}" (it has {declared})',
    fix: 'declare it in spec.args{hint}',
  },
  'undeclared-part': {
    class: 'advice',
    text: 'metric "{metric}" uses {tag}, and {template} declares no arguments',
    fix: 'declare it in spec.args, unless a template that this one is combined with does',
  },
  apart: {
    class: 'invalid',
    text: 'metric "{metric}" of {template} uses {tag}, which another template of {analysis} declares, but there the controller checks each by itself',
    fix: 'declare "{arg}" in spec.args of this template too',
  },
  unresolvable: {
    class: 'invalid',
    text: 'metric "{metric}" holds the placeholder {tag}, and only arguments are filled in',
    fix: 'declare an argument in spec.args and write {example}',
  },
  unclosed: {
    class: 'invalid',
    text: 'metric "{metric}" holds an opening {open} without the closing {close}',
    fix: 'close it, or write the braces apart',
  },
  value: {
    class: 'invalid',
    text: '{analysis} supplies the argument "{arg}" with the placeholder {tag}, which nothing fills in',
    fix: 'use one that this experiment has ({known})',
  },
  unused: {
    class: 'advice',
    text: '{template} declares the argument "{arg}" and none of its metrics uses it',
    fix: 'use it as {tag}, or remove it',
  },
} as const satisfies Record<string, Message>;

/** What its checks see. */
export type Context = RuleContext<typeof messages>;

import { COMBINING_KINDS } from '../../world/combined-templates.ts';
import type { Message, RuleContext } from '../define.ts';

/** The messages of the rule. */
export const messages = {
  undeclared: {
    class: 'invalid',
    refutedBy: COMBINING_KINDS,
    text: 'metric "{metric}" uses {tag}, but {template} does not declare argument "{arg}" (declared: {declared})',
    fix: 'declare it in spec.args{hint}',
  },
  'undeclared-part': {
    class: 'advice',
    refutedBy: COMBINING_KINDS,
    text: 'metric "{metric}" uses {tag}, but {template} declares no arguments',
    fix: 'declare it in spec.args, unless a template that is combined with this one declares it',
  },
  apart: {
    class: 'invalid',
    text: 'metric "{metric}" of {template} uses {tag}, which only another template of {analysis} declares',
    fix: 'declare "{arg}" in spec.args of this template too',
  },
  unresolvable: {
    class: 'invalid',
    text: 'metric "{metric}" uses placeholder {tag}, which is not an argument',
    fix: 'declare an argument in spec.args and use {example}',
  },
  unclosed: {
    class: 'invalid',
    text: 'metric "{metric}" has {open} without a closing {close}',
    fix: 'add the missing {close}, or put a space between the braces',
  },
  value: {
    class: 'invalid',
    text: 'argument "{arg}" of {analysis} contains {tag}, which the experiment cannot fill in',
    fix: 'use one of {known}',
  },
  unused: {
    class: 'advice',
    refutedBy: COMBINING_KINDS,
    text: '{template} declares {args}, which none of its metrics uses',
    fix: 'use {them} as {tag}, or remove {them}',
  },
  unbraced: {
    class: 'advice',
    refutedBy: COMBINING_KINDS,
    text: '{field} of metric "{metric}" names argument "{arg}" without braces, so it is not filled in',
    fix: 'write {tag}',
  },
} as const satisfies Record<string, Message>;

/** The context that the checks of the rule receive. */
export type Context = RuleContext<typeof messages>;

import type { Message } from '../define.ts';

/** What the rule can say. */
export const messages = {
  absent: {
    class: 'missing',
    text: 'there is no {what} "{name}"{where}{use}',
    fix: 'create it, or name one that exists{hint}',
  },
  dotted: {
    class: 'missing',
    text: 'there is no VirtualService "{name}" in namespace "{namespace}", which is how "{written}" is read',
    fix: 'create it there; a VirtualService whose own name has a dot cannot be named in a Rollout',
  },
  otherScope: {
    class: 'missing',
    text: 'there is no {kind} "{name}", but there is {other} of that name',
    fix: '{mend}',
  },
  nested: {
    class: 'missing',
    text: 'ClusterAnalysisTemplate "{template}", which {analysis} uses, combines AnalysisTemplate "{name}", and namespace "{namespace}" has none of that name',
    fix: 'create it there, or take it out of spec.templates of the ClusterAnalysisTemplate',
  },
} as const satisfies Record<string, Message>;

import type { Message } from '../define.ts';

/** The messages of the rule. */
export const messages = {
  absent: {
    class: 'missing',
    text: '{what} "{name}" not found{where}{use}',
    fix: 'create it, or use the name of one that exists{hint}',
    missing: '{what} "{name}"{where}',
  },
  dotted: {
    class: 'missing',
    text: 'VirtualService "{name}" not found in namespace "{namespace}" (the controller reads "{written}" as name.namespace)',
    fix: 'create it there, or name another VirtualService as name.namespace',
  },
  traefikGroup: {
    class: 'advice',
    text: 'the controller does not find TraefikService "{name}" of {apiVersion}: it looks for {expected} unless --traefik-api-version says otherwise',
    fix: 'use {expected}, or set that flag of the controller',
  },
  otherScope: {
    class: 'missing',
    text: '{kind} "{name}" not found, but {other} with that name exists',
    fix: '{advice}',
  },
  otherScopeHere: {
    class: 'advice',
    text: '{kind} "{name}" is not known here, but {other} with that name is',
    fix: '{advice}, if that one is meant',
  },
  nested: {
    class: 'missing',
    text: 'AnalysisTemplate "{name}" not found in namespace "{namespace}", but {analysis} uses it through ClusterAnalysisTemplate "{template}"',
    fix: 'create it there, or remove it from spec.templates of the ClusterAnalysisTemplate',
  },
} as const satisfies Record<string, Message>;

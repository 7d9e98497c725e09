import { keyOf, type KubeObject } from '../world/object.ts';
import type { Message, RuleContext } from './define.ts';

/**
 * Wraps the context of a rule and drops repeated reports of one message at one place. It is for rules that reach a place
 * more than once, such as a template that several steps use.
 */
export function once<M extends Record<string, Message>>(context: RuleContext<M>, subject: KubeObject): RuleContext<M> {
  let said: Set<string> | undefined;
  return {
    versions: context.versions,
    find: context.find,
    skip: context.skip,
    spend: context.spend,
    referrers: context.referrers,
    perWorld: context.perWorld,
    lookup: (kind, namespace, name) => context.lookup(kind, namespace, name),
    list: (kind, namespace) => context.list(kind, namespace),
    samePods: (kind, namespace, matchLabels) => context.samePods(kind, namespace, matchLabels),
    controllerConfigurations: () => context.controllerConfigurations(),
    report(messageId, location) {
      said ??= new Set();
      const key = JSON.stringify([messageId, keyOf(location.object ?? subject), location.path, location.anchor]);
      if (said.has(key)) return;
      said.add(key);
      context.report(messageId, location);
    },
  };
}

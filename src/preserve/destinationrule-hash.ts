import type { KubeObject } from '../world/object.ts';
import { asArray, dig, isObject, optionalString, asString } from '../world/read.ts';
import { destinationRuleOf, HASH_LABEL, MANAGED_BY } from '../world/rollout.ts';
import { definePreserver, inOneLine, NOTHING, together, type Preserved } from './define.ts';
import { hashForSubset, isManagedByAnother, statusHashes } from './hashes.ts';
import { insertAt, setAt } from '../world/json-patch.ts';

/**
 * Keeps the pod template hash in the subsets of a DestinationRule, the subsets of a running experiment, and the
 * annotation without which the controller does not notice that the object changed (Argo Rollouts v1.9.1,
 * `rollout/trafficrouting/istio`: UpdateHash, syncDestinationRule).
 */
export const destinationRuleHash = definePreserver({
  id: 'destinationrule-hash',
  summary: 'The stable and canary subsets of a DestinationRule keep the pod template hash, new ones get it at once.',
  kinds: ['DestinationRule.networking.istio.io'],
  keep({ submitted, old, rollout, world }) {
    const rule = destinationRuleOf(rollout);
    if (rule === undefined || isManagedByAnother([submitted, old], rollout, world)) return NOTHING;
    const before = subsetsByName(old);
    const experiments = experimentHashes(rollout);
    const known = statusHashes(rollout);
    const hashFor = (name: string): string | undefined => {
      const role = name === rule.canarySubset ? 'canary' : name === rule.stableSubset ? 'stable' : undefined;
      if (role === undefined) return experiments.get(name);
      const stored = optionalString(dig(before.get(name), 'labels', HASH_LABEL));
      return stored !== undefined && known.has(stored) ? stored : hashForSubset(rollout, role);
    };

    const kept: Preserved[] = [];
    const names = new Set<string>();
    for (const [index, subset] of asArray(dig(submitted, 'spec', 'subsets')).entries()) {
      const name = asString(dig(subset, 'name'));
      const hash = name === '' ? undefined : hashFor(name);
      if (hash === undefined) continue;
      names.add(name);
      const operations = setAt(submitted, ['spec', 'subsets', index, 'labels', HASH_LABEL], hash);
      if (operations.length > 0) kept.push({ operations, notes: [`hash ${hash} in subset "${name}"`] });
    }
    if (!names.has(rule.canarySubset) && !names.has(rule.stableSubset)) return NOTHING;

    for (const [name, hash] of experiments) {
      const stored = before.get(name);
      if (names.has(name) || !isObject(stored) || dig(stored, 'labels', HASH_LABEL) !== hash) continue;
      kept.push({
        operations: [insertAt(['spec', 'subsets', '-'], stored)],
        notes: [`subset "${name}" of the running experiment`],
      });
    }
    const annotated = setAt(submitted, ['metadata', 'annotations', MANAGED_BY], rollout.metadata.name);
    if (annotated.length > 0) kept.push({ operations: annotated, notes: ['the managed-by annotation'] });
    return inOneLine(together(kept));
  },
});

function subsetsByName(rule: KubeObject | undefined): ReadonlyMap<string, unknown> {
  const subsets = asArray(dig(rule, 'spec', 'subsets'));
  return new Map(subsets.map((subset) => [asString(dig(subset, 'name')), subset]));
}

function experimentHashes(rollout: KubeObject): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>();
  for (const destination of asArray(dig(rollout, 'status', 'canary', 'weights', 'additional'))) {
    const name = optionalString(dig(destination, 'serviceName'));
    const hash = optionalString(dig(destination, 'podTemplateHash'));
    if (name !== undefined && hash !== undefined) hashes.set(name, hash);
  }
  return hashes;
}

import {
  canaryOf,
  DESTINATION_RULE_PLACES,
  destinationRuleOf,
  effectiveTemplate,
  effectiveTemplatePlaces,
  HASH_LABEL,
  workloadPlaces,
} from '../../world/rollout.ts';
import { namespaceOf } from '../../world/object.ts';
import { dig, stringMap } from '../../world/read.ts';
import { subsetsOf } from '../../world/subsets.ts';
import { defineRule } from '../define.ts';

const LOCALITY: ReadonlySet<string> = new Set(['topology.kubernetes.io', 'failure-domain.beta.kubernetes.io']);

export const destinationRuleSubsetLabels = defineRule({
  id: 'destinationrule-subset-labels',
  summary: 'The stable and canary subsets of a DestinationRule use labels that the pods of the Rollout have.',
  explanation:
    'The controller adds "rollouts-pod-template-hash" to the labels of both subsets and leaves the other labels as ' +
    'they are. Subsets made for plain Istio often have "version: v1" and "version: v2" of two Deployments. Such a ' +
    'subset matches no pod of the Rollout, and clients get 503. A subset needs no label of its own. If it has one, ' +
    'the pod template must have it too. It may also be in canaryMetadata for the canary subset and in ' +
    'stableMetadata for the stable one, which override the template. Labels that Istio itself gives to endpoints ' +
    'are not checked. Source: Argo Rollouts v1.9.1, rollout/trafficrouting/istio (UpdateHash) and utils/replicaset ' +
    '(SyncEphemeralPodMetadata).',
  subject: {
    'Rollout.argoproj.io': [
      ...effectiveTemplatePlaces(),
      ...DESTINATION_RULE_PLACES,
      'spec.strategy.canary.canaryMetadata.labels',
      'spec.strategy.canary.stableMetadata.labels',
    ],
  },
  reads: { 'DestinationRule.networking.istio.io': ['spec.subsets'], ...workloadPlaces() },
  stricterThanUpstream: {
    mismatch: {
      why: 'The validation does not read DestinationRules. A subset with labels that the pods do not have has no endpoints, and the mesh answers 503.',
      seenBy: ['agreement', 'e2e'],
    },
  },
  example: {
    fixture: 'bad-version-labels-of-two-deployments.yaml',
    referenced: 'DestinationRule reviews',
    before: [[/ +version: v\d\n/g, '']],
  },
  messages: {
    mismatch: {
      class: 'invalid',
      text: '{role} subset "{subset}" of DestinationRule "{name}" selects label "{key}: {value}", but the {role} pods of Rollout "{rollout}" have {has}',
      fix: 'remove this label, or set it in {field} of the Rollout',
    },
  },
  check(context, rollout) {
    const ref = destinationRuleOf(rollout);
    const destinationRule =
      ref === undefined || ref.name === ''
        ? undefined
        : context.find('DestinationRule.networking.istio.io', namespaceOf(rollout), ref.name);
    if (ref === undefined || destinationRule === undefined) return;
    const template = effectiveTemplate(rollout, context.find);
    // If the pods have no labels at all, the Rollout is wrong, not the subsets.
    if (template === undefined || template.labels.size === 0) return;

    const roles = [
      { role: 'canary', subset: ref.canarySubset, field: 'canaryMetadata', named: 'canarySubsetName' },
      { role: 'stable', subset: ref.stableSubset, field: 'stableMetadata', named: 'stableSubsetName' },
    ].filter(({ subset }) => subset !== '');
    const subsets = subsetsOf(destinationRule).byName;
    for (const { role, subset, field, named } of roles) {
      // If both roles use one subset, it gets the hash of the canary.
      if (role === 'stable' && subset === ref.canarySubset) continue;
      const found = subsets.get(subset);
      if (found === undefined) continue;
      const own = stringMap(dig(canaryOf(rollout), field, 'labels'));
      for (const [key, value] of stringMap(dig(found.raw, 'labels'))) {
        const has = own.get(key) ?? template.labels.get(key);
        if (has === value || isGiven(key)) continue;
        context.report('mismatch', {
          object: destinationRule,
          path: ['spec', 'subsets', found.index, 'labels', key],
          anchor: `${subset} ${key}`,
          data: {
            role,
            subset,
            name: destinationRule.metadata.name,
            key,
            value,
            rollout: rollout.metadata.name,
            has: has === undefined ? `no label "${key}"` : `"${key}: ${has}"`,
            field: `${field}.labels`,
          },
          related: [
            {
              object: rollout,
              path: ['spec', 'strategy', 'canary', 'trafficRouting', 'istio', 'destinationRule', named],
            },
            { object: template.source, path: [...template.path, 'metadata', 'labels'] },
          ],
        });
      }
    }
  },
});

/**
 * Returns whether the label does not come from the pod template: the hash label, and the labels that Istio derives from
 * the node, cluster and proxy of an endpoint.
 */
function isGiven(key: string): boolean {
  const [domain = '', name] = key.split('/', 2);
  if (name === undefined) return key === HASH_LABEL;
  return (
    domain === 'istio.io' || domain.endsWith('.istio.io') || LOCALITY.has(domain) || key === 'kubernetes.io/hostname'
  );
}

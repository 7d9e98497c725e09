import { canaryOf, destinationRuleOf, effectiveTemplate, HASH_LABEL } from '../../world/rollout.ts';
import { namespaceOf } from '../../world/object.ts';
import { asArray, dig, stringMap } from '../../world/read.ts';
import { defineRule } from '../define.ts';

const LOCALITY: ReadonlySet<string> = new Set(['topology.kubernetes.io', 'failure-domain.beta.kubernetes.io']);

export const destinationRuleSubsetLabels = defineRule({
  id: 'destinationrule-subset-labels',
  summary:
    'The labels of the stable and canary subsets of a DestinationRule are labels that the pods of the Rollout have.',
  explanation:
    'The controller adds "rollouts-pod-template-hash" to the labels of both subsets and leaves the others as they are. A subset made for plain Istio, with "version: v1" and "version: v2" of two Deployments, then matches no pod ' +
    'of the Rollout, and clients get 503. A subset needs no label of its own; one that it has must be in the pod template, or in canaryMetadata for the canary and stableMetadata for the stable subset, which come before the ' +
    'template. Labels that Istio gives to endpoints itself are not judged. Source: Argo Rollouts v1.9.1, rollout/trafficrouting/istio (UpdateHash) and utils/replicaset (SyncEphemeralPodMetadata).',
  subject: ['Rollout.argoproj.io'],
  reads: ['DestinationRule.networking.istio.io', 'Deployment.apps', 'PodTemplate', 'ReplicaSet.apps'],
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
      text: '{role} subset "{subset}" of DestinationRule "{name}" asks for the label "{key}: {value}", but the {role} pods of Rollout "{rollout}" have {has}',
      fix: 'remove the label from the subset (its hash label tells the pods apart), or set it in {field} of the Rollout',
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
    // Pods without any label are a mistake of the Rollout, not of the subsets.
    if (template === undefined || template.labels.size === 0) return;

    const roles = [
      { role: 'canary', subset: ref.canarySubset, field: 'canaryMetadata', named: 'canarySubsetName' },
      { role: 'stable', subset: ref.stableSubset, field: 'stableMetadata', named: 'stableSubsetName' },
    ];
    const subsets = asArray(dig(destinationRule, 'spec', 'subsets'));
    for (const { role, subset, field, named } of roles) {
      const index = subsets.findIndex((entry) => subset !== '' && dig(entry, 'name') === subset);
      // One subset for both gets the hash of the canary.
      if (role === 'stable' && subset === ref.canarySubset) continue;
      const own = stringMap(dig(canaryOf(rollout), field, 'labels'));
      for (const [key, value] of stringMap(dig(subsets[index], 'labels'))) {
        const has = own.get(key) ?? template.labels.get(key);
        if (has === value || isGiven(key)) continue;
        context.report('mismatch', {
          object: destinationRule,
          path: ['spec', 'subsets', index, 'labels', key],
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
 * Whether the label comes from elsewhere than the pod template: the hash, and what Istio knows of an endpoint by its
 * node, cluster and proxy.
 */
function isGiven(key: string): boolean {
  const [domain = '', name] = key.split('/', 2);
  if (name === undefined) return key === HASH_LABEL;
  return (
    domain === 'istio.io' || domain.endsWith('.istio.io') || LOCALITY.has(domain) || key === 'kubernetes.io/hostname'
  );
}

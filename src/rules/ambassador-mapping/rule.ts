import { namespaceOf } from '../../world/object.ts';
import { asArray, dig, asString } from '../../world/read.ts';
import { routerConfig } from '../../world/routers.ts';
import { defineRule } from '../define.ts';

export const ambassadorMapping = defineRule({
  id: 'ambassador-mapping',
  summary: 'A Mapping that a Rollout controls has no weight of its own.',
  explanation:
    'The controller creates a second Mapping for the canary and sets the weight there. If the first Mapping has a ' +
    'weight, the controller marks the Rollout InvalidSpec. Source: Argo Rollouts v1.9.1, ' +
    'pkg/apis/rollouts/validation (ValidateAmbassadorMapping) and rollout/trafficrouting/ambassador.',
  subject: { 'Rollout.argoproj.io': ['spec.strategy.canary.trafficRouting.ambassador.mappings'] },
  reads: { 'Mapping.getambassador.io': ['spec.weight'] },
  messages: {
    weight: {
      class: 'invalid',
      text: 'Mapping "{name}" (controlled by Rollout "{rollout}") sets weight {weight}',
      fix: 'remove spec.weight; the controller creates a canary Mapping and sets the weight there',
    },
  },
  check(context, rollout) {
    for (const [index, entry] of asArray(routerConfig(rollout, 'ambassador')?.['mappings']).entries()) {
      const name = asString(entry);
      const mapping = name === '' ? undefined : context.find('Mapping.getambassador.io', namespaceOf(rollout), name);
      const weight = dig(mapping, 'spec', 'weight');
      if (mapping === undefined || typeof weight !== 'number' || weight === 0) continue;
      context.report('weight', {
        object: mapping,
        path: ['spec', 'weight'],
        anchor: name,
        data: { name, rollout: rollout.metadata.name, weight },
        related: [
          { object: rollout, path: ['spec', 'strategy', 'canary', 'trafficRouting', 'ambassador', 'mappings', index] },
        ],
      });
    }
  },
});

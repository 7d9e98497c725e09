import { namespaceOf } from '../../world/object.ts';
import { asArray, dig, asString } from '../../world/read.ts';
import { canaryOf } from '../../world/rollout.ts';
import { routerConfig } from '../../world/routers.ts';
import { defineRule } from '../define.ts';

export const ambassadorMapping = defineRule({
  id: 'ambassador-mapping',
  summary: 'A Mapping that a Rollout controls has no weight of its own, and sends to the stable Service.',
  explanation:
    'The controller creates a second Mapping for the canary and sets the weight there. If the first Mapping has a ' +
    'weight, the controller marks the Rollout InvalidSpec. The second Mapping is a copy of the first, with the name of ' +
    'the canary Service in place of that of the stable Service. Source: Argo Rollouts v1.9.1, ' +
    'pkg/apis/rollouts/validation (ValidateAmbassadorMapping) and rollout/trafficrouting/ambassador.',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.canary.trafficRouting.ambassador.mappings',
      'spec.strategy.canary.stableService',
    ],
  },
  reads: { 'Mapping.getambassador.io': ['spec.weight', 'spec.service'] },
  messages: {
    weight: {
      class: 'invalid',
      text: 'Mapping "{name}" (controlled by Rollout "{rollout}") sets weight {weight}',
      fix: 'remove spec.weight; the controller creates a canary Mapping and sets the weight there',
    },
    service: {
      class: 'advice',
      text: 'Mapping "{name}" sends to "{service}" and not to stable Service "{stable}", so the canary Mapping sends there too',
      fix: 'set spec.service to the stable Service',
    },
  },
  check(context, rollout) {
    const stable = asString(canaryOf(rollout)?.['stableService']);
    for (const [index, entry] of asArray(routerConfig(rollout, 'ambassador')?.['mappings']).entries()) {
      const name = asString(entry);
      const mapping = name === '' ? undefined : context.find('Mapping.getambassador.io', namespaceOf(rollout), name);
      if (mapping === undefined) continue;
      const path = ['spec', 'strategy', 'canary', 'trafficRouting', 'ambassador', 'mappings', index];
      const at = { object: mapping, anchor: name, related: [{ object: rollout, path }] };
      const weight = dig(mapping, 'spec', 'weight');
      if (typeof weight === 'number' && weight !== 0) {
        const data = { name, rollout: rollout.metadata.name, weight };
        context.report('weight', { ...at, path: ['spec', 'weight'], data });
      }
      const service = asString(dig(mapping, 'spec', 'service'));
      if (service !== '' && stable !== '' && !service.includes(stable))
        context.report('service', { ...at, path: ['spec', 'service'], data: { name, service, stable } });
    }
  },
});

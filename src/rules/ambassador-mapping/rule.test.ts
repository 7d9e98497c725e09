import { testRule } from '../../../test/support/rule-tester.ts';
import { ambassadorMapping } from './rule.ts';

testRule(ambassadorMapping, import.meta.dirname, {
  'bad-weight.yaml': [
    {
      message: 'weight',
      object: 'Mapping shop/reviews-internal',
      path: 'spec.weight',
      at: '39:3',
      text: 'Mapping "reviews-internal", which Rollout "reviews" drives, has the weight 50: remove spec.weight: the controller sets it in a Mapping of its own [ambassador-mapping]',
    },
  ],
  'good-zero.yaml': [],
});

import { testRule } from '../../../test/support/rule-tester.ts';
import { configInPlace } from './rule.ts';

testRule(configInPlace, import.meta.dirname, {
  'bad-fixed-name.yaml': [
    {
      message: 'fixed',
      object: 'Rollout shop/shop',
      path: 'spec.template.spec.volumes[0].configMap.name',
      at: '16:24',
      text: 'ConfigMap "settings" is used under a fixed name, so that editing it changes stable and canary at once and makes no revision: put a version or hash into its name, or a checksum of it into an annotation of the pod template [config-in-place]',
    },
  ],
  'bad-used-twice.yaml': [
    {
      message: 'fixed',
      object: 'Rollout shop/ratings',
      path: 'spec.template.spec.volumes[0].projected.sources[0].configMap.name',
      at: '41:38',
      text: 'ConfigMap "ratings.settings" is used under a fixed name, so that editing it changes stable and canary at once and makes no revision: put a version or hash into its name, or a checksum of it into an annotation of the pod template [config-in-place]',
    },
    {
      message: 'fixed',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.volumes[0].configMap.name',
      at: '18:48',
      text: 'ConfigMap "reviews-settings" is used under a fixed name, so that editing it changes stable and canary at once and makes no revision: put a version or hash into its name, or a checksum of it into an annotation of the pod template [config-in-place]',
    },
  ],
  'good-checksum.yaml': [],
  'good-hash-suffix.yaml': [],
  'good-immutable.yaml': [],
  'good-nothing-to-edit.yaml': [],
  'good-numbered.yaml': [],
  'good-restarted-otherwise.yaml': [],
  'good-single-keys.yaml': [],
  'good-versioned-name.yaml': [],
  'good-workload-ref.yaml': [],
});

import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutContainerEnv } from './rule.ts';

testRule(rolloutContainerEnv, import.meta.dirname, {
  'bad-names.yaml': [
    {
      message: 'duplicate',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[1].name',
      at: '17:17',
      text: 'container "reviews" sets the environment variable LOG_LEVEL twice: keep the one that is meant [rollout-container-env]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[2].name',
      at: '18:15',
      text: 'container "reviews" has an environment variable without a name: give it one, or remove it [rollout-container-env]',
    },
    {
      message: 'name',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[3].name',
      at: '19:17',
      text: 'container "reviews" has an environment variable named "2ND_REGION": use letters, digits, "_", "-" and ".", and no digit in front [rollout-container-env]',
    },
    {
      message: 'name',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[4].name',
      at: '20:17',
      text: 'container "reviews" has an environment variable named "JAVA OPTS": use letters, digits, "_", "-" and ".", and no digit in front [rollout-container-env]',
    },
  ],
  'bad-sources.yaml': [
    {
      message: 'bulkSource',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].envFrom[0]',
      at: '26:15',
      text: 'container "reviews" has an envFrom entry with no source: name exactly one of configMapRef and secretRef in each entry [rollout-container-env]',
    },
    {
      message: 'bulkSource',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].envFrom[1]',
      at: '27:15',
      text: 'container "reviews" has an envFrom entry with configMapRef and secretRef: name exactly one of configMapRef and secretRef in each entry [rollout-container-env]',
    },
    {
      message: 'twoValues',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[0].valueFrom',
      at: '18:15',
      text: 'container "reviews" gives the environment variable PASSWORD both value and valueFrom: keep one of them [rollout-container-env]',
    },
    {
      message: 'source',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[1].valueFrom',
      at: '20:15',
      text: 'container "reviews" takes the environment variable REGION from nowhere: name exactly one of configMapKeyRef, secretKeyRef, fieldRef and resourceFieldRef in valueFrom [rollout-container-env]',
    },
    {
      message: 'source',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[2].valueFrom',
      at: '22:15',
      text: 'container "reviews" takes the environment variable TOKEN from configMapKeyRef and secretKeyRef: name exactly one of configMapKeyRef, secretKeyRef, fieldRef and resourceFieldRef in valueFrom [rollout-container-env]',
    },
  ],
  'good-every-source.yaml': [],
  'good-workload-ref.yaml': [],
});

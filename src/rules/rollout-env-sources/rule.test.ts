import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutEnvSources } from './rule.ts';

testRule(rolloutEnvSources, import.meta.dirname, {
  'bad-sources.yaml': [
    {
      message: 'reference',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].envFrom[0].configMapRef.name',
      at: '45:15',
      text: 'container "reviews" takes its environment from a ConfigMap without a name: name the ConfigMap as it is called: a-z, 0-9, "-" and "." [rollout-env-sources]',
    },
    {
      message: 'reference',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].envFrom[1].secretRef.name',
      at: '47:17',
      text: 'container "reviews" takes its environment from a Secret named "reviews_secrets": name the Secret as it is called: a-z, 0-9, "-" and "." [rollout-env-sources]',
    },
    {
      message: 'field',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[0].valueFrom.fieldRef.fieldPath',
      at: '20:19',
      text: 'container "reviews" takes the environment variable REPLICAS from the field "spec.replicas": use one that a variable can be taken from, such as metadata.name, metadata.labels[\'KEY\'], spec.nodeName or status.podIP [rollout-env-sources]',
    },
    {
      message: 'field',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[1].valueFrom.fieldRef.fieldPath',
      at: '24:19',
      text: 'container "reviews" takes the environment variable VERSION from the field "metadata.labels[\'the version\']": use one that a variable can be taken from, such as metadata.name, metadata.labels[\'KEY\'], spec.nodeName or status.podIP [rollout-env-sources]',
    },
    {
      message: 'resource',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[2].valueFrom.resourceFieldRef.resource',
      at: '28:19',
      text: 'container "reviews" takes the environment variable CPUS from the resource "cpu": write limits or requests, a dot, and cpu, memory or ephemeral-storage [rollout-env-sources]',
    },
    {
      message: 'reference',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[3].valueFrom.configMapKeyRef.name',
      at: '32:19',
      text: 'container "reviews" takes the environment variable MODE from a ConfigMap named "Reviews": name the ConfigMap as it is called: a-z, 0-9, "-" and "." [rollout-env-sources]',
    },
    {
      message: 'key',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[4].valueFrom.secretKeyRef.key',
      at: '38:19',
      text: 'container "reviews" takes the environment variable TOKEN from Secret "reviews" without a key: name the key in it: letters, digits, "-", "_" and "." [rollout-env-sources]',
    },
    {
      message: 'key',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].env[5].valueFrom.configMapKeyRef.key',
      at: '43:19',
      text: 'container "reviews" takes the environment variable COLOUR from ConfigMap "reviews" by the key "the colour": name the key in it: letters, digits, "-", "_" and "." [rollout-env-sources]',
    },
  ],
  'good-every-source.yaml': [],
  'bad-prefix.yaml': [
    {
      message: 'prefix',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].envFrom[0].prefix',
      at: '16:17',
      text: 'container "reviews" puts "1_" before the names of its environment: use letters, digits, "_", "-" and ".", no digit first [rollout-env-sources]',
    },
    {
      message: 'prefix',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].envFrom[1].prefix',
      at: '17:17',
      text: 'container "reviews" puts "SHOP " before the names of its environment: use letters, digits, "_", "-" and ".", no digit first [rollout-env-sources]',
    },
    {
      message: 'prefix',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].envFrom[2].prefix',
      at: '18:17',
      text: 'container "reviews" puts ".." before the names of its environment: use letters, digits, "_", "-" and ".", no digit first [rollout-env-sources]',
    },
  ],
  'good-prefix.yaml': [],
});

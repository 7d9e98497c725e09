import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutResources } from './rule.ts';

testRule(rolloutResources, import.meta.dirname, {
  'bad-above-limit.yaml': [
    {
      message: 'aboveLimit',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.requests.cpu',
      at: '17:25',
      text: 'container "reviews" requests 1 of cpu and is limited to 500m: lower the request or raise the limit [rollout-resources]',
    },
    {
      message: 'aboveLimit',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.requests.memory',
      at: '17:33',
      text: 'container "reviews" requests 1Gi of memory and is limited to 1G: lower the request or raise the limit [rollout-resources]',
    },
  ],
  'bad-devices.yaml': [
    {
      message: 'unshared',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.requests.hugepages-2Mi',
      at: '17:45',
      text: 'container "reviews" requests 4Mi of hugepages-2Mi without the same limit: set the limit of hugepages-2Mi to the same amount, because it cannot be shared [rollout-resources]',
    },
    {
      message: 'unshared',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.requests["example.com/gpu"]',
      at: '17:25',
      text: 'container "reviews" requests 1 of example.com/gpu without the same limit: set the limit of example.com/gpu to the same amount, because it cannot be shared [rollout-resources]',
    },
  ],
  'bad-null-limit.yaml': [
    {
      message: 'aboveLimit',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[1].resources.requests.memory',
      at: '14:71',
      text: 'container "reviews" requests 64Mi of memory and is limited to null: lower the request or raise the limit [rollout-resources]',
    },
    {
      message: 'unshared',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[2].resources.requests["example.com/gpu"]',
      at: '15:73',
      text: 'container "training" requests null of example.com/gpu without the same limit: set the limit of example.com/gpu to the same amount, because it cannot be shared [rollout-resources]',
    },
  ],
  'bad-names.yaml': [
    {
      message: 'resource',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.requests.cpus',
      at: '16:25',
      text: 'container "reviews" has requests for "cpus", which is no resource of a container: write cpu [rollout-resources]',
    },
    {
      message: 'resource',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.requests.storage',
      at: '16:34',
      text: 'container "reviews" has requests for "storage", which is no resource of a container: write cpu, memory or ephemeral-storage [rollout-resources]',
    },
  ],
  'bad-quantities.yaml': [
    {
      message: 'quantity',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.limits.cpu',
      at: '18:23',
      text: 'container "reviews" has the limits cpu "0.5 cores", which is no quantity Kubernetes reads: write a number with a suffix, such as 500m, 0.5, 512Mi or 1Gi [rollout-resources]',
    },
    {
      message: 'quantity',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.limits.memory',
      at: '18:39',
      text: 'container "reviews" has the limits memory "1 Gi", which is no quantity Kubernetes reads: write 1Gi [rollout-resources]',
    },
    {
      message: 'quantity',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.requests.cpu',
      at: '17:25',
      text: 'container "reviews" has the requests cpu "half", which is no quantity Kubernetes reads: write a number with a suffix, such as 500m, 0.5, 512Mi or 1Gi [rollout-resources]',
    },
    {
      message: 'quantity',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.requests.memory',
      at: '17:36',
      text: 'container "reviews" has the requests memory "512MB", which is no quantity Kubernetes reads: write 512Mi or 512M [rollout-resources]',
    },
    {
      message: 'negative',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[1].resources.requests.cpu',
      at: '22:39',
      text: 'container "proxy" has the requests cpu -100m, below 0: write 0 or more [rollout-resources]',
    },
    {
      message: 'quantity',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[1].resources.requests.memory',
      at: '22:25',
      text: 'container "proxy" has the requests memory "64kb", which is no quantity Kubernetes reads: write 64Ki or 64k [rollout-resources]',
    },
  ],
  'good-none.yaml': [],
  'good-rounded.yaml': [],
  'good-units.yaml': [],
  'bad-half-a-device.yaml': [
    {
      message: 'whole',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.limits["example.com/gpu"]',
      at: '17:23',
      text: 'container "reviews" has the limits example.com/gpu 500m, which comes in whole numbers only: write a whole number [rollout-resources]',
    },
    {
      message: 'hugePages',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[1].resources',
      at: '20:11',
      text: 'container "cache" has huge pages and neither cpu nor memory: set a request or limit of cpu or memory too [rollout-resources]',
    },
  ],
  'bad-qualified-names.yaml': [
    {
      message: 'resource',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.limits["/gpu"]',
      at: '16:63',
      text: 'container "reviews" has limits for "/gpu", which is no resource of a container: write one that can be, such as example.com/gpu [rollout-resources]',
    },
    {
      message: 'resource',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.limits["Example.com/gpu"]',
      at: '16:23',
      text: 'container "reviews" has limits for "Example.com/gpu", which is no resource of a container: write one that can be, such as example.com/gpu [rollout-resources]',
    },
    {
      message: 'resource',
      object: 'Rollout shop/reviews',
      path: 'spec.template.spec.containers[0].resources.limits["example.com/g p"]',
      at: '16:43',
      text: 'container "reviews" has limits for "example.com/g p", which is no resource of a container: write one that can be, such as example.com/gpu [rollout-resources]',
    },
  ],
});

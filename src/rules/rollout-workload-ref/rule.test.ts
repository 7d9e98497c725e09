import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutWorkloadRef } from './rule.ts';

testRule(rolloutWorkloadRef, import.meta.dirname, {
  'bad-kind.yaml': [
    {
      message: 'kind',
      object: 'Rollout shop/cart',
      path: 'spec.workloadRef.kind',
      at: '26:3',
      text: 'workloadRef names no kind, from which no pod template can be taken: name a Deployment or ReplicaSet of apps/v1, or a PodTemplate of v1 [rollout-workload-ref]',
    },
    {
      message: 'kind',
      object: 'Rollout shop/ratings',
      path: 'spec.workloadRef.apiVersion',
      at: '12:18',
      text: 'workloadRef names Deployment of v1, from which no pod template can be taken: write apiVersion: apps/v1 and kind: Deployment [rollout-workload-ref]',
    },
    {
      message: 'kind',
      object: 'Rollout shop/reviews',
      path: 'spec.workloadRef.kind',
      at: '5:39',
      text: 'workloadRef names StatefulSet of apps/v1, from which no pod template can be taken: name a Deployment or ReplicaSet of apps/v1, or a PodTemplate of v1 [rollout-workload-ref]',
    },
    {
      message: 'kind',
      object: 'Rollout shop/stock',
      path: 'spec.workloadRef.kind',
      at: '19:39',
      text: 'workloadRef names deployment of apps/v1, from which no pod template can be taken: write apiVersion: apps/v1 and kind: Deployment [rollout-workload-ref]',
    },
  ],
  'bad-name.yaml': [
    {
      message: 'name',
      object: 'Rollout shop/reviews',
      path: 'spec.workloadRef.name',
      at: '5:3',
      text: 'workloadRef has no name: name the Deployment to take the pod template from [rollout-workload-ref]',
    },
  ],
  'bad-scale-down.yaml': [
    {
      message: 'scaleDown',
      object: 'Rollout shop/ratings',
      path: 'spec.workloadRef.scaleDown',
      at: '12:72',
      text: 'workloadRef.scaleDown is "progresively", which means never to the controller: write "progressively" [rollout-workload-ref]',
    },
    {
      message: 'scaleDown',
      object: 'Rollout shop/reviews',
      path: 'spec.workloadRef.scaleDown',
      at: '5:72',
      text: 'workloadRef.scaleDown is "onSuccess", which means never to the controller: write "onsuccess" [rollout-workload-ref]',
    },
    {
      message: 'scaleDown',
      object: 'Rollout shop/stock',
      path: 'spec.workloadRef.scaleDown',
      at: '19:70',
      text: 'workloadRef.scaleDown is "immediately", which means never to the controller: write never, onsuccess or progressively [rollout-workload-ref]',
    },
  ],
  'bad-template-too.yaml': [
    {
      message: 'unusedTemplate',
      object: 'Rollout shop/ratings',
      path: 'spec.template',
      at: '21:3',
      text: 'the Rollout has workloadRef, so its own spec.template is never used: remove spec.template; what shall run stands in the Deployment "ratings" [rollout-workload-ref]',
    },
    {
      message: 'template',
      object: 'Rollout shop/reviews',
      path: 'spec.template',
      at: '8:3',
      text: 'the Rollout has workloadRef and a spec.template of its own, with labels: remove spec.template, or workloadRef [rollout-workload-ref]',
    },
  ],
  'good-empty-template.yaml': [],
  'good-references.yaml': [],
});

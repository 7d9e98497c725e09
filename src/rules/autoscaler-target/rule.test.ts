import { testRule } from '../../../test/support/rule-tester.ts';
import { autoscalerTarget } from './rule.ts';

const AIM = 'scaleTargetRef of apiVersion argoproj.io/v1alpha1, kind Rollout, name shop [autoscaler-target]';

testRule(autoscalerTarget, import.meta.dirname, {
  'bad-wrong-api-version.yaml': [
    {
      message: 'group',
      object: 'HorizontalPodAutoscaler shop/shop',
      path: 'spec.scaleTargetRef.apiVersion',
      at: '8:5',
      text: 'HorizontalPodAutoscaler "shop" aims at a Rollout of "apps/v1", which does not exist: write apiVersion: argoproj.io/v1alpha1 in scaleTargetRef [autoscaler-target]',
    },
  ],
  'bad-deployment-behind-rollout.yaml': [
    {
      message: 'workload',
      object: 'HorizontalPodAutoscaler shop/shop',
      path: 'spec.scaleTargetRef.name',
      at: '10:5',
      text: `HorizontalPodAutoscaler "shop" scales Deployment "shop", whose pods Rollout "shop" runs: aim at the Rollout: ${AIM}`,
    },
  ],
  'bad-deployment-became-rollout.yaml': [
    {
      message: 'replaced',
      object: 'HorizontalPodAutoscaler shop/shop',
      path: 'spec.scaleTargetRef.name',
      at: '10:5',
      text: `HorizontalPodAutoscaler "shop" scales Deployment "shop", and there is a Rollout of that name: if the Rollout is meant, aim at it: ${AIM}`,
    },
  ],
  'bad-keda-default.yaml': [
    {
      message: 'workload',
      object: 'ScaledObject shop/shop',
      path: 'spec.scaleTargetRef.name',
      at: '6:21',
      text: `ScaledObject "shop" scales Deployment "shop", whose pods Rollout "shop" runs: aim at the Rollout: ${AIM}`,
    },
  ],
  'good-rollout.yaml': [],
  'good-plain-deployment.yaml': [],
});

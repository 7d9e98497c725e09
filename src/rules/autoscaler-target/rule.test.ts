import { testRule } from '../../../test/support/rule-tester.ts';
import { autoscalerTarget } from './rule.ts';

testRule(autoscalerTarget, import.meta.dirname, {
  'bad-beside.yaml': [
    {
      message: 'beside',
      object: 'HorizontalPodAutoscaler shop/reviews',
      path: 'spec.scaleTargetRef.name',
      at: '33:60',
      text: 'HorizontalPodAutoscaler "reviews" scales Deployment "reviews", and not the Rollout of that name beside it: if the Rollout is meant, set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name reviews [autoscaler-target]',
    },
  ],
  'bad-deployment-became-rollout.yaml': [
    {
      message: 'replaced',
      object: 'HorizontalPodAutoscaler shop/shop',
      path: 'spec.scaleTargetRef.name',
      at: '10:5',
      text: 'HorizontalPodAutoscaler "shop" scales Deployment "shop", which is not there, and there is a Rollout of that name: set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name shop [autoscaler-target]',
    },
  ],
  'bad-deployment-behind-rollout.yaml': [
    {
      message: 'workload',
      object: 'HorizontalPodAutoscaler shop/shop',
      path: 'spec.scaleTargetRef.name',
      at: '10:5',
      text: 'HorizontalPodAutoscaler "shop" scales Deployment "shop", whose pods Rollout "a-shop" runs: set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name a-shop [autoscaler-target]',
    },
  ],
  'bad-keda-default.yaml': [
    {
      message: 'workload',
      object: 'ScaledObject shop/shop',
      path: 'spec.scaleTargetRef.name',
      at: '6:21',
      text: 'ScaledObject "shop" scales Deployment "shop", whose pods Rollout "shop" runs: set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name shop [autoscaler-target]',
    },
  ],
  'bad-no-such-kind.yaml': [
    {
      message: 'group',
      object: 'HorizontalPodAutoscaler shop/reviews',
      path: 'spec.scaleTargetRef.apiVersion',
      at: '20:21',
      text: 'HorizontalPodAutoscaler "reviews" aims at the kind Rollout of apps/v1, which does not exist: set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name reviews [autoscaler-target]',
    },
    {
      message: 'group',
      object: 'HorizontalPodAutoscaler shop/reviews-bare',
      path: 'spec.scaleTargetRef.apiVersion',
      at: '34:3',
      text: 'HorizontalPodAutoscaler "reviews-bare" aims at the kind Rollout without apiVersion, which does not exist: set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name reviews [autoscaler-target]',
    },
    {
      message: 'group',
      object: 'HorizontalPodAutoscaler shop/reviews-old',
      path: 'spec.scaleTargetRef.kind',
      at: '27:55',
      text: 'HorizontalPodAutoscaler "reviews-old" aims at the kind rollouts of argoproj.io/v1alpha1, which does not exist: set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name reviews [autoscaler-target]',
    },
    {
      message: 'group',
      object: 'ScaledObject shop/reviews-queue',
      path: 'spec.scaleTargetRef.apiVersion',
      at: '41:3',
      text: 'ScaledObject "reviews-queue" aims at the kind Rollout of apps/v1, which does not exist: set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name reviews [autoscaler-target]',
    },
  ],
  'bad-wrong-api-version.yaml': [
    {
      message: 'group',
      object: 'HorizontalPodAutoscaler shop/shop',
      path: 'spec.scaleTargetRef.apiVersion',
      at: '8:5',
      text: 'HorizontalPodAutoscaler "shop" aims at the kind Rollout of apps/v1, which does not exist: set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name shop [autoscaler-target]',
    },
  ],
  'good-namesake.yaml': [],
  'good-plain-deployment.yaml': [],
  'good-rollout.yaml': [],
  'good-unrelated-targets.yaml': [],
});

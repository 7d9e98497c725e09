import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutSelector } from './rule.ts';

testRule(rolloutSelector, import.meta.dirname, {
  'bad-absent.yaml': [
    {
      message: 'empty',
      object: 'Rollout shop/ratings',
      path: 'spec.selector',
      at: '17:3',
      text: 'spec.selector is empty, which would select every pod of the namespace: add matchLabels with labels of spec.template.metadata.labels [rollout-selector]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.selector',
      at: '4:1',
      text: 'the Rollout has no spec.selector: add spec.selector.matchLabels with labels of spec.template.metadata.labels [rollout-selector]',
    },
  ],
  'bad-syntax.yaml': [
    {
      message: 'noValues',
      object: 'Rollout shop/ratings',
      path: 'spec.selector.matchExpressions[0]',
      at: '27:24',
      text: 'spec.selector has In without values for label "app": list at least one value, or use Exists or DoesNotExist [rollout-selector]',
    },
    {
      message: 'operator',
      object: 'Rollout shop/reviews',
      path: 'spec.selector.matchExpressions[0]',
      at: '10:9',
      text: 'spec.selector has the operator "Equals" for label "tier": write In, NotIn, Exists or DoesNotExist [rollout-selector]',
    },
    {
      message: 'noValues',
      object: 'Rollout shop/reviews',
      path: 'spec.selector.matchExpressions[1]',
      at: '11:9',
      text: 'spec.selector has In without values for label "team": list at least one value, or use Exists or DoesNotExist [rollout-selector]',
    },
    {
      message: 'extraValues',
      object: 'Rollout shop/reviews',
      path: 'spec.selector.matchExpressions[2]',
      at: '12:9',
      text: 'spec.selector has Exists with values for label "legacy": remove the values, or use In or NotIn [rollout-selector]',
    },
    {
      message: 'key',
      object: 'Rollout shop/reviews',
      path: 'spec.selector.matchExpressions[3]',
      at: '13:9',
      text: 'spec.selector has the label key "example.com/team/name", which is no valid one: use at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit; a DNS name and "/" may stand before it [rollout-selector]',
    },
    {
      message: 'value',
      object: 'Rollout shop/reviews',
      path: 'spec.selector.matchLabels.version',
      at: '8:7',
      text: 'spec.selector asks for version with the value "1.0.0+build.7", which is no valid label value: use at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit [rollout-selector]',
    },
    {
      message: 'key',
      object: 'Rollout shop/reviews',
      path: 'spec.selector.matchLabels["app name"]',
      at: '7:7',
      text: 'spec.selector has the label key "app name", which is no valid one: use at most 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit; a DNS name and "/" may stand before it [rollout-selector]',
    },
    {
      message: 'extraValues',
      object: 'Rollout shop/stock',
      path: 'spec.selector.matchExpressions[0]',
      at: '40:24',
      text: 'spec.selector has Exists with values for label "tier": remove the values, or use In or NotIn [rollout-selector]',
    },
  ],
  'bad-template-differs.yaml': [
    {
      message: 'mismatch',
      object: 'Rollout shop/reviews',
      path: 'spec.template.metadata.labels.app',
      at: '15:17',
      text: 'spec.selector wants app=review and the pod template has app=reviews: set that label in spec.template.metadata.labels to what the selector wants [rollout-selector]',
    },
    {
      message: 'mismatch',
      object: 'Rollout shop/reviews',
      path: 'spec.template.metadata.labels.legacy',
      at: '15:42',
      text: 'spec.selector wants !legacy and the pod template has legacy=true: set that label in spec.template.metadata.labels to what the selector wants [rollout-selector]',
    },
    {
      message: 'mismatch',
      object: 'Rollout shop/reviews',
      path: 'spec.template.metadata.labels.team',
      at: '15:7',
      text: 'spec.selector wants team=search and the pod template has no label "team": set that label in spec.template.metadata.labels to what the selector wants [rollout-selector]',
    },
    {
      message: 'mismatch',
      object: 'Rollout shop/reviews',
      path: 'spec.template.metadata.labels.track',
      at: '15:58',
      text: 'spec.selector wants track notin (beta) and the pod template has track=beta: set that label in spec.template.metadata.labels to what the selector wants [rollout-selector]',
    },
  ],
  'bad-workload-pod-template.yaml': [
    {
      message: 'podTemplate',
      object: 'Rollout shop/reviews',
      path: 'spec.selector',
      at: '4:1',
      text: 'the Rollout has no spec.selector and a PodTemplate has none to take: add spec.selector.matchLabels with labels of the PodTemplate "reviews" [rollout-selector]',
    },
  ],
  'good-label-of-another-type.yaml': [],
  'good-more-labels-than-selected.yaml': [],
  'good-workload-brings-it.yaml': [],
  'bad-null-label.yaml': [
    {
      message: 'empty',
      object: 'Rollout shop/ratings',
      path: 'spec.selector',
      at: '22:3',
      text: 'spec.selector is empty, which would select every pod of the namespace: add matchLabels with labels of spec.template.metadata.labels [rollout-selector]',
    },
    {
      message: 'mismatch',
      object: 'Rollout shop/reviews',
      path: 'spec.template.metadata.labels.version',
      at: '13:9',
      text: 'spec.selector wants version=v1 and the pod template has no label "version": set that label in spec.template.metadata.labels to what the selector wants [rollout-selector]',
    },
  ],
});

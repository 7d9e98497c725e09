import { join } from 'node:path';
import { testDocumentCheck } from '../../test/support/document-tester.ts';

testDocumentCheck('unknown-field', join(import.meta.dirname, 'fixtures', 'unknown-field'), {
  'bad-analysis-settings.yaml': [
    {
      message: 'elsewhere',
      path: 'spec.strategy.canary.analysis.interval',
      at: '12:9',
      text: 'spec.strategy.canary.analysis has no field "interval", it belongs in spec.metrics[] of the AnalysisTemplate: set it there, and remove it here [unknown-field]',
    },
    {
      message: 'elsewhere',
      path: 'spec.strategy.canary.analysis.failureLimit',
      at: '13:9',
      text: 'spec.strategy.canary.analysis has no field "failureLimit", it belongs in spec.metrics[] of the AnalysisTemplate: set it there, and remove it here [unknown-field]',
    },
  ],
  'bad-misplaced.yaml': [
    {
      message: 'misplaced',
      path: 'spec.strategy.canary.autoPromotionEnabled',
      at: '9:7',
      text: 'spec.strategy.canary has no field "autoPromotionEnabled", it belongs in spec.strategy.blueGreen: move it there, or remove it [unknown-field]',
    },
    {
      message: 'misplaced',
      path: 'spec.strategy.canary.workloadRef',
      at: '10:7',
      text: 'spec.strategy.canary has no field "workloadRef", it belongs in spec: move it there, or remove it [unknown-field]',
    },
    {
      message: 'misplaced',
      path: 'spec.metrics[0].provider.prometheus.args',
      at: '25:11',
      text: 'spec.metrics[0].provider.prometheus has no field "args", it belongs in spec: move it there, or remove it [unknown-field]',
    },
  ],
  'bad-misspelt.yaml': [
    {
      message: 'misspelt',
      path: 'spec.strategy.canary.stableservice',
      at: '8:7',
      text: 'spec.strategy.canary has no field "stableservice" in the schema of Argo Rollouts 1.9: write "stableService" if that is meant, else remove it [unknown-field]',
    },
    {
      message: 'misspelt',
      path: 'spec.strategy.canary.canaryServices',
      at: '9:7',
      text: 'spec.strategy.canary has no field "canaryServices" in the schema of Argo Rollouts 1.9: write "canaryService" if that is meant, else remove it [unknown-field]',
    },
    {
      message: 'misspelt',
      path: 'spec.template.spec.containers[0].port',
      at: '15:11',
      text: 'spec.template.spec.containers[0] has no field "port" in the schema of Argo Rollouts 1.9: write "ports" if that is meant, else remove it [unknown-field]',
    },
    {
      message: 'misspelt',
      path: 'spec.subsets[0].label',
      at: '26:7',
      text: 'spec.subsets[0] has no field "label" in the schema of Istio 1.29: write "labels" if that is meant, else remove it [unknown-field]',
    },
  ],
  'bad-unheard-of.yaml': [
    {
      message: 'unknown',
      path: 'description',
      at: '5:1',
      text: 'the Rollout has no field "description" in the schema of Argo Rollouts 1.9: remove it: kubectl refuses it and other clients drop it, unless a newer version has it [unknown-field]',
    },
    {
      message: 'unknown',
      path: 'spec.strategy.canary.rollbackOnFailure',
      at: '9:7',
      text: 'spec.strategy.canary has no field "rollbackOnFailure" in the schema of Argo Rollouts 1.9: remove it: kubectl refuses it and other clients drop it, unless a newer version has it [unknown-field]',
    },
    {
      message: 'unknown',
      path: 'spec.ports[0].comment',
      at: '18:7',
      text: 'spec.ports[0] has no field "comment" in the schema of Kubernetes: remove it: kubectl refuses it and other clients drop it, unless a newer version has it [unknown-field]',
    },
  ],
  'good-built-in-kinds.yaml': [],
  'good-free-form.yaml': [],
  'good-newer-fields.yaml': [],
});

import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisFieldRef } from './rule.ts';

testRule(analysisFieldRef, import.meta.dirname, {
  'bad-metadata.yaml': [
    {
      message: 'metadata',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.analysis.args[0].valueFrom.fieldRef.fieldPath',
      at: '15:38',
      text: 'the argument "region" of the background analysis takes the field "metadata.labels.region", which a fieldRef cannot read: use metadata.name, metadata.namespace, metadata.uid, metadata.labels[\'KEY\'] or metadata.annotations[\'KEY\'] [analysis-fieldref]',
    },
    {
      message: 'metadata',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.steps[0].experiment.analyses[0].args[0].valueFrom.fieldRef.fieldPath',
      at: '24:46',
      text: 'the argument "generation" of the experiment\'s analysis "errors" takes the field "metadata.generation", which a fieldRef cannot read: use metadata.name, metadata.namespace, metadata.uid, metadata.labels[\'KEY\'] or metadata.annotations[\'KEY\'] [analysis-fieldref]',
    },
    {
      message: 'metadata',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.steps[1].analysis.args[0].valueFrom.fieldRef.fieldPath',
      at: '31:31',
      text: "the argument \"region\" of the analysis step takes the field \"metadata.labels['the region']\", which a fieldRef cannot read: use metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'] or metadata.annotations['KEY'] [analysis-fieldref]",
    },
  ],
  'bad-left-out.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.blueGreen.prePromotionAnalysis.args[0].valueFrom.fieldRef.fieldPath',
      at: '26:38',
      text: 'the argument "ready" of the pre-promotion analysis takes the field "spec.minReadySeconds", where this Rollout has no single value: name a field that it has, with keys behind dots, without quotes, and indexes in brackets, such as spec.template.spec.containers[0].image [analysis-fieldref]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.blueGreen.prePromotionAnalysis.args[1].valueFrom.fieldRef.fieldPath',
      at: '28:38',
      text: 'the argument "region" of the pre-promotion analysis takes the field "spec.template.spec.containers[0].env[0].value", where this Rollout has no single value: name a field that it has, with keys behind dots, without quotes, and indexes in brackets, such as spec.template.spec.containers[0].image [analysis-fieldref]',
    },
  ],
  'bad-not-there.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.blueGreen.prePromotionAnalysis.args[0].valueFrom.fieldRef.fieldPath',
      at: '22:38',
      text: 'the argument "quoted" of the pre-promotion analysis takes the field "spec.template.metadata.labels[\'version\']", where this Rollout has no single value: name a field that it has, with keys behind dots, without quotes, and indexes in brackets, such as spec.template.spec.containers[0].image [analysis-fieldref]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.blueGreen.prePromotionAnalysis.args[1].valueFrom.fieldRef.fieldPath',
      at: '24:38',
      text: 'the argument "list" of the pre-promotion analysis takes the field "spec.template.spec.containers", where this Rollout has no single value: name a field that it has, with keys behind dots, without quotes, and indexes in brackets, such as spec.template.spec.containers[0].image [analysis-fieldref]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.blueGreen.prePromotionAnalysis.args[2].valueFrom.fieldRef.fieldPath',
      at: '26:38',
      text: 'the argument "far" of the pre-promotion analysis takes the field "spec.template.spec.containers[1].image", where this Rollout has no single value: name a field that it has, with keys behind dots, without quotes, and indexes in brackets, such as spec.template.spec.containers[0].image [analysis-fieldref]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.blueGreen.prePromotionAnalysis.args[3].valueFrom.fieldRef.fieldPath',
      at: '28:38',
      text: 'the argument "empty" of the pre-promotion analysis takes the field "", where this Rollout has no single value: name a field that it has, with keys behind dots, without quotes, and indexes in brackets, such as spec.template.spec.containers[0].image [analysis-fieldref]',
    },
  ],
  'bad-status.yaml': [
    {
      message: 'status',
      object: 'Rollout shop/cart',
      path: 'spec.strategy.canary.analysis.args[0].valueFrom.fieldRef.fieldPath',
      at: '29:38',
      text: 'the argument "target" of the background analysis takes the field "status.alb.canaryTargetGroup.name", which the status does not have now, and without it the analysis never starts: use a field of metadata or spec, or make sure of the name [analysis-fieldref]',
    },
    {
      message: 'status',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.analysis.args[0].valueFrom.fieldRef.fieldPath',
      at: '14:38',
      text: 'the argument "hash" of the background analysis takes the field "status.canaryHash", which the status does not have now, and without it the analysis never starts: use a field of metadata or spec, or make sure of the name [analysis-fieldref]',
    },
  ],
  'bad-workload.yaml': [
    {
      message: 'template',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.analysis.args[0].valueFrom.fieldRef.fieldPath',
      at: '18:38',
      text: 'the argument "version" of the background analysis takes the field "spec.template.metadata.labels.version", and with workloadRef the Rollout has no template: put the value into a label or annotation of the Rollout and use metadata.labels[\'KEY\'] or metadata.annotations[\'KEY\'] [analysis-fieldref]',
    },
  ],
  'good-fields.yaml': [],
  'good-workload.yaml': [],
});

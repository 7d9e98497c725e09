import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisTemplateCycle } from './rule.ts';

testRule(analysisTemplateCycle, import.meta.dirname, {
  'bad-circle.yaml': [
    {
      message: 'circle',
      object: 'AnalysisTemplate shop/errors',
      path: 'spec.templates[0].templateName',
      at: '18:7',
      text: 'AnalysisTemplate "errors" combines itself, by way of its templates ("errors" -> "latency" -> "common" -> "errors"), and the controller would follow them until it crashes: remove "latency" from its templates, or break the circle elsewhere [analysis-template-cycle]',
    },
    {
      message: 'circle',
      object: 'AnalysisTemplate shop/latency',
      path: 'spec.templates[0].templateName',
      at: '27:7',
      text: 'AnalysisTemplate "latency" combines itself, by way of its templates ("latency" -> "common" -> "errors" -> "latency"), and the controller would follow them until it crashes: remove "common" from its templates, or break the circle elsewhere [analysis-template-cycle]',
    },
  ],
  'bad-cluster-scoped.yaml': [
    {
      message: 'circle',
      object: 'ClusterAnalysisTemplate errors',
      path: 'spec.templates[0].templateName',
      at: '8:7',
      text: 'ClusterAnalysisTemplate "errors" combines itself, by way of its templates ("errors" -> "latency" -> "errors"), and the controller would follow them until it crashes: remove "latency" from its templates, or break the circle elsewhere [analysis-template-cycle]',
    },
    {
      message: 'circle',
      object: 'ClusterAnalysisTemplate latency',
      path: 'spec.templates[0].templateName',
      at: '17:7',
      text: 'ClusterAnalysisTemplate "latency" combines itself, by way of its templates ("latency" -> "errors" -> "latency"), and the controller would follow them until it crashes: remove "errors" from its templates, or break the circle elsewhere [analysis-template-cycle]',
    },
  ],
  'bad-itself.yaml': [
    {
      message: 'circle',
      object: 'AnalysisTemplate shop/everything',
      path: 'spec.templates[1].templateName',
      at: '10:7',
      text: 'AnalysisTemplate "everything" combines itself, by way of its templates ("everything" -> "everything"), and the controller would follow them until it crashes: remove "everything" from its templates [analysis-template-cycle]',
    },
  ],
  'good-diamond.yaml': [],
  'good-elsewhere.yaml': [{ skipped: 'ClusterAnalysisTemplate common: not among these manifests' }],
});

import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisTemplates } from './rule.ts';

testRule(analysisTemplates, import.meta.dirname, {
  'bad-nothing-named.yaml': [
    {
      message: 'unnamed',
      object: 'ClusterAnalysisTemplate all',
      path: 'spec.templates[0].templateName',
      at: '31:7',
      text: 'ClusterAnalysisTemplate "all" names a template without a name: write its name in templateName, or remove the entry [analysis-templates]',
    },
    {
      message: 'none',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.analysis.templates',
      at: '17:9',
      text: 'the background analysis names no template, so it has nothing to measure: name a template in templates, or remove the analysis [analysis-templates]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[0].analysis.templates[1].templateName',
      at: '22:17',
      text: 'the analysis step names a template without a name: write its name in templateName, or remove the entry [analysis-templates]',
    },
    {
      message: 'none',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.steps[1].analysis.templates',
      at: '23:11',
      text: 'the analysis step names no template, so it has nothing to measure: name a template in templates, or remove the analysis [analysis-templates]',
    },
  ],
  'good-one-each.yaml': [],
});

import { testRule } from '../../../test/support/rule-tester.ts';
import { analysisPlaceholders } from './rule.ts';

testRule(analysisPlaceholders, import.meta.dirname, {
  'bad-declared-by-another.yaml': [
    {
      message: 'apart',
      object: 'AnalysisTemplate shop/latency',
      path: 'spec.metrics[0].provider.prometheus.query',
      at: '45:23',
      text: 'metric "latency" of AnalysisTemplate "latency" uses {{args.namespace}}, which another template of the analysis step declares, but there the controller checks each by itself: declare "namespace" in spec.args of this template too [analysis-placeholders]',
    },
  ],
  'bad-experiment-values.yaml': [
    {
      message: 'value',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.steps[0].experiment.analyses[0].args[0].value',
      at: '22:21',
      text: 'the experiment\'s analysis "compare" supplies the argument "baseline" with the placeholder {{templates.stable.podTemplateHash}}, which nothing fills in: use one that this experiment has (templates.baseline.podTemplateHash, templates.baseline.replicaset.name, templates.canary.podTemplateHash, templates.canary.replicaset.name, experiment.availableAt) [analysis-placeholders]',
    },
    {
      message: 'value',
      object: 'Rollout shop/checkout',
      path: 'spec.strategy.canary.steps[0].experiment.analyses[0].args[2].value',
      at: '26:21',
      text: 'the experiment\'s analysis "compare" supplies the argument "until" with the placeholder {{experiment.finishedAt}}, which nothing fills in: use one that this experiment has (templates.baseline.podTemplateHash, templates.baseline.replicaset.name, templates.canary.podTemplateHash, templates.canary.replicaset.name, experiment.availableAt) [analysis-placeholders]',
    },
  ],
  'bad-no-arguments.yaml': [
    {
      message: 'undeclared',
      object: 'AnalysisTemplate shop/errors',
      path: 'spec.metrics[0].provider.prometheus.query',
      at: '24:23',
      text: 'metric "errors" uses {{args.namespace}}, and AnalysisTemplate "errors" declares no argument "namespace" (it has none): declare it in spec.args [analysis-placeholders]',
    },
    {
      message: 'undeclared',
      object: 'AnalysisTemplate shop/errors',
      path: 'spec.metrics[0].provider.prometheus.query',
      at: '24:23',
      text: 'metric "errors" uses {{args.namespace}}, and AnalysisTemplate "errors" declares no argument "namespace" (it has none): declare it in spec.args [analysis-placeholders]',
    },
    {
      message: 'undeclared-part',
      object: 'AnalysisTemplate shop/latency',
      path: 'spec.metrics[0].provider.prometheus.query',
      at: '36:23',
      text: 'metric "latency" uses {{args.namespace}}, and AnalysisTemplate "latency" declares no arguments: declare it in spec.args, unless a template that this one is combined with does [analysis-placeholders]',
    },
  ],
  'bad-other-placeholders.yaml': [
    {
      message: 'unresolvable',
      object: 'ClusterAnalysisTemplate checks',
      path: 'spec.metrics[0].provider.prometheus.query',
      at: '12:11',
      text: 'metric "errors" holds the placeholder {{rollout.status.currentPodHash}}, and only arguments are filled in: declare an argument in spec.args and write {{args.NAME}} [analysis-placeholders]',
    },
    {
      message: 'unresolvable',
      object: 'ClusterAnalysisTemplate checks',
      path: 'spec.metrics[1].provider.job.spec.template.spec.containers[0].command[2]',
      at: '23:52',
      text: 'metric "image" holds the placeholder {{.Config.User}}, and only arguments are filled in: declare an argument in spec.args and write {{args.NAME}} [analysis-placeholders]',
    },
    {
      message: 'unclosed',
      object: 'ClusterAnalysisTemplate checks',
      path: 'spec.metrics[2].provider.web.url',
      at: '27:11',
      text: 'metric "reachable" holds an opening {{ without the closing }}: close it, or write the braces apart [analysis-placeholders]',
    },
  ],
  'bad-undeclared.yaml': [
    {
      message: 'undeclared',
      object: 'AnalysisTemplate shop/errors',
      path: 'spec.metrics[0].failureCondition',
      at: '12:7',
      text: 'metric "errors" uses {{args.threshold}}, and AnalysisTemplate "errors" declares no argument "threshold" (it has "service-name"): declare it in spec.args [analysis-placeholders]',
    },
    {
      message: 'undeclared',
      object: 'AnalysisTemplate shop/errors',
      path: 'spec.metrics[0].provider.prometheus.query',
      at: '15:11',
      text: 'metric "errors" uses {{args.service_name}}, and AnalysisTemplate "errors" declares no argument "service_name" (it has "service-name"): declare it in spec.args, or write {{args.service-name}} [analysis-placeholders]',
    },
  ],
  'bad-unused.yaml': [
    {
      message: 'unused',
      object: 'AnalysisTemplate shop/success-rate',
      path: 'spec.args[0].name',
      at: '9:7',
      text: 'AnalysisTemplate "success-rate" declares the argument "service" and none of its metrics uses it: use it as {{args.service}}, or remove it [analysis-placeholders]',
    },
    {
      message: 'unused',
      object: 'AnalysisTemplate shop/success-rate',
      path: 'spec.args[1].name',
      at: '10:7',
      text: 'AnalysisTemplate "success-rate" declares the argument "namespace" and none of its metrics uses it: use it as {{args.namespace}}, or remove it [analysis-placeholders]',
    },
  ],
  'good-combined.yaml': [],
  'good-template-elsewhere.yaml': [{ skipped: 'ClusterAnalysisTemplate common: not among these manifests' }],
  'good-used-everywhere.yaml': [],
  'good-dropped.yaml': [],
});

import {
  ANALYSIS_PLACES,
  NAME_RULE_PLACES,
  NESTED_TEMPLATE_PLACES,
  TEMPLATE_ARG_PLACES,
  TEMPLATE_KINDS,
} from '../../world/analysis.ts';
import { COMBINED_TEMPLATE_PLACES } from '../../world/combined-templates.ts';
import { kindOf } from '../../world/object.ts';
import { inEach, type Place } from '../../world/place.ts';
import { defineRule } from '../define.ts';
import { once } from '../once.ts';
import { checkHolder } from './holder.ts';
import { messages } from './messages.ts';
import { checkTemplate } from './template.ts';

const TEMPLATE_PLACES: readonly Place[] = [
  'spec.metrics',
  ...TEMPLATE_ARG_PLACES,
  ...NAME_RULE_PLACES,
  ...NESTED_TEMPLATE_PLACES,
];

export const analysisMetrics = defineRule({
  id: 'analysis-metrics',
  summary:
    'Metrics have unique names, one provider and limits that can be met, and the rules of dryRun match a metric.',
  explanation:
    'The API server accepts templates with these mistakes. The analysis run then ends in an error as soon as it ' +
    'starts, which aborts the update. If combined templates repeat a metric name, the controller marks the Rollout ' +
    'InvalidSpec. Two metrics with the same name in one template break the metrics endpoint of the controller. The ' +
    'rules in dryRun and measurementRetention are regular expressions, and each must match a metric. A rule of an ' +
    'analysis step must not repeat a rule in the templates of any analysis of the Rollout. Source: Argo Rollouts ' +
    'v1.9.1, utils/analysis (ValidateMetrics, GetDryRunMetrics, FlattenTemplates), pkg/apis/rollouts/validation ' +
    '(ValidateAnalysisTemplatesWithType).',
  subject: { ...inEach(TEMPLATE_KINDS, TEMPLATE_PLACES), ...ANALYSIS_PLACES },
  reads: { ...COMBINED_TEMPLATE_PLACES, ...inEach(TEMPLATE_KINDS, TEMPLATE_PLACES) },
  upstreamRefusesLater: 'when an analysis of the update begins',
  example: {
    fixture: 'bad-duplicate-names.yaml',
    referenced: 'AnalysisTemplate slowness',
    before: [[/name: latency/, 'name: slowness']],
  },
  messages,
  check(context, subject) {
    const kind = kindOf(subject);
    if (TEMPLATE_KINDS.some((templateKind) => templateKind === kind)) checkTemplate(context, subject);
    else checkHolder(once(context, subject), subject);
  },
});

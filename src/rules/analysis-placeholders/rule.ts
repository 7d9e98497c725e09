import { ANALYSIS_PLACES, NESTED_TEMPLATE_PLACES, TEMPLATE_ARG_PLACES, TEMPLATE_KINDS } from '../../world/analysis.ts';
import { COMBINED_TEMPLATE_PLACES } from '../../world/combined-templates.ts';
import { kindOf } from '../../world/object.ts';
import { inEach, type Place } from '../../world/place.ts';
import { defineRule } from '../define.ts';
import { once } from '../once.ts';
import { checkHolder } from './holder.ts';
import { messages } from './messages.ts';
import { checkTemplate } from './template.ts';

const TEMPLATE_PLACES: readonly Place[] = ['spec.metrics', ...TEMPLATE_ARG_PLACES, ...NESTED_TEMPLATE_PLACES];

export const analysisPlaceholders = defineRule({
  id: 'analysis-placeholders',
  summary: 'Every placeholder in a metric names a declared argument, and every declared argument is used.',
  explanation:
    'The controller looks for placeholders in every text of a metric, including those of a Job. A placeholder that ' +
    'is not a declared argument ends the analysis in an error as soon as it starts. For analysis steps and for ' +
    'analyses before and after promotion, the controller marks the Rollout InvalidSpec. There each template must ' +
    'declare the arguments that it uses. In background analyses and experiments, the arguments of all combined ' +
    'templates count. Source: Argo Rollouts v1.9.1, utils/analysis (ResolveMetricArgs), utils/template, ' +
    'pkg/apis/rollouts/validation (validateAnalysisMetrics), analysis (reconcileAnalysisRun); fasttemplate v1.2.2.',
  subject: {
    ...inEach(TEMPLATE_KINDS, TEMPLATE_PLACES),
    ...ANALYSIS_PLACES,
    'Experiment.argoproj.io': [...ANALYSIS_PLACES['Experiment.argoproj.io'], 'spec.duration', 'spec.templates[*].name'],
  },
  reads: { ...COMBINED_TEMPLATE_PLACES, ...inEach(TEMPLATE_KINDS, TEMPLATE_PLACES) },
  upstreamRefusesLater: 'when an analysis of the update begins',
  example: {
    fixture: 'bad-declared-by-another.yaml',
    referenced: 'AnalysisTemplate latency',
    before: [['{{args.namespace}}', 'shop']],
  },
  messages,
  check(context, subject) {
    const kind = kindOf(subject);
    if (TEMPLATE_KINDS.some((templateKind) => templateKind === kind)) checkTemplate(context, subject);
    else checkHolder(once(context, subject), subject);
  },
});

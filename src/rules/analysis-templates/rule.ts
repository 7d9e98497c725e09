import {
  countedAnalyses,
  ANALYSIS_PLACES,
  NESTED_TEMPLATE_PLACES,
  nestedTemplates,
  TEMPLATE_KINDS,
} from '../../world/analysis.ts';
import { kindOf } from '../../world/object.ts';
import { inEach } from '../../world/place.ts';
import { defineRule } from '../define.ts';

export const analysisTemplates = defineRule({
  id: 'analysis-templates',
  summary: 'An analysis lists at least one template, and every entry has a name.',
  explanation:
    'The API server accepts an analysis without templates and a template with an empty name. If an entry has no ' +
    'name, the controller marks the Rollout InvalidSpec. An analysis without templates has no metrics, so its run ' +
    'ends in an error as soon as it starts. This aborts the update. Source: Argo Rollouts v1.9.1, ' +
    'rollout/controller.go (getReferencedAnalysisTemplatesFromRef) and utils/analysis (ValidateMetrics).',
  subject: { ...ANALYSIS_PLACES, ...inEach(TEMPLATE_KINDS, NESTED_TEMPLATE_PLACES) },
  reads: {},
  upstreamRefusesLater: 'when an analysis of the update begins',
  messages: {
    none: {
      class: 'invalid',
      text: '{analysis} lists no templates, so it measures nothing',
      fix: 'add a template to templates, or remove the analysis',
    },
    unnamed: {
      class: 'invalid',
      text: '{holder} lists a template without a name',
      fix: 'set templateName, or remove the entry',
    },
  },
  check(context, subject) {
    for (const { title, templates, templatesPath, anchor } of countedAnalyses(subject, context)) {
      if (templates.length === 0) context.report('none', { path: templatesPath, anchor, data: { analysis: title } });
      for (const { name, path } of templates)
        if (name === '') context.report('unnamed', { path, anchor, data: { holder: title } });
    }
    if (!TEMPLATE_KINDS.some((kind) => kind === kindOf(subject))) return;
    for (const { name, path } of nestedTemplates(subject)) {
      if (name === '')
        context.report('unnamed', {
          path,
          anchor: 'templates',
          data: { holder: `${subject.kind} "${subject.metadata.name}"` },
        });
    }
  },
});

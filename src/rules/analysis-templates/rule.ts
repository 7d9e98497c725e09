import { analysesOf, nestedTemplates, TEMPLATE_KINDS } from '../../world/analysis.ts';
import { kindOf } from '../../world/object.ts';
import { defineRule } from '../define.ts';

export const analysisTemplates = defineRule({
  id: 'analysis-templates',
  summary: 'An analysis names at least one template, and each by its name.',
  explanation:
    'The API server takes an analysis without templates, and a template whose name is empty. An entry without a name makes the controller mark the Rollout InvalidSpec; an analysis without templates has no metric, so that its run ends in an ' +
    'error as soon as it starts, which aborts the update. Source: Argo Rollouts v1.9.1, rollout/controller.go (getReferencedAnalysisTemplatesFromRef) and utils/analysis (ValidateMetrics).',
  subject: ['Rollout.argoproj.io', 'Experiment.argoproj.io', ...TEMPLATE_KINDS],
  reads: [],
  upstreamRefusesLater: 'when an analysis of the update begins',
  messages: {
    none: {
      class: 'invalid',
      text: '{analysis} names no template, so it has nothing to measure',
      fix: 'name a template in templates, or remove the analysis',
    },
    unnamed: {
      class: 'invalid',
      text: '{holder} names a template without a name',
      fix: 'write its name in templateName, or remove the entry',
    },
  },
  check(context, subject) {
    for (const { title, templates, templatesPath, anchor } of analysesOf(subject)) {
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

import { countedAnalyses, nestedTemplates, templateResolver } from '../../world/analysis.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import type { RuleContext } from '../define.ts';
import type { messages } from './messages.ts';

/**
 * Checks the AnalysisTemplates that the cluster-scoped templates of a Rollout or Experiment name. The controller looks
 * for them in the namespace of the Rollout or Experiment.
 */
export function checkNested(context: RuleContext<typeof messages>, holder: KubeObject): void {
  const namespace = namespaceOf(holder);
  const resolveAll = templateResolver(namespace, context, () => 0);
  for (const { templates, templatesPath, title, anchor } of countedAnalyses(holder, context)) {
    const seen = new Set<string>();
    for (const template of resolveAll(templates).templates) {
      if (namespaceOf(template) !== '') continue;
      const nested = nestedTemplates(template);
      context.spend(nested.length);
      for (const { kind, name, path } of nested) {
        if (kind !== 'AnalysisTemplate.argoproj.io' || name === '' || seen.has(name)) continue;
        seen.add(name);
        if (context.lookup(kind, namespace, name).state !== 'absent') continue;
        context.report('nested', {
          path: templatesPath,
          anchor: `${anchor} ${name}`,
          data: { template: template.metadata.name, analysis: title, name, namespace },
          related: [{ object: template, path }],
        });
      }
    }
  }
}

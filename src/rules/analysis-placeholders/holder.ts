import { analysesOf, combineArgs, named, resolveTemplates, templateArgs } from '../../world/analysis.ts';
import type { Analysis, AnalysisRole } from '../../world/collect-analyses.ts';
import { parseGoDuration } from '../../world/duration.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { placeholdersIn } from '../../world/placeholders.ts';
import { asArray, dig, isObject, asString } from '../../world/read.ts';
import { listed } from '../wording.ts';
import type { Context } from './messages.ts';
import { reportBroken, reportUndeclared } from './template.ts';
import { usesOf } from './uses.ts';

// For these roles the controller validates each template with only the arguments that it declares itself. For the others
// it combines the templates first.
const EACH_BY_ITSELF: readonly AnalysisRole[] = ['step', 'prePromotion', 'postPromotion'];

/** Checks that the analyses of a Rollout or Experiment fill in every placeholder of their templates. */
export function checkHolder(context: Context, holder: KubeObject): void {
  for (const analysis of analysesOf(holder)) {
    checkValues(context, analysis);
    const { templates, complete } = resolveTemplates(analysis.templates, namespaceOf(holder), context);
    if (!complete) continue;
    const combined = new Set(combineArgs(templates).args.keys());
    const related = [{ object: holder, path: analysis.templatesPath }];
    for (const template of templates) {
      const found = usesOf(template);
      reportBroken(context, template, found, related);
      const own = new Set(templateArgs(template).map(({ name }) => name));
      const undeclared = found.uses.filter(({ arg }) => arg !== undefined && !combined.has(arg));
      reportUndeclared(context, template, own, undeclared, related);
      if (!EACH_BY_ITSELF.includes(analysis.role)) continue;
      for (const { metric, path, tag, arg = '' } of found.uses) {
        if (arg === '' || own.has(arg) || !combined.has(arg)) continue;
        context.report('apart', {
          object: template,
          path,
          anchor: arg,
          data: { metric: metric.name, template: named(template), tag, arg, analysis: analysis.title },
          related,
        });
      }
    }
  }
}

// In an experiment the values of arguments may contain placeholders of their own (Argo Rollouts v1.9.1,
// `ResolveExperimentArgsValue`).
function checkValues(context: Context, { experiment, args, title, anchor }: Analysis): void {
  if (experiment === undefined) return;
  const names = asArray(experiment['templates']).map((template) => asString(dig(template, 'name')));
  const known = new Set(
    names.flatMap((name) => [`templates.${name}.podTemplateHash`, `templates.${name}.replicaset.name`]),
  );
  known.add('experiment.availableAt');
  if (parseGoDuration(asString(experiment['duration'])) !== undefined) known.add('experiment.finishedAt');
  for (const { name, raw, path } of args) {
    if (isObject(raw['valueFrom'])) continue;
    const { tags, unclosed } = placeholdersIn(asString(raw['value']));
    const bad = unclosed ? '{{' : tags.filter((tag) => !known.has(tag)).map((tag) => `{{${tag}}}`)[0];
    if (bad === undefined) continue;
    context.report('value', {
      path: [...path, 'value'],
      anchor: `${anchor} ${name}`,
      data: { analysis: title, arg: name, tag: bad, known: listed(known, (tag) => tag) },
    });
  }
}

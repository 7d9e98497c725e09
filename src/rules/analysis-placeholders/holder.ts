import { countedAnalyses, combineArgs, named, templateArgs, templateResolver } from '../../world/analysis.ts';
import type { Analysis, AnalysisRole } from '../../world/collect-analyses.ts';
import { parseGoDuration } from '../../world/duration.ts';
import { memo } from '../../world/memo.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { placeholdersIn } from '../../world/placeholders.ts';
import { asArray, dig, isObject, asString, type JsonObject } from '../../world/read.ts';
import { listed } from '../wording.ts';
import type { Context } from './messages.ts';
import { reportBroken, reportUndeclared } from './template.ts';
import { usesOf, type Use } from './uses.ts';

// For these roles the controller validates each template with only the arguments that it declares itself. For the others
// it combines the templates first.
const EACH_BY_ITSELF: readonly AnalysisRole[] = ['step', 'prePromotion', 'postPromotion'];

/** Checks that the analyses of a Rollout or Experiment fill in every placeholder of their templates. */
export function checkHolder(context: Context, holder: KubeObject): void {
  const resolveAll = templateResolver(namespaceOf(holder), context, (template) => sizeOf(context, template));
  // Another analysis of the same sort with the same templates finds the same in them.
  const checked = { apart: new Set<readonly KubeObject[]>(), combined: new Set<readonly KubeObject[]>() };
  for (const analysis of countedAnalyses(holder, context)) {
    checkValues(context, analysis);
    const { templates, complete } = resolveAll(analysis.templates);
    const isApart = EACH_BY_ITSELF.includes(analysis.role);
    const before = isApart ? checked.apart : checked.combined;
    if (!complete || before.has(templates)) continue;
    before.add(templates);
    checkTemplates(context, holder, analysis, templates, isApart);
  }
}

function sizeOf(context: Context, template: KubeObject): number {
  return templateArgs(template).length + usesOf(template, context).uses.length;
}

function checkTemplates(
  context: Context,
  holder: KubeObject,
  analysis: Analysis,
  templates: readonly KubeObject[],
  isApart: boolean,
): void {
  const combined = combineArgs(templates).args;
  const related = [{ object: holder, path: analysis.templatesPath }];
  for (const template of templates) {
    const found = usesOf(template, context);
    reportBroken(context, template, found, related);
    const own = declaredBy(template);
    const others = usesOfOthers(context, template);
    const undeclared = others.filter(({ arg }) => arg !== undefined && !combined.has(arg));
    reportUndeclared(context, template, own, undeclared, related);
    if (!isApart) continue;
    for (const { metric, at, tag, arg = '', versions } of others) {
      if (arg === '' || !combined.has(arg)) continue;
      context.report('apart', {
        object: template,
        path: at.path,
        anchor: arg,
        data: { metric: metric.name, template: named(template), tag, arg, analysis: analysis.title },
        related,
        versions,
      });
    }
  }
}

const declaredBy = memo(
  (template: KubeObject): ReadonlySet<string> => new Set(templateArgs(template).map(({ name }) => name)),
);

/** Returns the uses of arguments that the template does not declare itself. */
function usesOfOthers(context: Context, template: KubeObject): readonly Use[] {
  const declared = declaredBy(template);
  return usesOf(template, context).uses.filter(({ arg }) => arg !== undefined && !declared.has(arg));
}

// The placeholders that an experiment fills in. All its analyses have the same ones.
const knownIn = memo((experiment: JsonObject): ReadonlySet<string> => {
  const names = asArray(experiment['templates']).map((template) => asString(dig(template, 'name')));
  const known = new Set(
    names.flatMap((name) => [`templates.${name}.podTemplateHash`, `templates.${name}.replicaset.name`]),
  );
  known.add('experiment.availableAt');
  if (parseGoDuration(asString(experiment['duration'])) !== undefined) known.add('experiment.finishedAt');
  return known;
});

// In an experiment the values of arguments may contain placeholders of their own (Argo Rollouts v1.9.1,
// `ResolveExperimentArgsValue`).
function checkValues(context: Context, { experiment, args, title, anchor }: Analysis): void {
  if (experiment === undefined) return;
  const known = knownIn(experiment);
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

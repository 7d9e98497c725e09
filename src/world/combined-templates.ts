import {
  ANALYSIS_PLACES,
  collectTemplates,
  countedAnalyses,
  MAX_TEMPLATES,
  NESTED_TEMPLATE_PLACES,
  nestedTemplates,
  TEMPLATE_KINDS,
  TOO_MANY,
  type Lookups,
} from './analysis.ts';
import type { Analysis, TemplateRef } from './collect-analyses.ts';
import { memo } from './memo.ts';
import { kindOf, namespaceOf, type KindId, type KubeObject } from './object.ts';
import { inEach, type Places } from './place.ts';
import { REFERENCE_PLACES } from './reference-places.ts';

/**
 * Lookups, how to find the objects of one kind that refer to a named object, and how to derive what many templates have
 * in common.
 */
export interface ReverseLookups extends Lookups {
  readonly referrers: (from: KindId, kind: KindId, namespace: string, name: string) => readonly KubeObject[];
  readonly perWorld: <V>(key: symbol, part: unknown, derive: () => V) => V;
}

/** The templates that a template is combined with. */
export interface CombinedTemplates {
  /**
   * The template itself and every one that is combined with it, by nesting or in an analysis. The same list for all
   * templates that are combined with the same ones.
   */
  readonly templates: readonly KubeObject[];
  /** Whether the list is complete: no template is missing or unknown. */
  readonly complete: boolean;
  /** Whether anything refers to the template. */
  readonly used: boolean;
}

/** The places that `combinedTemplatesOf` reads in the objects that refer to a template, directly or not. */
export const COMBINED_TEMPLATE_PLACES = {
  ...inEach(TEMPLATE_KINDS, NESTED_TEMPLATE_PLACES),
  'Rollout.argoproj.io': [...ANALYSIS_PLACES['Rollout.argoproj.io'], ...REFERENCE_PLACES['Rollout.argoproj.io']],
  'Experiment.argoproj.io': [
    ...ANALYSIS_PLACES['Experiment.argoproj.io'],
    ...REFERENCE_PLACES['Experiment.argoproj.io'],
  ],
} as const satisfies Places;

const HOLDER_KINDS = ['Rollout.argoproj.io', 'Experiment.argoproj.io'] as const satisfies readonly KindId[];
/** The kinds of which one more object can combine a template with others. */
export const COMBINING_KINDS: readonly KindId[] = [...HOLDER_KINDS, ...TEMPLATE_KINDS];

const TOPS = Symbol('tops of templates');
const OWNERS = Symbol('owners of templates');
const BY_TOP = Symbol('combined templates by top');
const BY_ANALYSES = Symbol('combined templates by analyses');

type Combination = Omit<CombinedTemplates, 'used'>;

/**
 * Returns the templates that a template is combined with anywhere. A template that is only used together with others
 * may leave arguments and metrics to them. Templates of one analysis, and of one chain or circle, are looked at once for
 * all of them.
 */
export function combinedTemplatesOf(template: KubeObject, lookups: ReverseLookups): CombinedTemplates {
  const top = topOf(template, lookups);
  const { parents, holders } = lookups.perWorld(OWNERS, top, () => ({
    parents: ownersOf(top, TEMPLATE_KINDS, lookups),
    holders: ownersOf(top, HOLDER_KINDS, lookups),
  }));
  const used = top !== template || parents.some((parent) => parent !== template) || holders.length > 0;
  const analyses = holders.flatMap((holder) => analysesNaming(holder, [top], lookups));
  const { templates, complete } =
    parents.length === 0 && analyses.length > 0 && analyses.every(({ namespace }) => covers(namespace, top))
      ? lookups.perWorld(BY_ANALYSES, analyses.map(({ analysis }) => idOf(analysis)).join(' '), () =>
          combine([], analyses, lookups),
        )
      : lookups.perWorld(BY_TOP, top, () => combineAll(top, lookups));
  return { templates, complete, used };
}

// What a cluster-scoped template includes is not looked up in the namespace of one of its users.
function covers(namespace: string, template: KubeObject): boolean {
  return namespaceOf(template) === namespace || nestedTemplates(template).length === 0;
}

/**
 * Returns the template that a template is combined with in everything: the one that includes it, if there is only one
 * and nothing else refers to it, and so on. In a circle that nothing else refers to, it is any of them.
 */
function topOf(template: KubeObject, lookups: ReverseLookups): KubeObject {
  const tops = lookups.perWorld(TOPS, namespaceOf(template), () => new Map<KubeObject, KubeObject>());
  const below = new Set<KubeObject>();
  let top = template;
  while (!tops.has(top) && !below.has(top)) {
    const parents = ownersOf(top, TEMPLATE_KINDS, lookups);
    const [parent] = parents;
    if (parent === undefined || parents.length > 1 || namespaceOf(parent) !== namespaceOf(top)) break;
    if (ownersOf(top, HOLDER_KINDS, lookups).length > 0) break;
    below.add(top);
    top = parent;
  }
  top = tops.get(top) ?? top;
  for (const each of [...below, top]) tops.set(each, top);
  return top;
}

function combineAll(template: KubeObject, lookups: ReverseLookups): Combination {
  const ownNamespace = namespaceOf(template);
  const ancestors = new Set<KubeObject>([template]);
  const holders = new Set<KubeObject>();
  const lists: TemplateList[] = [];
  let complete = true;
  for (const ancestor of ancestors) {
    lists.push({ refs: nestedTemplates(ancestor), namespace: namespaceOf(ancestor) || ownNamespace });
    for (const parent of ownersOf(ancestor, TEMPLATE_KINDS, lookups)) {
      if (ancestors.size === MAX_TEMPLATES) {
        lookups.skip(TOO_MANY);
        complete = false;
        break;
      }
      ancestors.add(parent);
    }
    for (const holder of ownersOf(ancestor, HOLDER_KINDS, lookups)) holders.add(holder);
  }
  const analyses = [...holders].flatMap((holder) => analysesNaming(holder, ancestors, lookups));
  const combined = combine([...ancestors], [...lists, ...analyses], lookups);
  return { templates: combined.templates, complete: complete && combined.complete };
}

/** References to templates, and the namespace of those that have none of their own. */
interface TemplateList {
  readonly refs: readonly TemplateRef[];
  readonly namespace: string;
}

function combine(first: readonly KubeObject[], lists: readonly TemplateList[], lookups: ReverseLookups): Combination {
  // What was found for one reference is not looked up again for another.
  const byNamespace = new Map<string, Map<string, KubeObject>>();
  let complete = true;
  for (const { refs, namespace } of lists) {
    const found = byNamespace.get(namespace) ?? new Map<string, KubeObject>();
    byNamespace.set(namespace, found);
    if (!collectTemplates(refs, namespace, lookups, found)) complete = false;
  }
  const others = [...byNamespace.values()].flatMap((found) => [...found.values()]);
  return { templates: [...new Set([...first, ...others])], complete };
}

interface NamingAnalysis extends TemplateList {
  readonly analysis: Analysis;
}

/** Returns the analyses of a Rollout or Experiment that name one of these templates, in order. */
function analysesNaming(
  holder: KubeObject,
  templates: Iterable<KubeObject>,
  lookups: ReverseLookups,
): readonly NamingAnalysis[] {
  const cached = namingIn(holder);
  const byTemplate = (cached.byTemplate ??= analysesByTemplate(holder, lookups));
  const found = new Set<NamingAnalysis>();
  for (const template of templates) {
    // A cluster-scoped ancestor has users in all namespaces, where the same name is another template.
    if (![namespaceOf(holder), ''].includes(namespaceOf(template))) continue;
    for (const each of byTemplate.get(`${kindOf(template) ?? ''} ${template.metadata.name}`) ?? []) found.add(each);
  }
  return [...found];
}

type NamingByTemplate = ReadonlyMap<string, ReadonlySet<NamingAnalysis>>;

const namingIn = memo((_holder: KubeObject): { byTemplate?: NamingByTemplate } => ({}));

function analysesByTemplate(holder: KubeObject, lookups: ReverseLookups): NamingByTemplate {
  const byTemplate = new Map<string, Set<NamingAnalysis>>();
  const namespace = namespaceOf(holder);
  // A Rollout can have the same templates in thousands of steps.
  const distinct = new Map<string, NamingAnalysis>();
  for (const analysis of countedAnalyses(holder, lookups)) {
    const id = JSON.stringify(analysis.templates.map(({ kind, name }) => [kind, name]));
    if (!distinct.has(id)) distinct.set(id, { analysis, refs: analysis.templates, namespace });
  }
  for (const each of distinct.values()) {
    for (const { kind, name } of each.refs) {
      const key = `${kind} ${name}`;
      const known = byTemplate.get(key) ?? new Set();
      byTemplate.set(key, known.add(each));
    }
  }
  return byTemplate;
}

let analyses = 0;
const idOf = memo((_analysis: Analysis) => ++analyses);

// References from a ClusterAnalysisTemplate, which has no namespace, to namespaced templates are indexed without one;
// they apply to every namespace.
function ownersOf(template: KubeObject, kinds: readonly KindId[], { referrers }: ReverseLookups): KubeObject[] {
  const kind = kindOf(template);
  if (kind === undefined) return [];
  const { name } = template.metadata;
  const namespaces = new Set([namespaceOf(template), '']);
  return kinds.flatMap((from) => [...namespaces].flatMap((namespace) => referrers(from, kind, namespace, name)));
}

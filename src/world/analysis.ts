import {
  collectAnalyses,
  nameRules,
  optionalValue,
  present,
  templateRefsOf,
  visitAnalyses,
  type Analysis,
  type NameRule,
  type SuppliedArg,
  type TemplateRef,
} from './collect-analyses.ts';
import { memo, type Counting } from './memo.ts';
import { KINDS, kindOf, type KindId, type KubeObject } from './object.ts';
import type { Path } from './path.ts';
import { below, BY_FIELD_REF, type Place, type Places } from './place.ts';
import { asArray, asObject, asString, dig, isObject, type JsonObject } from './read.ts';
import type { Find } from './rollout.ts';

/** The kinds of analysis template. */
export const TEMPLATE_KINDS = [
  'AnalysisTemplate.argoproj.io',
  'ClusterAnalysisTemplate.argoproj.io',
] as const satisfies readonly KindId[];

/**
 * The places that `analysesOf` reads. An argument with a `fieldRef` supplies the value of any field of the spec, or of a
 * label or annotation.
 */
export const ANALYSIS_PLACES = {
  'Rollout.argoproj.io': [
    ...below('spec.strategy', [
      'canary.analysis',
      'canary.steps[*].analysis',
      'canary.steps[*].experiment',
      'blueGreen.prePromotionAnalysis',
      'blueGreen.postPromotionAnalysis',
    ]),
    BY_FIELD_REF,
  ],
  'Experiment.argoproj.io': ['spec.analyses', 'spec.dryRun', 'spec.measurementRetention'],
} as const satisfies Places;

/**
 * Returns the analyses of a Rollout or an Experiment, in the order of the fields; none for another kind. In a Rollout
 * with both strategies only the blue-green ones count, as for the controller (Argo Rollouts v1.9.1,
 * `rollout/controller.go`, `experiments/experiment.go`).
 */
export const analysesOf = memo(collectAnalyses);

// What it takes to collect an analysis, and each of its arguments, templates and rules, and to compare them, in operations.
const COST_OF_COLLECTING = 1;
const COST_OF_PART = 2;

/**
 * Does the same, for rules: the operations are counted before they are done, because a Rollout can have a hundred thousand
 * analyses.
 */
export function countedAnalyses(holder: KubeObject, { spend }: Pick<Lookups, 'spend'>): readonly Analysis[] {
  visitAnalyses(holder, (analysis) => {
    const parts = PARTS.reduce((sum, field) => sum + asArray(analysis[field]).length, 0);
    spend(COST_OF_COLLECTING + COST_OF_PART * parts);
  });
  return analysesOf(holder);
}

const PARTS = ['args', 'templates', 'dryRun', 'measurementRetention'];

/** The places that `nameRulesOf` reads in a template. */
export const NAME_RULE_PLACES: readonly Place[] = ['spec.dryRun', 'spec.measurementRetention'];

/** Returns a template's own rules for dry runs, or for the retention of measurements. */
export function nameRulesOf(template: KubeObject, field: 'dryRun' | 'measurementRetention'): readonly NameRule[] {
  return allNameRules(template)[field];
}

const allNameRules = memo((template: KubeObject) => ({
  dryRun: nameRules(asObject(template['spec']), ['spec'], 'dryRun'),
  measurementRetention: nameRules(asObject(template['spec']), ['spec'], 'measurementRetention'),
}));

/** The places that `nestedTemplates` and `resolveTemplates` read in a template. */
export const NESTED_TEMPLATE_PLACES: readonly Place[] = ['spec.templates'];

/** Returns the templates that a template includes by its own `spec.templates`, in order. */
export const nestedTemplates = memo((template: KubeObject): readonly TemplateRef[] =>
  templateRefsOf(asObject(template['spec']), ['spec']),
);

/** The templates of an analysis. */
export interface ResolvedTemplates {
  /** In the order in which the controller combines them, each once: namespaced before cluster-scoped. */
  readonly templates: readonly KubeObject[];
  /** Whether the list is complete: no template is missing or unknown. */
  readonly complete: boolean;
}

/** How to look up templates, to count other work in operations, and to report that a check is skipped. */
export interface Lookups {
  readonly find: Find;
  readonly spend: (operations: number) => void;
  readonly skip: (reason: string) => void;
}

/**
 * The most templates that are combined. No real analysis has as many. Without a limit, every step of a Rollout could make
 * the gate visit every template of a cluster.
 */
export const MAX_TEMPLATES = 200;
/** Why templates are not all looked at. */
export const TOO_MANY = `more than ${MAX_TEMPLATES} templates are combined`;

/**
 * Returns some templates and all templates nested in them, at any depth. Source: Argo Rollouts v1.9.1,
 * `rollout/controller.go` (`getReferencedAnalysisTemplatesFromRef`), which has no protection against cycles; here each
 * template is visited once, with the same result. More than 200 are skipped.
 * @param namespace - The namespace of the Rollout or Experiment that runs the analysis.
 */
export function resolveTemplates(refs: readonly TemplateRef[], namespace: string, lookups: Lookups): ResolvedTemplates {
  const found = new Map<string, KubeObject>();
  const complete = collectTemplates(refs, namespace, lookups, found);
  const templates = [...found.values()];
  const ofKind = (kind: KindId): KubeObject[] => templates.filter((template) => kindOf(template) === kind);
  const [only] = templates;
  return {
    templates: templates.length === 1 && only !== undefined ? alone(only) : TEMPLATE_KINDS.flatMap(ofKind),
    complete,
  };
}

// The same list for every Rollout, so that they share what is derived from it.
const alone = memo((template: KubeObject): readonly KubeObject[] => [template]);

// As many references to templates take an operation. No real template includes as many.
const REFS_OF_OPERATION = 4;

/** Adds the templates that are not there yet, and those nested in them. Returns whether it is all of them. */
export function collectTemplates(
  refs: readonly TemplateRef[],
  namespace: string,
  { find, skip, spend }: Lookups,
  found: Map<string, KubeObject>,
): boolean {
  let complete = true;
  const most = found.size + MAX_TEMPLATES;
  // The rest of each list, not its items: hundreds of templates may each include the same fifty thousand.
  const open = [refs.values()];
  for (let rest = open.at(-1); rest !== undefined; rest = open.at(-1)) {
    const next = rest.next();
    if (next.done === true) {
      open.pop();
      continue;
    }
    const ref = next.value;
    const key = `${ref.kind} ${ref.name}`;
    if (found.has(key)) continue;
    if (found.size === most) {
      skip(TOO_MANY);
      return false;
    }
    const template = find(ref.kind, KINDS[ref.kind].namespaced ? namespace : '', ref.name);
    if (template === undefined) {
      complete = false;
      continue;
    }
    found.set(key, template);
    spend(Math.floor(asArray(dig(template, 'spec', 'templates')).length / REFS_OF_OPERATION));
    open.push(nestedTemplates(template).values());
  }
  return complete;
}

/**
 * Returns a function that resolves the templates of the analyses of one Rollout or Experiment. Analyses with the same
 * templates get the same result, so what is derived from it is derived once.
 *
 * @param namespace - The namespace of the Rollout or Experiment.
 * @param costOf - Returns the operations that the caller needs for a template, each time it is combined with others: one
 * large template may be combined with another one in each of thousands of analyses.
 */
export function templateResolver(
  namespace: string,
  lookups: Lookups,
  costOf: (template: KubeObject) => number,
): (refs: readonly TemplateRef[]) => ResolvedTemplates {
  const known = new Map<string, ResolvedTemplates>();
  return (refs) => {
    const id = JSON.stringify(refs.map(({ kind, name }) => [kind, name]));
    let resolved = known.get(id);
    if (resolved === undefined) {
      resolved = resolveTemplates(refs, namespace, lookups);
      for (const template of resolved.templates) lookups.spend(costOf(template));
      known.set(id, resolved);
    }
    return resolved;
  };
}

/** An argument as a template declares it. */
export interface TemplateArg {
  readonly name: string;
  /** Its default; undefined if there is none or it is not known here. */
  readonly value: string | undefined;
  readonly hasValue: boolean;
  readonly hasValueFrom: boolean;
  /** Whether its value comes from a Secret, the only source that the controller reads for a template. */
  readonly fromSecret: boolean;
  readonly template: KubeObject;
  readonly path: Path;
}

/** The places that `templateArgs` reads in a template. */
export const TEMPLATE_ARG_PLACES: readonly Place[] = ['spec.args'];

/** Returns the arguments that a template declares, in order. */
export const templateArgs = memo(collectArgs);

function collectArgs(template: KubeObject): readonly TemplateArg[] {
  return asArray(dig(template, 'spec', 'args')).map((raw, index) => ({
    name: asString(dig(raw, 'name')),
    value: optionalValue(dig(raw, 'value')),
    hasValue: present(dig(raw, 'value')),
    hasValueFrom: present(dig(raw, 'valueFrom')),
    fromSecret: isObject(dig(raw, 'valueFrom', 'secretKeyRef')),
    template,
    path: ['spec', 'args', index],
  }));
}

/** The arguments of several templates as one list, and the conflicting defaults. */
export interface CombinedArgs {
  readonly args: ReadonlyMap<string, TemplateArg>;
  readonly conflicts: readonly { readonly first: TemplateArg; readonly second: TemplateArg }[];
}

/**
 * Combines the arguments of several templates. The first declaration with a value counts. A later one replaces an
 * earlier one without a value (even one with `valueFrom`), and different values conflict. Source: Argo Rollouts v1.9.1,
 * `utils/analysis/helpers.go` (`flattenArgs`).
 * @param templates - In the controller's order.
 */
export const combineArgs = memo((templates: readonly KubeObject[]): CombinedArgs => {
  const args = new Map<string, TemplateArg>();
  const conflicts: { first: TemplateArg; second: TemplateArg }[] = [];
  for (const arg of templates.flatMap(templateArgs)) {
    const previous = args.get(arg.name);
    if (previous === undefined || !previous.hasValue) args.set(arg.name, arg);
    else if (arg.value !== undefined && previous.value !== undefined && arg.value !== previous.value)
      conflicts.push({ first: previous, second: arg });
  }
  return { args, conflicts };
});

/**
 * Returns a function that returns the value of an argument, if it is known before the analysis runs. A supplied value,
 * the last of several, overrides the default (Argo Rollouts v1.9.1, `utils/analysis/helpers.go`, `MergeArgs`), except
 * that the content of a Secret replaces both. Costs nothing for an analysis of whose arguments none is asked for.
 */
export function knownValues(
  args: ReadonlyMap<string, TemplateArg>,
  supplied: readonly SuppliedArg[] = [],
): (name: string) => string | undefined {
  let overrides: ReadonlyMap<string, string | undefined> | undefined;
  return (name) => {
    const arg = args.get(name);
    if (arg === undefined || arg.fromSecret) return undefined;
    overrides ??= new Map(supplied.filter(({ passedOn }) => passedOn).map((each) => [each.name, each.value]));
    return overrides.has(name) ? overrides.get(name) : arg.value;
  };
}

/** A metric of a template. */
export interface Metric {
  readonly name: string;
  readonly raw: JsonObject;
  readonly template: KubeObject;
  readonly path: Path;
}

/** Returns a template's own metrics, in order. */
export const metricsOf = memo(collectMetrics);

// What a rule does for a metric with nothing in it, in operations.
const COST_OF_METRIC = 2;

/** Does the same, for rules that go through them: the operations are counted before they are done. */
export function countedMetrics(template: KubeObject, { spend }: Counting): readonly Metric[] {
  spend(COST_OF_METRIC * asArray(dig(template, 'spec', 'metrics')).length);
  return metricsOf(template);
}

function collectMetrics(template: KubeObject): readonly Metric[] {
  return asArray(dig(template, 'spec', 'metrics')).map((entry, index) => {
    const raw = asObject(entry);
    return { name: asString(raw['name']), raw, template, path: ['spec', 'metrics', index] };
  });
}

/** Returns the metrics of several templates, in order. */
export const combinedMetrics = memo((templates: readonly KubeObject[]): readonly Metric[] =>
  templates.flatMap(metricsOf),
);

/** Returns the kind and name of an object, for messages. */
export function named(object: KubeObject): string {
  return `${object.kind} "${object.metadata.name}"`;
}

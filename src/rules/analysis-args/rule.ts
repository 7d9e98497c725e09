import {
  countedAnalyses,
  ANALYSIS_PLACES,
  combineArgs,
  named,
  NESTED_TEMPLATE_PLACES,
  TEMPLATE_ARG_PLACES,
  TEMPLATE_KINDS,
  templateArgs,
  templateResolver,
  type TemplateArg,
} from '../../world/analysis.ts';
import { present, type Analysis, type AnalysisRole, type SuppliedArg } from '../../world/collect-analyses.ts';
import { memo } from '../../world/memo.ts';
import { nearest } from '../../world/nearest.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { inEach } from '../../world/place.ts';
import { dig } from '../../world/read.ts';
import { COST_OF_ANALYSIS } from '../budget.ts';
import { defineRule, type Message, type RuleContext } from '../define.ts';
import { once } from '../once.ts';
import { listed, quoted } from '../wording.ts';

const messages = {
  missing: {
    class: 'invalid',
    text: '{analysis} does not supply argument "{arg}", which {template} requires',
    fix: 'add it to args{hint}',
  },
  conflict: {
    class: 'invalid',
    text: '{first} and {second} have different defaults for argument "{arg}", and {analysis} uses both',
    fix: 'use the same default in both, or set it in only one',
  },
  both: {
    class: 'invalid',
    text: '{template} sets both value and valueFrom for argument "{arg}", which {analysis} does not allow',
    fix: 'remove one of them',
  },
  source: {
    class: 'invalid',
    text: '{template} takes argument "{arg}" from a source that is not a Secret, which the controller ignores in a template',
    fix: 'add the argument to args of {analysis}',
  },
  emptied: {
    class: 'invalid',
    text: '{analysis} supplies argument "{arg}" twice, and the last one has no value, so the argument is empty',
    fix: 'remove the last one, or give it a value',
  },
  twice: {
    class: 'advice',
    text: '{analysis} supplies argument "{arg}" twice, and only the last value counts',
    fix: 'remove one of them',
  },
  empty: {
    class: 'advice',
    text: '{analysis} supplies argument "{arg}" without a value, so it is empty, even if its template has a default',
    fix: 'give it a value, or remove it',
  },
  unknown: {
    class: 'advice',
    text: '{analysis} supplies argument "{arg}", which no template declares (declared: {declared})',
    fix: 'rename it{hint}, or remove it',
  },
} as const satisfies Record<string, Message>;

type Context = RuleContext<typeof messages>;

export const analysisArgs = defineRule({
  id: 'analysis-args',
  summary: 'Every argument that an analysis requires is supplied, and the defaults of its templates agree.',
  explanation:
    'The controller marks a Rollout InvalidSpec if an argument without a default is not supplied. It does the same ' +
    'if two templates of one analysis have different defaults for an argument. An experiment ends in an error ' +
    'instead. In a background analysis each template is checked by itself, so the default of another template does ' +
    'not help. In a Rollout, the last of two arguments with one name counts, and one without a value is empty. A ' +
    'template can read an argument from a Secret; a fieldRef works only in a Rollout. Source: Argo Rollouts ' +
    'v1.9.1, utils/analysis (flattenArgs, MergeArgs, BuildArgumentsForRolloutAnalysisRun), ' +
    'pkg/apis/rollouts/validation (ValidateAnalysisTemplatesWithType), analysis (resolveArgs), experiments ' +
    '(ResolveAnalysisRunArgs).',
  stricterThanUpstream: {
    emptied: {
      why: 'The validation does not look for names that come twice. The analysis runs with an empty argument in place of the value that is there as well.',
      seenBy: ['e2e'],
    },
  },
  subject: ANALYSIS_PLACES,
  reads: inEach(TEMPLATE_KINDS, [...TEMPLATE_ARG_PLACES, ...NESTED_TEMPLATE_PLACES]),
  example: {
    fixture: 'bad-renamed.yaml',
    referenced: 'AnalysisTemplate apdex',
    before: [[/service_name/g, 'service-name']],
  },
  messages,
  check(context, holder) {
    const single = once(context, holder);
    const resolveAll = templateResolver(namespaceOf(holder), context, (template) => templateArgs(template).length);
    // Another analysis with the same templates finds the same in them.
    const sourced = new Set<readonly KubeObject[]>();
    for (const analysis of countedAnalyses(holder, context)) {
      context.spend(COST_OF_ANALYSIS);
      if (holder.kind === 'Rollout') checkValues(context, analysis);
      const { templates, complete } = resolveAll(analysis.templates);
      if (!complete || templates.length === 0) continue;
      const supplied = suppliedNames(analysis);
      const misspelt = checkRequired(context, analysis, templates, supplied);
      checkDeclarations(context, analysis, templates, supplied);
      if (VALIDATED.includes(analysis.role) && !sourced.has(templates)) {
        sourced.add(templates);
        checkSources(single, holder, analysis, templates);
      }
      checkUnknown(context, analysis, templates, supplied, misspelt);
    }
  },
});

// In a Rollout the last of two counts, and one without a value is the empty string. An Experiment passes over it.
function checkValues(context: Context, { args, anchor, title }: Analysis): void {
  const firsts = new Map<string, SuppliedArg>();
  const lasts = new Map<string, SuppliedArg>();
  for (const arg of args) {
    if (!firsts.has(arg.name)) firsts.set(arg.name, arg);
    lasts.set(arg.name, arg);
  }
  for (const [name, last] of lasts) {
    const first = firsts.get(name);
    const isTwice = first !== last;
    const isEmpty = !hasValue(last);
    if (!isTwice && !isEmpty) continue;
    const isEmptied = isTwice && isEmpty && first !== undefined && hasValue(first);
    context.report(isEmptied ? 'emptied' : isTwice ? 'twice' : 'empty', {
      path: last.path,
      anchor: `${anchor} ${name}`,
      data: { analysis: title, arg: name },
    });
  }
}

// The empty string is a value, if somebody has written it.
function hasValue({ raw }: SuppliedArg): boolean {
  const sources = ['podTemplateHashValue', 'fieldRef'].map((source) => dig(raw, 'valueFrom', source));
  return [raw['value'], ...sources].some(present);
}

// Reports arguments that are not supplied. Returns the supplied names that are probably misspellings of them.
function checkRequired(
  context: Context,
  analysis: Analysis,
  templates: readonly KubeObject[],
  supplied: ReadonlySet<string>,
): ReadonlySet<string> {
  const { background, combined } = requiredBy(templates);
  const missing = (analysis.role === 'background' ? background : combined).filter(({ name }) => !supplied.has(name));
  if (missing.length === 0) return NONE;
  const { args } = combineArgs(templates);
  const unknown = new Set([...supplied].filter((name) => !args.has(name)));
  const notPassedOn = new Set(analysis.args.filter(({ passedOn }) => !passedOn).map(({ name }) => name));
  const guessed = guesses(
    context,
    missing.map(({ name }) => name),
    unknown,
  );
  // One missing and one unknown argument are treated as a misspelling, even if they have little in common.
  const [pair] = missing.length === 1 && unknown.size === 1 ? unknown : [];
  for (const arg of missing) {
    const guess = guessed.get(arg.name) ?? pair;
    const defaulted = args.get(arg.name);
    let hint = '';
    if (guess !== undefined) hint = `, or rename "${guess}", which no template declares`;
    else if (notPassedOn.has(arg.name)) hint = ' with a value (valueFrom has no effect in an Experiment)';
    else if (defaulted?.hasValue === true)
      hint = ` (a background analysis does not use the default of ${named(defaulted.template)})`;
    context.report('missing', {
      path: analysis.argsPath,
      anchor: `${analysis.anchor} ${arg.name}`,
      data: { template: named(arg.template), arg: arg.name, analysis: analysis.title, hint },
      related: [{ object: arg.template, path: arg.path }],
    });
  }
  return new Set(pair === undefined ? guessed.values() : [pair]);
}

const NONE: ReadonlySet<string> = new Set();

interface Required {
  readonly combined: readonly TemplateArg[];
  readonly background: readonly TemplateArg[];
}

// Returns the arguments without a default, each once. In a background analysis a default counts only in the template
// that has it.
const requiredBy = memo((templates: readonly KubeObject[]): Required => {
  const bare = ({ hasValue, hasValueFrom }: TemplateArg): boolean => !hasValue && !hasValueFrom;
  const needed = new Map([...combineArgs(templates).args].filter(([, arg]) => bare(arg)));
  const combined = [...needed.values()];
  for (const arg of templates.flatMap(templateArgs)) if (bare(arg) && !needed.has(arg.name)) needed.set(arg.name, arg);
  return { combined, background: [...needed.values()] };
});

const ignoredSources = memo((templates: readonly KubeObject[]): readonly TemplateArg[] =>
  [...combineArgs(templates).args.values()].filter(
    ({ hasValue, hasValueFrom, fromSecret }) => !hasValue && hasValueFrom && !fromSecret,
  ),
);

function checkDeclarations(
  context: Context,
  analysis: Analysis,
  templates: readonly KubeObject[],
  supplied: ReadonlySet<string>,
): void {
  for (const { first, second } of combineArgs(templates).conflicts) {
    context.report('conflict', {
      path: analysis.templatesPath,
      anchor: `${analysis.anchor} ${first.name}`,
      data: { first: named(first.template), second: named(second.template), arg: first.name, analysis: analysis.title },
      related: [first, second].map(({ template, path }) => ({ object: template, path: [...path, 'value'] })),
    });
  }
  for (const arg of ignoredSources(templates)) {
    if (supplied.has(arg.name)) continue;
    context.report('source', {
      path: analysis.argsPath,
      anchor: `${analysis.anchor} ${arg.name}`,
      data: { template: named(arg.template), arg: arg.name, analysis: analysis.title },
      related: [{ object: arg.template, path: [...arg.path, 'valueFrom'] }],
    });
  }
}

// The controller validates these before it accepts the Rollout. It validates background analyses in another way, and
// experiments not at all.
const VALIDATED: readonly AnalysisRole[] = ['step', 'prePromotion', 'postPromotion'];

function checkSources(
  context: Context,
  holder: KubeObject,
  analysis: Analysis,
  templates: readonly KubeObject[],
): void {
  for (const arg of templates.flatMap(templateArgs)) {
    if (!arg.hasValue || !arg.hasValueFrom) continue;
    context.report('both', {
      object: arg.template,
      path: arg.path,
      anchor: arg.name,
      data: { template: named(arg.template), arg: arg.name, analysis: analysis.title },
      related: [{ object: holder, path: analysis.templatesPath }],
    });
  }
}

function checkUnknown(
  context: Context,
  analysis: Analysis,
  templates: readonly KubeObject[],
  supplied: ReadonlySet<string>,
  misspelt: ReadonlySet<string>,
): void {
  const { args } = combineArgs(templates);
  const unknown = new Set([...supplied].filter((name) => !args.has(name) && !misspelt.has(name)));
  if (unknown.size === 0) return;
  const free = new Set([...args.keys()].filter((name) => !supplied.has(name)));
  const likely = guesses(context, [...unknown], free);
  const declared = listed(args.keys(), quoted);
  const related = templates.map((template) => ({ object: template, path: ['spec', 'args'] }));
  for (const { name, path } of analysis.args) {
    if (!unknown.delete(name)) continue;
    const guess = likely.get(name);
    context.report('unknown', {
      path: [...path, 'name'],
      anchor: `${analysis.anchor} ${name}`,
      data: { analysis: analysis.title, arg: name, declared, hint: guess === undefined ? '' : ` to "${guess}"` },
      related,
    });
  }
}

function suppliedNames(analysis: Analysis): ReadonlySet<string> {
  return new Set(analysis.args.filter(({ passedOn }) => passedOn).map(({ name }) => name));
}

// Bounds the cost: if more names are unknown, they are hardly misspellings.
const MAX_GUESSES = 10;
// What is compared with another name in a microsecond.
const CHARACTERS_OF_OPERATION = 32;

// Returns, for each name, the candidate that it probably misspells.
function guesses(
  { spend }: Context,
  wanted: readonly string[],
  candidates: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const name of wanted.toSorted().slice(0, MAX_GUESSES)) {
    spend(Math.ceil(candidates.size * (1 + name.length / CHARACTERS_OF_OPERATION)));
    const guess = nearest(name, candidates);
    if (guess !== undefined) found.set(name, guess);
  }
  return found;
}

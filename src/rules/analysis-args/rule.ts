import {
  analysesOf,
  combineArgs,
  named,
  resolveTemplates,
  TEMPLATE_KINDS,
  templateArgs,
  type Analysis,
  type AnalysisRole,
  type CombinedArgs,
  type TemplateArg,
} from '../../world/analysis.ts';
import { nearest } from '../../world/nearest.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { defineRule, type Message, type RuleContext } from '../define.ts';
import { once } from '../once.ts';
import { listed, quoted } from '../wording.ts';

const messages = {
  missing: {
    class: 'invalid',
    text: '{template} needs the argument "{arg}", which {analysis} does not supply',
    fix: 'supply it in args{hint}',
  },
  conflict: {
    class: 'invalid',
    text: '{first} and {second}, which {analysis} combines, give the argument "{arg}" different values',
    fix: 'give it the same value in both, or a value in only one of them',
  },
  both: {
    class: 'invalid',
    text: '{template} gives the argument "{arg}" both value and valueFrom, which {analysis} does not allow',
    fix: 'keep one of them',
  },
  source: {
    class: 'invalid',
    text: '{template} takes the argument "{arg}" from something other than a Secret, which the controller does not read in a template',
    fix: 'supply it in args of {analysis}',
  },
  unknown: {
    class: 'advice',
    text: '{analysis} supplies the argument "{arg}", which none of its templates declares (they declare {declared})',
    fix: 'rename it{hint}, or remove it',
  },
} as const satisfies Record<string, Message>;

type Context = RuleContext<typeof messages>;

export const analysisArgs = defineRule({
  id: 'analysis-args',
  summary:
    'Every argument that the templates of an analysis require is supplied, and their defaults do not contradict each other.',
  explanation:
    'The controller marks a Rollout InvalidSpec when an argument without a default is not supplied, or when two templates of one analysis give an argument different defaults; an experiment ends in an error. In a ' +
    'background analysis each template is checked by itself, so that the default of another template does not help. A template can take an argument from a Secret; a fieldRef works only in a Rollout. Source: Argo Rollouts ' +
    'v1.9.1, utils/analysis (flattenArgs, MergeArgs, BuildArgumentsForRolloutAnalysisRun), pkg/apis/rollouts/validation (ValidateAnalysisTemplatesWithType), analysis (resolveArgs), experiments (ResolveAnalysisRunArgs).',
  subject: ['Rollout.argoproj.io', 'Experiment.argoproj.io'],
  reads: [...TEMPLATE_KINDS],
  example: {
    fixture: 'bad-renamed.yaml',
    referenced: 'AnalysisTemplate apdex',
    before: [[/service_name/g, 'service-name']],
  },
  messages,
  check(context, holder) {
    const single = once(context, holder);
    for (const analysis of analysesOf(holder)) {
      const { templates, complete } = resolveTemplates(analysis.templates, namespaceOf(holder), context);
      if (!complete || templates.length === 0) continue;
      const combined = combineArgs(templates);
      const misspelt = checkRequired(context, analysis, templates, combined);
      checkDeclarations(context, analysis, combined);
      checkSources(single, holder, analysis, templates);
      checkUnknown(context, analysis, templates, combined, misspelt);
    }
  },
});

// Reports what is not supplied. Out: the supplied names that are probably meant for it.
function checkRequired(
  context: Context,
  analysis: Analysis,
  templates: readonly KubeObject[],
  { args }: CombinedArgs,
): ReadonlySet<string> {
  const supplied = suppliedNames(analysis);
  const unknown = new Set([...supplied].filter((name) => !args.has(name)));
  const notPassedOn = new Set(analysis.args.filter(({ passedOn }) => !passedOn).map(({ name }) => name));
  const missing = required(analysis, templates, args).filter(({ name }) => !supplied.has(name));
  const guessed = guesses(
    missing.map(({ name }) => name),
    unknown,
  );
  // One too few and one too many are taken for a pair, however little they are alike.
  const [pair] = missing.length === 1 && unknown.size === 1 ? unknown : [];
  for (const arg of missing) {
    const guess = guessed.get(arg.name) ?? pair;
    const defaulted = args.get(arg.name);
    let hint = '';
    if (guess !== undefined) hint = ` (there is "${guess}", which no template declares: perhaps that is meant)`;
    else if (notPassedOn.has(arg.name)) hint = ' as a value (in an Experiment valueFrom is not read)';
    else if (defaulted?.hasValue === true)
      hint = ` (the default in ${named(defaulted.template)} does not count for it in a background analysis)`;
    context.report('missing', {
      path: analysis.argsPath,
      anchor: `${analysis.anchor} ${arg.name}`,
      data: { template: named(arg.template), arg: arg.name, analysis: analysis.title, hint },
      related: [{ object: arg.template, path: arg.path }],
    });
  }
  return new Set(pair === undefined ? guessed.values() : [pair]);
}

// The arguments without a default, each once; in a background analysis also those for which only another template has
// one.
function required(
  analysis: Analysis,
  templates: readonly KubeObject[],
  combined: ReadonlyMap<string, TemplateArg>,
): TemplateArg[] {
  const bare = ({ hasValue, hasValueFrom }: TemplateArg): boolean => !hasValue && !hasValueFrom;
  const needed = new Map([...combined].filter(([, arg]) => bare(arg)));
  if (analysis.role === 'background') {
    for (const arg of templates.flatMap(templateArgs))
      if (bare(arg) && !needed.has(arg.name)) needed.set(arg.name, arg);
  }
  return [...needed.values()];
}

function checkDeclarations(context: Context, analysis: Analysis, { args, conflicts }: CombinedArgs): void {
  for (const { first, second } of conflicts) {
    context.report('conflict', {
      path: analysis.templatesPath,
      anchor: `${analysis.anchor} ${first.name}`,
      data: { first: named(first.template), second: named(second.template), arg: first.name, analysis: analysis.title },
      related: [first, second].map(({ template, path }) => ({ object: template, path: [...path, 'value'] })),
    });
  }
  const supplied = suppliedNames(analysis);
  for (const arg of args.values()) {
    if (arg.hasValue || !arg.hasValueFrom || arg.fromSecret || supplied.has(arg.name)) continue;
    context.report('source', {
      path: analysis.argsPath,
      anchor: `${analysis.anchor} ${arg.name}`,
      data: { template: named(arg.template), arg: arg.name, analysis: analysis.title },
      related: [{ object: arg.template, path: [...arg.path, 'valueFrom'] }],
    });
  }
}

// The controller validates these before it accepts the Rollout; background analyses it validates otherwise, experiments
// not at all.
const VALIDATED: readonly AnalysisRole[] = ['step', 'prePromotion', 'postPromotion'];

function checkSources(
  context: Context,
  holder: KubeObject,
  analysis: Analysis,
  templates: readonly KubeObject[],
): void {
  if (!VALIDATED.includes(analysis.role)) return;
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
  { args }: CombinedArgs,
  misspelt: ReadonlySet<string>,
): void {
  const supplied = suppliedNames(analysis);
  const unknown = new Set([...supplied].filter((name) => !args.has(name) && !misspelt.has(name)));
  const free = new Set([...args.keys()].filter((name) => !supplied.has(name)));
  const likely = guesses([...unknown], free);
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

// A misspelt name is looked for a few times; whoever gets everything wrong did not misspell.
const MAX_GUESSES = 10;

// Which of the candidates each name is probably a misspelling of.
function guesses(wanted: readonly string[], candidates: ReadonlySet<string>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const name of wanted.toSorted().slice(0, MAX_GUESSES)) {
    const guess = nearest(name, candidates);
    if (guess !== undefined) found.set(name, guess);
  }
  return found;
}

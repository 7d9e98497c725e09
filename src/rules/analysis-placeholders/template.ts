import {
  combinedMetrics,
  metricsOf,
  named,
  nestedTemplates,
  resolveTemplates,
  templateArgs,
  type TemplateArg,
} from '../../world/analysis.ts';
import { combinedTemplatesOf } from '../../world/combined-templates.ts';
import { memo } from '../../world/memo.ts';
import { nearest } from '../../world/nearest.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { asArray, dig, isObject } from '../../world/read.ts';
import type { ObjectPath } from '../finding.ts';
import { listed, quoted } from '../wording.ts';
import type { Context } from './messages.ts';
import { unbracedIn, usesOf, type Use, type Uses } from './uses.ts';

// What it takes to look at a metric or an argument, in operations.
const COST_OF_PART = 3;

/** Checks a template by itself. Arguments that a combined template declares or uses are not reported. */
export function checkTemplate(context: Context, template: KubeObject): void {
  for (const parts of [dig(template, 'spec', 'metrics'), dig(template, 'spec', 'args')])
    context.spend(COST_OF_PART * asArray(parts).length);
  const found = usesOf(template, context);
  reportBroken(context, template, found, []);
  const own = templateArgs(template);
  const names = new Set(own.map(({ name }) => name));
  const undeclared = found.uses.filter(({ arg }) => arg !== undefined && !names.has(arg));
  const unused = own.filter(({ name }) => !found.args.has(name));
  if (undeclared.length > 0) checkUndeclared(context, template, names, undeclared);
  // A template with only arguments is meant to be combined with others.
  if (unused.length > 0 && (metricsOf(template).length > 0 || nestedTemplates(template).length > 0))
    checkUnused(context, template, unused);
}

/** Reports placeholders that are not arguments, and those that are not closed. */
export function reportBroken(
  context: Context,
  template: KubeObject,
  { uses, unclosed }: Uses,
  related: readonly ObjectPath[],
): void {
  for (const { metric, at, tag, arg, versions } of uses) {
    if (arg !== undefined) continue;
    context.report('unresolvable', {
      object: template,
      path: at.path,
      anchor: tag,
      data: { metric: metric.name, tag, example: '{{args.NAME}}' },
      related,
      versions,
    });
  }
  for (const { metric, at, versions } of unclosed) {
    context.report('unclosed', {
      object: template,
      path: at.path,
      anchor: metric.name,
      data: { metric: metric.name, open: '{{', close: '}}' },
      related,
      versions,
    });
  }
}

/**
 * Reports placeholders whose arguments are not declared.
 *
 * @param declared - the names of the arguments that the template declares
 */
export function reportUndeclared(
  context: Context,
  template: KubeObject,
  declared: ReadonlySet<string>,
  uses: readonly Use[],
  related: readonly ObjectPath[],
): void {
  // Made once, because a text may hold tens of thousands.
  const common = { template: named(template), declared: listed(declared, quoted) };
  const places = [...related, { object: template, path: ['spec', 'args'] }];
  for (const { metric, at, tag, arg = '', versions } of uses) {
    const guess = uses.length > MAX_GUESSES ? undefined : nearest(arg, declared);
    context.report('undeclared', {
      object: template,
      path: at.path,
      anchor: arg,
      data: {
        ...common,
        metric: metric.name,
        tag,
        arg,
        hint: guess === undefined ? '' : `, or use {{args.${guess}}}`,
      },
      related: places,
      versions,
    });
  }
}

// Bounds the cost: if more names are undeclared, they are hardly misspellings.
const MAX_GUESSES = 20;

// Once for all templates that are combined.
const argNamesIn = memo(
  (templates: readonly KubeObject[]): ReadonlySet<string> =>
    new Set(templates.flatMap(templateArgs).map(({ name }) => name)),
);

// The first of each name.
const argsByName = memo(
  (template: KubeObject): ReadonlyMap<string, TemplateArg> =>
    new Map(
      templateArgs(template)
        .toReversed()
        .map((arg) => [arg.name, arg]),
    ),
);

const usersIn = memo((_templates: readonly KubeObject[]): { byArg?: UsersByArg } => ({}));

type UsersByArg = ReadonlyMap<string | undefined, readonly KubeObject[]>;

function usersByArg(context: Context, templates: readonly KubeObject[]): UsersByArg {
  const cached = usersIn(templates);
  cached.byArg ??= findUsers(context, templates);
  return cached.byArg;
}

function findUsers(context: Context, templates: readonly KubeObject[]): UsersByArg {
  const users = new Map<string | undefined, KubeObject[]>();
  for (const template of templates) {
    for (const arg of usesOf(template, context).args) {
      const before = users.get(arg) ?? [];
      before.push(template);
      users.set(arg, before);
    }
  }
  return users;
}

function checkUndeclared(context: Context, template: KubeObject, own: ReadonlySet<string>, uses: readonly Use[]): void {
  const combined = combinedTemplatesOf(template, context);
  if (!combined.complete) return;
  const elsewhere = argNamesIn(combined.templates);
  const nowhere = uses.filter(({ arg = '' }) => !elsewhere.has(arg));
  if (combined.used || own.size > 0) {
    reportUndeclared(context, template, own, nowhere, []);
    return;
  }
  // Nothing refers to the template yet, and it declares no arguments: it may be combined with a template that is created
  // later.
  for (const { metric, at, tag, arg = '', versions } of nowhere) {
    context.report('undeclared-part', {
      path: at.path,
      anchor: arg,
      data: { metric: metric.name, tag, template: named(template) },
      versions,
    });
  }
}

// A plugin gets the whole AnalysisRun, with all arguments.
const havePlugin = memo((templates: readonly KubeObject[]) =>
  combinedMetrics(templates).some(({ raw }) => isObject(dig(raw, 'provider', 'plugin'))),
);

function checkUnused(context: Context, template: KubeObject, unused: readonly TemplateArg[]): void {
  const { templates, complete } = combinedTemplatesOf(template, context);
  if (!complete) return;
  const users = usersByArg(context, templates);
  let nested: ReadonlySet<KubeObject> | undefined;
  const includes = (other: KubeObject): boolean => {
    nested ??= new Set(resolveTemplates(nestedTemplates(template), namespaceOf(template), context).templates);
    return nested.has(other);
  };
  // Another template needs this declaration if it has none itself, or none with a value.
  const needs = (other: KubeObject, arg: TemplateArg): boolean => {
    if (other === template) return false;
    const theirs = argsByName(other).get(arg.name);
    if (theirs === undefined || includes(other)) return true;
    return (arg.hasValue || arg.hasValueFrom) && !theirs.hasValue && !theirs.hasValueFrom;
  };
  if (havePlugin(templates)) return;
  const left: TemplateArg[] = [];
  for (const arg of unused) {
    if (users.get(arg.name)?.some((other) => needs(other, arg)) === true) continue;
    const { name, path } = arg;
    const tag = `{{args.${name}}}`;
    const place = unbracedIn(template).get(name);
    if (place === undefined) {
      left.push(arg);
      continue;
    }
    const { metric, field } = place;
    context.report('unbraced', {
      path: [...metric.path, field],
      anchor: name,
      data: { metric: metric.name, field, arg: name, tag },
      related: [{ object: template, path: [...path, 'name'] }],
    });
  }
  const [first] = left;
  if (first === undefined) return;
  const names = listed(left, ({ name }) => quoted(name));
  context.report('unused', {
    path: [...first.path, 'name'],
    anchor: names,
    data: {
      template: named(template),
      args: left.length === 1 ? `argument ${names}` : `arguments ${names}`,
      them: left.length === 1 ? 'it' : 'them',
      tag: left.length === 1 ? `{{args.${first.name}}}` : '{{args.NAME}}',
    },
  });
}

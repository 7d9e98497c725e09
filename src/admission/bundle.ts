import { documentFindings } from '../documents/index.ts';
import { worldUnder, type Policy } from '../policy/policy.ts';
import {
  inReadingOrder,
  reportedFinding,
  reportedSkips,
  type BundleReport,
  type ReportedFinding,
} from '../report/model.ts';
import type { Rule } from '../rules/define.ts';
import { evaluate } from '../rules/engine.ts';
import { dependsOnSome, identity, type Finding } from '../rules/finding.ts';
import type { InstalledFields } from '../world/field-tree.ts';
import { placeObjects, type Manifests, type SourceObject } from '../world/manifests.ts';
import { getOrAdd } from '../world/get-or-add.ts';
import { keyOf, kindOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { Overlay } from '../world/store.ts';
import type { World } from '../world/world.ts';
import { changeOf, worldAfter, type Change } from './change.ts';
import {
  asWarning,
  decideFindings,
  decisionContextOf,
  type DecidedFinding,
  type DecisionContext,
} from './decisions.ts';
import { introducedBy } from './introduced.ts';
import { evaluatePlans, plansIn, withRollouts, type EvaluatedPlan } from './migration/bundle-plans.ts';
import { migrationSettings } from './migration/deployment-change.ts';

/** How a bundle of manifests is evaluated. */
export interface BundleOptions {
  /** The world that the bundle is laid over. */
  readonly base: World;
  readonly rules: readonly Rule[];
  readonly policy: Policy;
  /** The namespace of objects that name none. */
  readonly namespace?: string | undefined;
  readonly requireReferences: boolean;
  /** Which findings in objects of the bundle do not count, as they are not about what is applied. By default all do. */
  readonly isLeftOut?: (finding: Finding) => boolean;
}

/** A bundle that can be evaluated several times. */
export interface Bundle {
  readonly manifests: Manifests;
  readonly sources: readonly SourceObject[];
  /** Returns the problems of the documents themselves. Of everything outside of the bundle, they depend only on the installed fields. */
  documentFindings(installed: InstalledFields): readonly Finding[];
}

/** Prepares manifests for evaluation. */
export function bundleOf(manifests: Manifests, namespace: string | undefined): Bundle {
  const { sources } = placeObjects(manifests.objects, { namespace });
  let last: { readonly installed: InstalledFields; readonly found: readonly Finding[] } | undefined;
  return {
    manifests,
    sources,
    documentFindings(installed) {
      if (last?.installed !== installed) last = { installed, found: documentFindings(manifests, sources, installed) };
      return last.found;
    },
  };
}

/** A bundle after evaluation. */
export interface EvaluatedBundle {
  readonly report: BundleReport;
  readonly sources: readonly SourceObject[];
  readonly changes: readonly Change[];
  /** The Deployments that ask to be converted, and what follows. */
  readonly plans: readonly EvaluatedPlan[];
  /** The findings that do not count and are not in the report. */
  readonly leftOut: readonly ReportedFinding[];
}

/**
 * Returns what manifests introduce when they are laid over the base world, with positions: a bundle is just a bigger
 * change. Findings that depend on an object which is in the bundle more than once are warnings, since it is unknown
 * which one is meant.
 */
export function evaluateBundle(manifests: Manifests, options: BundleOptions): EvaluatedBundle {
  return evaluatePrepared(bundleOf(manifests, options.namespace), options);
}

/** Does the same for a bundle that may be evaluated again. */
export function evaluatePrepared(bundle: Bundle, options: Omit<BundleOptions, 'namespace'>): EvaluatedBundle {
  const { policy } = options;
  const base = worldUnder(policy, options.base);
  const { manifests, sources } = bundle;
  const changes = changesOf(sources, base);
  const written = new Set(sources.map(({ object }) => keyOf(object)));
  // What stands next to it in the bundle was written by the same author.
  const context: DecisionContext = { ...decisionContextOf(policy, base, options.requireReferences), known: written };
  const planned = plansIn(changes, worldAfter(base, changes), (namespace) =>
    migrationSettings(policy, namespace, context.settings(namespace), { controllers: true, converts: true }),
  );
  const introduced = introducedBy(base, withRollouts(changes, planned), options.rules);
  const repeated = repeatedIn(sources);
  const { findings, plans } = evaluatePlans(introduced.findings, planned, policy, context);
  const all = [
    ...findings,
    ...findingsOfVariants(sources, repeated, worldAfter(base, changes), changes, options.rules),
    ...bundle.documentFindings(base.fields),
  ];
  const decided = decideFindings(all, changes, context).map((entry): DecidedFinding =>
    isAmbiguous(entry.finding, repeated) ? asWarning(entry) : entry,
  );
  const linesOf = (some: readonly DecidedFinding[]): ReportedFinding[] =>
    inReadingOrder(unrepeated(some.map(({ finding, decision }) => reportedFinding(finding, decision, sources))));
  const counts = ({ finding }: DecidedFinding): boolean =>
    options.isLeftOut?.(finding) !== true || !written.has(keyOf(finding.object));
  const lines = linesOf(decided.filter(counts));
  return {
    sources,
    changes,
    plans,
    leftOut: linesOf(decided.filter((entry) => !counts(entry))),
    report: {
      verdict: lines.some(({ decision }) => decision === 'deny') ? 'deny' : 'allow',
      findings: lines,
      skipped: reportedSkips(introduced.skipped),
      errors: manifests.errors,
      objects: sources.length,
      ...(policy.isFallback === true ? { fallbackPolicy: true } : {}),
    },
  };
}

// Two Rollouts that use one template find the same mistake in it.
function unrepeated(lines: readonly ReportedFinding[]): ReportedFinding[] {
  // Only lines with the same message are compared as a whole: of tens of thousands the text would take many MiB.
  const repeated = [...Map.groupBy(lines, ({ message }) => message).values()].flatMap((same) => {
    const first = new Map<string, ReportedFinding>();
    return same.length === 1 ? [] : same.filter((line) => line !== getOrAdd(first, JSON.stringify(line), () => line));
  });
  const left = new Set(repeated);
  return lines.filter((line) => !left.has(line));
}

function changesOf(sources: readonly SourceObject[], base: World): Change[] {
  const last = new Map(sources.map(({ object }) => [keyOf(object), object]));
  return [...last.values()].map((object) => {
    const kind = kindOf(object);
    const found = kind === undefined ? undefined : base.get(kind, namespaceOf(object), object.metadata.name);
    const before = found?.state === 'present' ? found.object : undefined;
    return { before, after: withStatusOf(object, before) };
  });
}

// A manifest may contain an outdated status: what counts is the one in the cluster, where there is one.
function withStatusOf(object: KubeObject, before: KubeObject | undefined): KubeObject {
  if (before === undefined) return object;
  return changeOf({ object, oldObject: before }).after ?? object;
}

function repeatedIn(sources: readonly SourceObject[]): ReadonlySet<ObjectKey> {
  const seen = new Set<ObjectKey>();
  const repeated = new Set<ObjectKey>();
  for (const { object } of sources) {
    const key = keyOf(object);
    if (seen.has(key)) repeated.add(key);
    seen.add(key);
  }
  return repeated;
}

function findingsOfVariants(
  sources: readonly SourceObject[],
  repeated: ReadonlySet<ObjectKey>,
  after: World,
  changes: readonly Change[],
  rules: readonly Rule[],
): Finding[] {
  if (repeated.size === 0) return [];
  const evaluated = new Set(changes.map((change) => change.after));
  const variants = sources
    .map(({ object }) => object)
    .filter((object) => repeated.has(keyOf(object)) && !evaluated.has(object));
  const found = variants.flatMap((variant) => evaluate(new Overlay(after, [variant]), [variant], rules).findings);
  return [...new Map(found.map((finding) => [identity(finding), finding])).values()];
}

function isAmbiguous(finding: Finding, repeated: ReadonlySet<ObjectKey>): boolean {
  if (repeated.size === 0) return false;
  return (
    repeated.has(keyOf(finding.subject)) || repeated.has(keyOf(finding.object)) || dependsOnSome(finding, repeated)
  );
}

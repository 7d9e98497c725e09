import { documentFindings } from '../documents/index.ts';
import { DEFAULT_POLICY, type Policy } from '../policy/policy.ts';
import { inReadingOrder, reported, reportedSkips, type BundleReport, type ReportedFinding } from '../report/model.ts';
import type { Rule } from '../rules/define.ts';
import { evaluate } from '../rules/engine.ts';
import { identity, type Finding } from '../rules/finding.ts';
import { placeObjects, type Manifests, type SourceObject } from '../world/manifests.ts';
import { keyOf, kindOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { Overlay } from '../world/store.ts';
import type { World } from '../world/world.ts';
import {
  changesOf as rolloutChanges,
  migrationSettings,
  evaluateMigration,
  plansIn,
  refusal,
  type BundlePlan,
  type EvaluatedPlan,
} from './migration/migrate.ts';
import { changeOf, decisionContextOf } from './gate.ts';
import {
  introducedBy,
  decideFindings,
  worldAfter,
  type Change,
  type DecisionContext,
  type DecidedFinding,
} from './judge.ts';

/** How a bundle of manifests is judged. */
export interface BundleOptions {
  /** The world the bundle is laid over. */
  readonly base: World;
  readonly rules: readonly Rule[];
  readonly policy: Policy;
  /** The namespace of objects that name none. */
  readonly namespace?: string | undefined;
  readonly requireReferences: boolean;
}

/** A bundle, judged. */
export interface EvaluatedBundle {
  readonly report: BundleReport;
  readonly sources: readonly SourceObject[];
  readonly changes: readonly Change[];
  /** The Deployments that are asked to become Rollouts, and what comes of it. */
  readonly plans: readonly EvaluatedPlan[];
}

/**
 * In: manifests, and how to judge them. Out: what laying them over the base world introduces, with positions: a bundle
 * is just a bigger change. Findings that rest on an object which stands in the bundle more than once are warnings,
 * since nobody can know which one is meant.
 */
export function evaluateBundle(manifests: Manifests, options: BundleOptions): EvaluatedBundle {
  const { sources } = placeObjects(manifests.objects, { namespace: options.namespace });
  const changes = changesOf(sources, options.base);
  const circumstances = decisionContextOf(options.policy, options.base, options.requireReferences);
  const planned = plansIn(changes, worldAfter(options.base, changes), (namespace) =>
    migrationSettings(options.policy, circumstances.settings(namespace), { controllers: true, converts: true }),
  );
  const { findings, skipped } = introducedBy(options.base, withRollouts(changes, planned), options.rules);
  const repeated = repeatedIn(sources);
  const { told, plans } = judgePlans(findings, planned, options.policy, circumstances);
  const all = [
    ...told,
    ...findingsOfVariants(sources, repeated, changes, options),
    ...documentFindings(manifests, sources),
  ];
  const judged = decideFindings(all, changes, circumstances).map((entry): DecidedFinding =>
    isAmbiguous(entry.finding, repeated) ? { ...entry, decision: 'warn' } : entry,
  );
  const lines = inReadingOrder(unrepeated(judged.map((entry) => reported(entry, sources))));
  return {
    sources,
    changes,
    plans,
    report: {
      verdict: lines.some(({ decision }) => decision === 'deny') ? 'deny' : 'allow',
      findings: lines,
      skipped: reportedSkips(skipped),
      errors: manifests.errors,
      objects: sources.length,
    },
  };
}

function withRollouts(changes: readonly Change[], plans: readonly BundlePlan[]): Change[] {
  return [
    ...changes,
    ...plans.flatMap(({ change, plan }) => (plan.kind === 'converts' ? rolloutChanges(change, plan).slice(1) : [])),
  ];
}

function judgePlans(
  findings: readonly Finding[],
  planned: readonly BundlePlan[],
  policy: Policy,
  circumstances: DecisionContext,
): { readonly told: readonly Finding[]; readonly plans: readonly EvaluatedPlan[] } {
  let told = [...findings];
  const plans = planned.map((entry): EvaluatedPlan => {
    const { change, plan } = entry;
    // The profiles of a policy that was not given cannot be known: that one is not among the shipped ones says little.
    if (plan.kind === 'refused')
      told.push(refusal(change.after, plan.message, plan.fix, policy === DEFAULT_POLICY ? 'missing' : 'invalid'));
    if (plan.kind !== 'converts') return { ...entry, refused: plan.kind === 'refused', incomplete: false };
    const judged = evaluateMigration(told, change, plan, circumstances);
    told = [...judged.findings];
    return { ...entry, refused: judged.refused, incomplete: judged.incomplete };
  });
  return { told, plans };
}

// Two Rollouts that use one template find the same mistake in it.
function unrepeated(lines: readonly ReportedFinding[]): ReportedFinding[] {
  return [...new Map(lines.map((line) => [JSON.stringify(line), line])).values()];
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

// A manifest may hold the status of some other day: what counts is what the cluster says, where there is one.
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
  changes: readonly Change[],
  options: BundleOptions,
): Finding[] {
  if (repeated.size === 0) return [];
  const after = worldAfter(options.base, changes);
  const judged = new Set(changes.map((change) => change.after));
  const variants = sources
    .map(({ object }) => object)
    .filter((object) => repeated.has(keyOf(object)) && !judged.has(object));
  const found = variants.flatMap(
    (variant) => evaluate(new Overlay(after, [variant]), [variant], options.rules).findings,
  );
  return [...new Map(found.map((finding) => [identity(finding), finding])).values()];
}

function isAmbiguous(finding: Finding, repeated: ReadonlySet<ObjectKey>): boolean {
  if (repeated.size === 0) return false;
  return [keyOf(finding.subject), keyOf(finding.object), ...finding.dependsOn].some((key) => repeated.has(key));
}

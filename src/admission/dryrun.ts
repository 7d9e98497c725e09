import type { Operation } from 'fast-json-patch';
import { withReplicas } from '../migration/render.ts';
import type { Preserver } from '../preserve/define.ts';
import type { Policy } from '../policy/policy.ts';
import { bounded, firstFindings } from '../report/bounded.ts';
import type { BundleReport, ReportedFinding } from '../report/model.ts';
import type { Rule } from '../rules/define.ts';
import { parseManifests, type Manifests } from '../world/manifests.ts';
import { keyOf, namespaceOf, refOf, type KubeObject, type ObjectRef } from '../world/object.ts';
import { isObject, asObject } from '../world/read.ts';
import type { World } from '../world/world.ts';
import { bundleOf, evaluatePrepared, type Bundle, type EvaluatedBundle } from './bundle.ts';
import { worldAfter } from './change.ts';
import { settingsIn } from './decisions.ts';
import { migrate, type MigratedDeployment } from './migration/migrate.ts';
import { finish } from '../rules/engine.ts';
import { activePreservers, driversOf, preserveAll, type PreserveTask } from './preserve.ts';
import { RecordingWorld, type RecordedAnswers, type Question } from './recording-world.ts';

/** A request for a dry run. Plain data, to be sent to a worker. */
export interface DryRunInput {
  /** YAML, JSON, or an AdmissionReview as JSON. */
  readonly text: string;
  /** The namespace of objects that name none. */
  readonly namespace: string | undefined;
  readonly requireReferences: boolean;
  readonly policy: Policy;
  /** Another policy, to be compared with the one in effect. */
  readonly candidate: Policy | undefined;
}

/** What would be stored of one object. */
export interface DryRunObject {
  readonly object: ObjectRef;
  readonly document: number;
  /** What Rollgate would change, as a JSON Patch. Empty where it would change nothing. */
  readonly patch: readonly Operation[];
  /** What would be kept for which Rollout, and what becomes of a Deployment. */
  readonly kept: readonly string[];
  readonly patched: KubeObject;
}

/** What another policy would change. */
export interface PolicyDifference {
  readonly verdict: 'allow' | 'deny';
  /** Findings that it decides differently, or reports where the one in effect does not. */
  readonly changed: readonly ReportedFinding[];
  /** Findings that it no longer reports. */
  readonly dropped: readonly ReportedFinding[];
  /** How many more there are. */
  readonly more?: number;
}

/** The answer of a dry run. */
export interface DryRunAnswer extends BundleReport {
  readonly results: readonly DryRunObject[];
  /** The Rollouts that Deployments would become. Whether the user may create them is not checked. */
  readonly rollouts: readonly KubeObject[];
  readonly candidate?: PolicyDifference;
}

/** By what a dry run evaluates objects. */
export interface Catalogue {
  readonly rules: readonly Rule[];
  readonly keeps: readonly Preserver[];
}

/** A dry run whose manifests have been read. They need far less memory than the trees of their parser. */
export type PreparedDryRun = Omit<DryRunInput, 'text' | 'namespace'> & { readonly bundle: Bundle };

/** Reads the manifests of a dry run: once, however often it is evaluated. */
export function prepareDryRun({ text, namespace, ...rest }: DryRunInput): PreparedDryRun {
  return { ...rest, bundle: bundleOf(readBody(text), namespace) };
}

/**
 * Evaluates objects as admission would, and applies nothing.
 *
 * @param base - The world, or what is known of it so far.
 */
export function dryRun(prepared: PreparedDryRun, base: World, catalogue: Catalogue): DryRunAnswer {
  const { policy, candidate } = prepared;
  const bundle = evaluateWith(policy, prepared, base, catalogue);
  const difference =
    candidate === undefined
      ? undefined
      : compare(bundle.report, evaluateWith(candidate, prepared, base, catalogue).report);
  return {
    ...bounded(bundle.report),
    results: resultsOf(bundle, policy, base, catalogue.keeps),
    rollouts: bundle.plans.flatMap(({ plan, refused }) =>
      plan.kind === 'converts' && !refused ? [withReplicas(plan.rollout, plan.replicas)] : [],
    ),
    ...(difference === undefined ? {} : { candidate: difference }),
  };
}

/** Returns the answer by what is known so far, and what else would have to be known. To be repeated until that is nothing. */
export function runDryRun(
  prepared: PreparedDryRun,
  { answers, ...known }: { readonly answers: RecordedAnswers } & Pick<World, 'versions' | 'fields'>,
  catalogue: Catalogue,
): { readonly answer: DryRunAnswer; readonly questions: readonly Question[] } {
  const world = new RecordingWorld(answers, known);
  return { answer: dryRun(prepared, world, catalogue), questions: world.questions() };
}

function evaluateWith(
  policy: Policy,
  { bundle, requireReferences }: PreparedDryRun,
  base: World,
  { rules }: Catalogue,
): EvaluatedBundle {
  return evaluatePrepared(bundle, { base, rules, policy, requireReferences });
}

// The old object of a review is ignored: what is stored is what the world says.
function readBody(text: string): Manifests {
  return parseManifests(reviewedObject(text) ?? text, 'request');
}

function reviewedObject(text: string): string | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const body: unknown = JSON.parse(text);
    if (!isObject(body) || body['kind'] !== 'AdmissionReview') return undefined;
    const request = asObject(body['request']);
    const submitted = asObject(request['object']);
    const metadata = {
      ...(typeof request['namespace'] === 'string' ? { namespace: request['namespace'] } : {}),
      ...asObject(submitted['metadata']),
    };
    return JSON.stringify({ ...submitted, metadata }, undefined, 2);
  } catch {
    return undefined;
  }
}

function resultsOf(bundle: EvaluatedBundle, policy: Policy, base: World, keeps: readonly Preserver[]): DryRunObject[] {
  const after = worldAfter(base, bundle.changes);
  const stored = new Map(
    bundle.changes.flatMap(({ before, after: object }) =>
      object === undefined ? [] : [[keyOf(object), before] as const],
    ),
  );
  const plans = new Map(bundle.plans.map((planned) => [planned.change.after, planned]));
  const refused = new Set(
    bundle.report.findings.flatMap(({ decision, object }) => (decision === 'deny' ? [textOf(object)] : [])),
  );
  return bundle.sources.map((source): DryRunObject => {
    const submitted = source.object;
    const result = { object: refOf(submitted), document: source.document };
    const migrated = migratedBy(plans.get(submitted), refused.has(textOf(refOf(submitted))), after);
    if (migrated?.decided === true)
      return { ...result, patch: migrated.operations, kept: migrated.notes, patched: migrated.patched };
    const object = migrated?.patched ?? submitted;
    const task: PreserveTask = {
      object,
      old: stored.get(keyOf(submitted)),
      drivers: driversOf(after, object, policy),
      keeps: activePreservers(keeps, object, settingsIn(policy, base, namespaceOf(object))),
      after,
    };
    const preserved = finish(preserveAll(task));
    return {
      ...result,
      patch: [...(migrated?.operations ?? []), ...preserved.operations],
      kept: [...(migrated?.notes ?? []), ...preserved.notes],
      patched: preserved.patched,
    };
  });
}

function textOf({ kind, namespace, name }: ObjectRef): string {
  return JSON.stringify([kind, namespace, name]);
}

function migratedBy(
  planned: EvaluatedBundle['plans'][number] | undefined,
  denied: boolean,
  after: World,
): MigratedDeployment | undefined {
  if (planned === undefined) return undefined;
  const { change, plan, refused, incomplete } = planned;
  return migrate(change, plan, { refused: denied || refused, denied, reasons: [], incomplete }, after);
}

function compare(now: BundleReport, then: BundleReport): PolicyDifference {
  const id = ({ decision: _, ...finding }: ReportedFinding): string => JSON.stringify(finding);
  const before = new Map(now.findings.map((finding) => [id(finding), finding.decision]));
  const after = new Set(then.findings.map(id));
  const changed = firstFindings(then.findings.filter((finding) => before.get(id(finding)) !== finding.decision));
  const dropped = firstFindings(now.findings.filter((finding) => !after.has(id(finding))));
  const more = changed.more + dropped.more;
  return {
    verdict: then.verdict,
    changed: changed.listed,
    dropped: dropped.listed,
    ...(more === 0 ? {} : { more }),
  };
}

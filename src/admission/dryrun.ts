import type { Operation } from 'fast-json-patch';
import { withReplicas } from '../migration/render.ts';
import type { Preserver } from '../preserve/define.ts';
import type { Policy } from '../policy/policy.ts';
import type { BundleReport, ReportedFinding } from '../report/model.ts';
import type { Rule } from '../rules/define.ts';
import { parseManifests, type Manifests } from '../world/manifests.ts';
import { keyOf, namespaceOf, refOf, sameRef, type KubeObject, type ObjectRef } from '../world/object.ts';
import { isObject, asObject } from '../world/read.ts';
import type { World } from '../world/world.ts';
import { evaluateBundle, type EvaluatedBundle } from './bundle.ts';
import { migrate } from './migration/migrate.ts';
import { decisionContextOf } from './gate.ts';
import { worldAfter } from './judge.ts';
import { activePreservers, driversOf, preserveAll } from './preserve.ts';
import { RecordingWorld, type RecordedAnswers, type Question } from './recording-world.ts';

/** What a dry run is asked; plain data, to be sent to a worker. */
export interface DryRunInput {
  /** YAML, JSON, or an AdmissionReview as JSON. */
  readonly text: string;
  /** The namespace of objects that name none. */
  readonly namespace: string | undefined;
  readonly requireReferences: boolean;
  readonly policy: Policy;
  /** Another policy, to be compared with the one in force. */
  readonly candidate: Policy | undefined;
}

/** What would be stored of one object. */
export interface DryRunObject {
  readonly object: ObjectRef;
  readonly document: number;
  /** What Rollgate would change, as a JSON Patch; empty where it would change nothing. */
  readonly patch: readonly Operation[];
  /** What was kept for which Rollout. */
  readonly kept: readonly string[];
  readonly patched: KubeObject;
}

/** What another policy would change. */
export interface PolicyDifference {
  readonly verdict: 'allow' | 'deny';
  /** Findings that it decides otherwise, or reports where the one in force does not. */
  readonly changed: readonly ReportedFinding[];
  /** Findings that it no longer reports. */
  readonly dropped: readonly ReportedFinding[];
}

/** The answer of a dry run. */
export interface DryRunAnswer extends BundleReport {
  readonly results: readonly DryRunObject[];
  /** The Rollouts that Deployments would become; nobody's right to create them was asked for. */
  readonly rollouts: readonly KubeObject[];
  readonly candidate?: PolicyDifference;
}

/** What a dry run judges by. */
export interface Catalogue {
  readonly rules: readonly Rule[];
  readonly keeps: readonly Preserver[];
}

/**
 * In: what is asked, a world or what is known of one, and the catalogue. Out: verdict, findings with positions, skipped
 * rules, and for each object the patch and what would be stored. Applies nothing.
 */
export function dryRun(input: DryRunInput, base: World, catalogue: Catalogue): DryRunAnswer {
  const manifests = readBody(input.text);
  const judged = judgeWith(input.policy, manifests, input, base, catalogue);
  const difference =
    input.candidate === undefined
      ? undefined
      : compare(judged.report, judgeWith(input.candidate, manifests, input, base, catalogue).report);
  return {
    ...judged.report,
    results: resultsOf(judged, input.policy, base, catalogue.keeps),
    rollouts: judged.plans.flatMap(({ plan, refused }) =>
      plan.kind === 'converts' && !refused ? [withReplicas(plan.rollout, plan.replicas)] : [],
    ),
    ...(difference === undefined ? {} : { candidate: difference }),
  };
}

/**
 * In: what is asked, what is known so far, and the catalogue. Out: the answer by that, and what would have to be known
 * besides: ask again until there is nothing.
 */
export function runDryRun(
  input: DryRunInput,
  answers: RecordedAnswers,
  catalogue: Catalogue,
): { readonly answer: DryRunAnswer; readonly questions: readonly Question[] } {
  const world = new RecordingWorld(answers);
  return { answer: dryRun(input, world, catalogue), questions: world.questions() };
}

function judgeWith(
  policy: Policy,
  manifests: Manifests,
  input: DryRunInput,
  base: World,
  catalogue: Catalogue,
): EvaluatedBundle {
  return evaluateBundle(manifests, {
    base,
    rules: catalogue.rules,
    policy,
    namespace: input.namespace,
    requireReferences: input.requireReferences,
  });
}

// A review is not laid over the world with its own old object: what is stored there is what the world says.
function readBody(text: string): Manifests {
  const manifests = parseManifests(reviewedObject(text) ?? text, 'request');
  return manifests;
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

function resultsOf(judged: EvaluatedBundle, policy: Policy, base: World, keeps: readonly Preserver[]): DryRunObject[] {
  const after = worldAfter(base, judged.changes);
  const { settings } = decisionContextOf(policy, base, false);
  const stored = new Map(
    judged.changes.flatMap(({ before, after: object }) =>
      object === undefined ? [] : [[keyOf(object), before] as const],
    ),
  );
  return judged.sources.map((source): DryRunObject => {
    const submitted = source.object;
    const before = stored.get(keyOf(submitted));
    const asked = judged.plans.find(({ change }) => change.after === submitted);
    const refused = judged.report.findings.some(
      ({ decision, object: found }) => decision === 'deny' && sameRef(found, refOf(submitted)),
    );
    const converted =
      asked === undefined
        ? undefined
        : migrate(
            asked.change,
            asked.plan,
            { refused: refused || asked.refused, denied: refused, reasons: [], incomplete: asked.incomplete },
            after,
          );
    const result = { object: refOf(submitted), document: source.document };
    if (converted?.decided === true)
      return { ...result, patch: converted.operations, kept: converted.notes, patched: converted.patched };
    const object = converted?.patched ?? submitted;
    const kept = preserveAll(
      object,
      before,
      driversOf(after, object, policy),
      activePreservers(keeps, object, settings(namespaceOf(object))),
      after,
    );
    return {
      ...result,
      patch: [...(converted?.operations ?? []), ...kept.operations],
      kept: [...(converted?.notes ?? []), ...kept.notes],
      patched: kept.patched,
    };
  });
}

function compare(now: BundleReport, then: BundleReport): PolicyDifference {
  const id = ({ decision: _, ...finding }: ReportedFinding): string => JSON.stringify(finding);
  const before = new Map(now.findings.map((finding) => [id(finding), finding.decision]));
  const after = new Set(then.findings.map(id));
  return {
    verdict: then.verdict,
    changed: then.findings.filter((finding) => before.get(id(finding)) !== finding.decision),
    dropped: now.findings.filter((finding) => !after.has(id(finding))),
  };
}

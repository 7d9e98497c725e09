import { bundleOf, evaluatePrepared, type Bundle, type EvaluatedBundle } from '../admission/bundle.ts';
import { POLICY_CATALOG } from '../admission/policy-catalog.ts';
import { parsePolicy } from '../policy/load.ts';
import { DEFAULT_POLICY, worldUnder, type Policy } from '../policy/policy.ts';
import { bounded, firstFindings } from '../report/bounded.ts';
import type { BundleReport, ReportedFinding } from '../report/model.ts';
import { contentOf, rowOf } from '../report/timeline/table.ts';
import { RULES } from '../rules/index.ts';
import { replicaCounts, type ReplicaCount } from '../timeline/replicas.ts';
import { TimelineError, type Stage, type Timeline } from '../timeline/stage.ts';
import { throughAbort, timelineOf } from '../timeline/timeline.ts';
import { EditedDocuments } from '../world/edited-documents.ts';
import { bundleWorld, parseManifests } from '../world/manifests.ts';
import { kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import type { World } from '../world/world.ts';
import { graphOf } from './graph.ts';
import type { Answer, JudgedFinding, PolicyEffect, Question, ShownTimeline } from './messages.ts';
import { isUpdating, reapply } from './reapply.ts';

const EMPTY = bundleWorld([]);

/** Judges questions one after the other. Of manifests, only the documents are read that the last question did not have. */
export class Judge {
  readonly #documents: EditedDocuments;
  #last: { readonly text: string; readonly bundle: Bundle } | undefined;

  constructor(documents = new EditedDocuments()) {
    this.#documents = documents;
  }

  /** Returns the answer to a question. */
  answer(question: Question): Answer {
    const bundle = this.#bundleOf(question.manifests);
    const edited = policyOf(question.policy);
    const { report, counts, policy: effect } = judged(bundle, edited);
    const objects = bundle.sources.map(({ object }) => object);
    const rollouts = objects.filter((object) => kindOf(object) === 'Rollout.argoproj.io');
    const selected = rollouts.find((object) => nameOf(object) === question.rollout) ?? rollouts[0];
    const { findings, errors, more = 0 } = report;
    const answer: Answer = {
      verdict: report.verdict,
      objects: report.objects,
      findings,
      errors: errors.map(({ line, column, message }) => ({ line, column, message })),
      more,
      counts,
      rollouts: [...new Set(rollouts.map(nameOf))],
      policy: effect,
    };
    if (selected === undefined) return answer;
    const world = worldUnder(edited.policy, bundleWorld(objects));
    return {
      ...answer,
      rollout: nameOf(selected),
      graph: graphOf(selected, world, bundle.sources, findings),
      ...timelineIn(selected, world, objects, edited.policy, question),
    };
  }

  #bundleOf(text: string): Bundle {
    if (this.#last?.text !== text)
      this.#last = { text, bundle: bundleOf(parseManifests(text, 'editor', this.#documents), undefined) };
    return this.#last.bundle;
  }
}

interface EditedPolicy {
  readonly policy: Policy;
  readonly errors: readonly string[];
  readonly isEdited: boolean;
}

function policyOf(text: string): EditedPolicy {
  if (text.trim() === '') return { policy: DEFAULT_POLICY, errors: [], isEdited: false };
  const parsed = parsePolicy(text, POLICY_CATALOG);
  return parsed.ok
    ? { policy: parsed.policy, errors: [], isEdited: true }
    : { policy: DEFAULT_POLICY, errors: parsed.errors, isEdited: false };
}

interface Judged {
  readonly report: BundleReport & { readonly findings: readonly JudgedFinding[] };
  readonly counts: Answer['counts'];
  readonly policy: PolicyEffect;
}

function countsOf({ findings, errors }: BundleReport): Answer['counts'] {
  const deny = findings.filter(({ decision }) => decision === 'deny').length;
  return { deny, warn: findings.length - deny, errors: errors.length };
}

function judged(bundle: Bundle, { policy, errors, isEdited }: EditedPolicy): Judged {
  const { report } = evaluateUnder(policy, bundle);
  const counts = countsOf(report);
  if (!isEdited) {
    const effect = { errors, verdict: report.verdict, changed: 0, dropped: [], moreDropped: 0 };
    return { report: bounded(report), counts, policy: effect };
  }
  const builtIn = evaluateUnder(DEFAULT_POLICY, bundle).report;
  const before = new Map(builtIn.findings.map((finding) => [idOf(finding), finding.decision]));
  const after = new Set(report.findings.map(idOf));
  const dropped = builtIn.findings.filter((finding) => !after.has(idOf(finding)));
  const compared = report.findings.map((finding): JudgedFinding => {
    const decision = before.get(idOf(finding)) ?? 'off';
    return decision === finding.decision ? finding : { ...finding, builtIn: decision };
  });
  const { listed, more } = firstFindings(dropped);
  return {
    report: bounded({ ...report, findings: compared }),
    counts,
    policy: {
      errors,
      verdict: builtIn.verdict,
      changed: compared.filter(({ builtIn: other }) => other !== undefined).length,
      dropped: listed,
      moreDropped: more,
    },
  };
}

function evaluateUnder(policy: Policy, bundle: Bundle): EvaluatedBundle {
  return evaluatePrepared(bundle, { base: EMPTY, rules: RULES, policy, requireReferences: false });
}

function idOf({ decision: _, ...finding }: ReportedFinding): string {
  return JSON.stringify(finding);
}

function nameOf(object: KubeObject): string {
  return `${namespaceOf(object)}/${object.metadata.name}`;
}

function timelineIn(
  rollout: KubeObject,
  world: World,
  objects: readonly KubeObject[],
  policy: Policy,
  { replicas, stage, abortAt }: Question,
): Pick<Answer, 'timeline' | 'timelineProblem' | 'reapplied'> {
  const counts = replicaCounts(rollout, world);
  const chosen = replicas === undefined ? counts.at(-1) : { replicas, from: 'as chosen' };
  const count = chosen ?? { replicas: 1, from: 'the default' };
  try {
    const update = updateOf(rollout, world, count, abortAt);
    const { timeline } = update;
    const at = stage ?? timeline.stages.findIndex((each) => isUpdating(each) && each.pods.canary > 0);
    const reapplied = reapply(rollout, world, objects, timeline, at, policy);
    return { timeline: shown(update, counts), ...(reapplied === undefined ? {} : { reapplied }) };
  } catch (error) {
    if (!(error instanceof TimelineError)) throw error;
    return { timelineProblem: error.message };
  }
}

interface ShownUpdate {
  readonly timeline: Timeline;
  /** The stages that follow an abort. */
  readonly aborted: readonly Stage[];
  /** Why there is no abort, if one was asked for. */
  readonly problem?: string;
}

// A step that cannot be aborted is no reason to show nothing of the update.
function updateOf(rollout: KubeObject, world: World, count: ReplicaCount, abortAt: number | undefined): ShownUpdate {
  const timeline = timelineOf(rollout, world, count);
  if (abortAt === undefined) return { timeline, aborted: [] };
  try {
    const aborted = timelineOf(rollout, world, count, abortAt);
    return { timeline: throughAbort(aborted), aborted: aborted.abort?.stages ?? [] };
  } catch (error) {
    if (!(error instanceof TimelineError)) throw error;
    return { timeline, aborted: [], problem: error.message };
  }
}

function shown({ timeline, aborted, problem }: ShownUpdate, counts: readonly ReplicaCount[]): ShownTimeline {
  const { heading, summary, sections } = contentOf(timeline);
  const last = timeline.stages.findLast(({ step }) => step !== undefined)?.step;
  return {
    heading,
    summary: [...summary, ...(aborted.length === 0 ? [] : [`It is aborted at the end of step ${last}.`])],
    strategy: timeline.strategy,
    replicas: timeline.replicas,
    counts: counts.length > 1 ? counts : [],
    mostPods: timeline.mostPods,
    stages: timeline.stages.map((stage) => ({
      row: rowOf(stage, timeline),
      pods: stage.pods,
      traffic: stage.traffic,
      experiment: stage.experiment,
      mostPods: stage.mostPods,
      isUpdating: isUpdating(stage),
      ...(aborted.includes(stage) ? { isAborted: true } : {}),
    })),
    notes: sections.flatMap(({ notes }) => notes),
    ...(problem === undefined ? {} : { abortProblem: problem }),
  };
}

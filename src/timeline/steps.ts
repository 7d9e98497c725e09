import { parseGoDuration } from '../world/duration.ts';
import { largest, smallest } from '../world/extremes.ts';
import { asArray, asObject, asString, dig, int32, isObject, optionalNumber, type JsonObject } from '../world/read.ts';
import type { TimedAnalysis, TimeSpan } from './analysis-time.ts';
import type { StageNote, Wait } from './stage.ts';
import { spanText, timeText } from './time-text.ts';

const NOT_KNOWN: TimeSpan = { shortest: undefined, longest: undefined };

/** A canary step in words, with what it waits for. */
export interface DescribedStep {
  readonly title: string;
  readonly wait: Wait | undefined;
  readonly notes: readonly StageNote[];
}

/** What a canary step depends on. */
interface StepSituation {
  readonly maxWeight: number;
  /** Whether the canary has pods at the end of the step. */
  readonly hasCanary: boolean;
}

/**
 * Returns what a canary step does.
 *
 * @param analyses - Those of this step.
 */
export function describeStep(
  step: unknown,
  analyses: readonly TimedAnalysis[],
  { maxWeight, hasCanary }: StepSituation,
): DescribedStep {
  const fields = asObject(step);
  return {
    title: titleOf(fields, analyses, maxWeight),
    wait: waitOf(fields, analyses),
    notes: notesOf(fields, hasCanary),
  };
}

function titleOf(step: JsonObject, analyses: readonly TimedAnalysis[], maxWeight: number): string {
  if (step['setWeight'] !== undefined) return `setWeight ${int32(step['setWeight']) ?? 0}`;
  if (isObject(step['pause'])) {
    const duration = pauseSeconds(step['pause']);
    return duration === undefined ? 'pause' : `pause ${timeText(duration)}`;
  }
  if (isObject(step['setCanaryScale']))
    return `setCanaryScale ${scaleText(step['setCanaryScale'], maxWeight)}`.trimEnd();
  if (isObject(step['analysis'])) return `analysis ${templateNames(analyses)}`.trimEnd();
  if (isObject(step['experiment'])) return 'experiment';
  for (const field of ['setHeaderRoute', 'setMirrorRoute', 'plugin'] as const)
    if (isObject(step[field])) return `${field} ${asString(dig(step, field, 'name'))}`.trimEnd();
  return 'no step';
}

function scaleText(scale: JsonObject, maxWeight: number): string {
  const replicas = int32(scale['replicas']);
  const weight = int32(scale['weight']);
  if (scale['matchTrafficWeight'] === true) return 'by weight';
  if (replicas !== undefined) return `${replicas} ${replicas === 1 ? 'pod' : 'pods'}`;
  return weight === undefined ? '' : `weight ${weight}${maxWeight === 100 ? '' : ` of ${maxWeight}`}`;
}

function templateNames(analyses: readonly TimedAnalysis[]): string {
  return analyses.flatMap(({ templates }) => templates).join(', ');
}

function waitOf(step: JsonObject, analyses: readonly TimedAnalysis[]): Wait | undefined {
  if (isObject(step['pause'])) {
    const duration = pauseSeconds(step['pause']);
    return duration === undefined
      ? { by: 'person', ...NOT_KNOWN, text: 'until a person promotes' }
      : { by: 'time', shortest: duration, longest: duration, text: timeText(duration) };
  }
  if (isObject(step['analysis'])) return analysisWait(analyses);
  if (isObject(step['experiment'])) return experimentWait(step['experiment'], analyses);
  if (isObject(step['plugin'])) return { by: 'plugin', ...NOT_KNOWN, text: 'until the plugin is done' };
  return undefined;
}

/** Returns how long an update waits for analyses that must succeed; undefined without any. */
export function analysisWait(analyses: readonly TimedAnalysis[]): Wait | undefined {
  if (analyses.length === 0) return undefined;
  const span = together(analyses);
  const unknown = analyses.find(({ time }) => time.unknown !== undefined)?.time.unknown;
  const isEndless = analyses.some(({ time }) => time.isEndless);
  const failures = analyses.flatMap(({ time }) => time.firstFailure ?? []);
  const firstFailure = smallest(failures);
  const failing = firstFailure === undefined ? '' : `; ${failureText(firstFailure)}`;
  const text = isEndless ? 'never ends' : unknown === undefined ? spanText(span) : `not known: ${unknown}`;
  return { by: 'analysis', ...span, text: `${text}${failing}` };
}

/** Returns when an analysis can fail, in words. */
export function failureText(firstFailure: number): string {
  return firstFailure === 0 ? 'can fail at once' : `can fail after ${timeText(firstFailure)}`;
}

function together(analyses: readonly TimedAnalysis[]): TimeSpan {
  const longest = analyses.map(({ time }) => time.longest);
  const shortest = analyses.map(({ time }) => time.shortest);
  const latest = (times: readonly (number | undefined)[]): number | undefined =>
    times.includes(undefined) ? undefined : largest(times.map((time) => time ?? 0));
  return { shortest: latest(shortest), longest: latest(longest) };
}

/**
 * An experiment ends after its duration, or when the analyses that it requires have succeeded. Source: Argo Rollouts
 * v1.9.1, `experiments/experiment.go` (`calculateStatus`).
 */
function experimentWait(experiment: JsonObject, analyses: readonly TimedAnalysis[]): Wait {
  const required = analyses.filter(({ analysis }) => analysis.requiredForCompletion);
  if (required.length > 0) return { ...(analysisWait(required) ?? { ...NOT_KNOWN, text: '' }), by: 'experiment' };
  const duration = parseGoDuration(asString(experiment['duration']));
  if (duration === undefined) return { by: 'experiment', ...NOT_KNOWN, text: 'until it is stopped' };
  return { by: 'experiment', shortest: duration, longest: duration, text: timeText(duration) };
}

// Without canary pods, the controller removes all managed routes. Source: Argo Rollouts v1.9.1,
// `rollout/trafficrouting.go` (`reconcileTrafficRouting`).
function notesOf(step: JsonObject, hasCanary: boolean): readonly StageNote[] {
  const fact = (text: string): readonly StageNote[] => [{ kind: 'fact', text }];
  const isLost = ['setHeaderRoute', 'setMirrorRoute'].some((kind) => asArray(dig(step, kind, 'match')).length > 0);
  if (isLost && !hasCanary)
    return [{ kind: 'share', text: 'the controller removes the route at once: the canary has no pods' }];
  if (isObject(step['setHeaderRoute'])) {
    const headers = asArray(dig(step, 'setHeaderRoute', 'match')).map((match) => asString(dig(match, 'headerName')));
    return fact(
      headers.length === 0
        ? 'the route for headers is removed'
        : `requests with header ${headers.join(' or ')} go to the canary, whatever the weight`,
    );
  }
  if (isObject(step['setMirrorRoute'])) {
    const percentage = int32(dig(step, 'setMirrorRoute', 'percentage')) ?? 100;
    return fact(
      asArray(dig(step, 'setMirrorRoute', 'match')).length === 0
        ? 'the mirrored route is removed'
        : `the canary gets copies of ${percentage} % of the matching requests, and its answers are dropped`,
    );
  }
  return [];
}

/**
 * Returns the seconds of a pause, or undefined if it has none: then a person ends it. A text that is no duration passes at
 * once. Source: Argo Rollouts v1.9.1, `pkg/apis/rollouts/v1alpha1` (`RolloutPause.DurationSeconds`).
 */
function pauseSeconds(pause: JsonObject): number | undefined {
  const { duration } = pause;
  const number = optionalNumber(duration);
  if (number !== undefined) return Math.max(0, number);
  if (typeof duration !== 'string') return undefined;
  const seconds = /^[+-]?[0-9]+$/.test(duration) ? Number(duration) : parseGoDuration(duration);
  return Math.max(0, Math.trunc(seconds ?? 0));
}

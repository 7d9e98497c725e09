import type { Operation } from 'fast-json-patch';
import { insertAt, setAt } from '../world/json-patch.ts';
import type { KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { asObject } from '../world/read.ts';
import { NOTHING, type Preserved } from './define.ts';
import { keepRule, missingExperiments, scaled, shareOf, type Backend, type Share } from './shares.ts';
import { describeWeights, relationOf, weightsAmong, type LastWriter } from './source.ts';
import { PERCENT_SCALE, type StatusWeights } from './weights.ts';

/** A rule whose weights the controller itself sets, not a plugin. */
interface ControlledRule {
  /** As submitted. */
  readonly backends: readonly Backend[];
  /** Of the stored rule that corresponds to it, if there is one. */
  readonly stored: readonly Backend[] | undefined;
  /** Used where the stored rule shows no share. */
  readonly common: Share | undefined;
  readonly status: StatusWeights;
  readonly writer: LastWriter;
  /** Which rule it is, for the author of the request. */
  readonly where: string | undefined;
}

/** A stored rule whose weights the controller sets. */
interface StoredRule {
  readonly backends: readonly Backend[];
  readonly writer: LastWriter;
}

/**
 * Returns the share of the canary for rules that do not show it: that of the first stored rule, or else of the status.
 *
 * @param stored - All stored rules of a Rollout.
 * @param submitted - Returns all submitted rules of the Rollout.
 */
export function commonShare(
  stored: readonly StoredRule[],
  submitted: () => Iterable<readonly Backend[]>,
  status: StatusWeights,
): Share | undefined {
  const isSubmitted = weightsAmong(submitted);
  const isMissed = stored.some(
    ({ backends, writer }) => relationOf(backends, status, PERCENT_SCALE, writer, isSubmitted) === 'missed',
  );
  const shown = isMissed
    ? undefined
    : stored.map(({ backends }) => shareOf(backends, PERCENT_SCALE)).find((share) => share !== undefined);
  return shown ?? (status.share && scaled(status.share, PERCENT_SCALE.totals[0]));
}

/**
 * Returns the operations that restore the weights of a rule, and the backends of an experiment.
 *
 * @param list - The path of the backends.
 */
export function keepWeights(
  submitted: KubeObject,
  list: Path,
  { backends, stored, common, status, writer, where }: ControlledRule,
): Preserved {
  const shifts = backends.some(({ part }) => part === 'canary') && backends.some(({ part }) => part === 'stable');
  if (!shifts) return NOTHING;
  const relation =
    stored === undefined
      ? 'trusted'
      : relationOf(
          stored,
          status,
          PERCENT_SCALE,
          writer,
          weightsAmong(() => [backends]),
        );
  const known = relation === 'missed' || stored === undefined ? undefined : shareOf(stored, PERCENT_SCALE);
  const kept = keepRule({
    submitted: backends,
    stored,
    missing: missingExperiments(backends, stored ?? []),
    share: known ?? common,
    copies: relation !== 'missed',
    scale: PERCENT_SCALE,
    experiments: status.additional,
  });
  if (kept === undefined) return NOTHING;
  const operations: Operation[] = [];
  for (const [index, target] of kept.weights.entries()) {
    if (target !== undefined && target !== backends[index]?.weight)
      for (const operation of setAt(submitted, [...list, index, 'weight'], target)) operations.push(operation);
  }
  for (const { raw, weight } of kept.missing) operations.push(insertAt([...list, '-'], { ...asObject(raw), weight }));
  if (operations.length === 0) return NOTHING;
  return { operations, notes: [describeWeights(kept, backends, status, relation, where)] };
}

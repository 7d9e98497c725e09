import type { Policy } from '../policy/policy.ts';
import type { Preserver } from '../preserve/define.ts';
import { oneStep, type Work } from '../rules/engine.ts';
import { keyOf, namespaceOf, type KubeObject } from '../world/object.ts';
import type { World } from '../world/world.ts';
import type { PreservedAnswer } from './answer.ts';
import { breakGlassOf, isBreakGlassNew, type BreakGlassParts } from './break-glass.ts';
import { changeOf, worldAfter } from './change.ts';
import { settingsIn } from './decisions.ts';
import { readLive, type ApiReader } from './live-reads.ts';
import { activePreservers, driversOf, preserveAll, untrustedNotes } from './preserve.ts';
import type { Request } from './review.ts';
import { tripwire } from './tripwire.ts';

/** What keeping needs in addition to the request. */
export interface PreservingParts extends BreakGlassParts {
  readonly world: World;
  readonly live?: ApiReader | undefined;
  readonly keeps: readonly Preserver[];
}

/** What surrounds one request. */
export interface PreservingContext {
  readonly policy: Policy;
  /** Whether an account is known that may be that of an Argo Rollouts controller, trusted or not. */
  readonly controllers: boolean;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** Does work and lets others have their turn. */
  inSlices<T>(work: Work<T>): Promise<T>;
}

/** Nothing is kept, and there is nothing to say about it. */
export const NOTHING_PRESERVED: PreservedAnswer = { extras: {}, record: {} };

/**
 * Returns what is kept in the object of a request.
 *
 * @param object - The submitted object, with what was changed in it so far.
 */
export async function preserveRequest(
  request: Request,
  object: KubeObject,
  parts: PreservingParts,
  { policy, controllers, deadline, inSlices }: PreservingContext,
): Promise<PreservedAnswer> {
  const { world, live } = parts;
  const active = activePreservers(parts.keeps, object, settingsIn(policy, world, namespaceOf(object)));
  if (active.length === 0) return NOTHING_PRESERVED;
  const change = [{ ...changeOf(request), after: object }];
  const after = worldAfter(world, change);
  const drivers = await inSlices(oneStep(() => driversOf(after, object, policy)));
  const surroundings = { object, old: request.oldObject, keeps: active, after, manager: request.fieldManager };
  if (drivers.length === 0)
    return controllers ? withWarnings(await inSlices(untrustedNotes(surroundings, policy))) : NOTHING_PRESERVED;
  if (!controllers) return { extras: {}, record: { keepsOff: true } };

  const task = { ...surroundings, drivers };
  const likely = await inSlices(preserveAll(task));
  if (likely.operations.length === 0 && likely.notes.length === 0) return NOTHING_PRESERVED;
  const breakGlass = await breakGlassOf(request, { needed: true, maxDuration: policy.breakGlass.maxDuration }, parts);
  // What can be said without a question, or about a new annotation, the validating side says.
  const told = breakGlass?.asked === true && !isBreakGlassNew(request) ? [breakGlass.warning] : [];
  const override = breakGlass?.override;
  if (override !== undefined)
    return { extras: { warnings: told, audit: { 'break-glass': override } }, record: { breakGlass: override } };
  // A cache that lags has the old hashes of a Rollout, and would have them restored.
  const fresh = await readLive(world, live, drivers.map(keyOf), deadline);
  const current = fresh === world ? after : worldAfter(fresh, change);
  const currentDrivers = await inSlices(oneStep(() => driversOf(current, object, policy)));
  const tripped = tripwire(request, currentDrivers);
  if (tripped !== undefined) return { extras: {}, record: { tripwire: tripped } };
  const preserved =
    fresh === world ? likely : await inSlices(preserveAll({ ...task, drivers: currentDrivers, after: current }));
  const audit = preserved.ids.length === 0 ? {} : { kept: preserved.ids.join(',') };
  return {
    extras: { patch: preserved.operations, warnings: [...told, ...preserved.notes], audit },
    record: { kept: preserved.ids },
  };
}

function withWarnings(warnings: readonly string[]): PreservedAnswer {
  return warnings.length === 0 ? NOTHING_PRESERVED : { extras: { warnings }, record: {} };
}

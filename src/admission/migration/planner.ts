import { migrationAnnotationsOf } from '../../migration/annotations.ts';
import type { Protection } from '../../migration/conversion-policy.ts';
import {
  needsProtection,
  planMigration,
  stays,
  type DeploymentChange,
  type MigrationPlan,
} from '../../migration/plan.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Work } from '../../rules/engine.ts';
import { dependsOnSome, renderFix, renderMessage, type Finding, type Skipped } from '../../rules/finding.ts';
import { namespaceOf, type ObjectKey } from '../../world/object.ts';
import type { World } from '../../world/world.ts';
import { about, ruleTag } from '../attribution.ts';
import { worldAfter, type Change } from '../change.ts';
import { asWarning, decideFindings, decideInSlices, type DecidedFinding, type DecisionContext } from '../decisions.ts';
import type { Introduced } from '../introduced.ts';
import { readLive, reevaluate, type ApiReader } from '../live-reads.ts';
import type { Request, UserInfo } from '../review.ts';
import { decisiveObjects, deploymentChange, migrationSettings } from './deployment-change.ts';
import { changesOf, evaluateMigration, refusal } from './evaluate.ts';
import type { MigrationOutcome } from './migrate.ts';

/** What a planner is made of. */
export interface MigrationPlannerParts {
  readonly world: World;
  readonly live?: ApiReader | undefined;
  /** As of `GateParts`. */
  mayCreateRollouts?(user: UserInfo, namespace: string): Promise<boolean | undefined>;
  /** As of `GateParts`. */
  mayConvert?(namespace: string): Promise<boolean | undefined>;
  protection?(): Promise<Protection>;
  /** As of `GateParts`. */
  readonly converts?: boolean;
}

/** What surrounds one request. */
export interface RequestContext {
  readonly policy: Policy;
  readonly decisions: DecisionContext;
  /** Whether an Argo Rollouts controller is known. */
  readonly controllers: boolean;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** Returns what changes of a world introduce, on a budget of its own. */
  introducedBy(changes: readonly Change[], world: World): Promise<Introduced>;
  /** Does work and lets others have their turn. */
  inSlices<T>(work: Work<T>): Promise<T>;
}

/** A write of a Deployment, what it means for its conversion, and what was found in it. */
export interface PlannedMigration {
  readonly change: DeploymentChange;
  readonly plan: MigrationPlan;
  /** What was found in the Deployment and the Rollout it becomes, where it becomes one or may not. */
  readonly decided: readonly DecidedFinding[] | undefined;
  readonly skipped: readonly Skipped[];
  /** Whether anything prevents the conversion, even if the policy only warns about it. */
  readonly refused: boolean;
  /** Whether the Rollout needs something that does not exist yet. */
  readonly incomplete: boolean;
  /** The world after the write. */
  readonly after: World;
}

/**
 * Decides whether a request makes a Deployment a Rollout. It remembers nothing, so a dry run gets the same answer as
 * the real request.
 */
export class MigrationPlanner {
  readonly #parts: MigrationPlannerParts;

  constructor(parts: MigrationPlannerParts) {
    this.#parts = parts;
  }

  /** Returns what a request means for the conversion of a Deployment; undefined if it does not concern one. */
  async plan(
    request: Pick<Request, 'object' | 'oldObject' | 'user'>,
    context: RequestContext,
  ): Promise<PlannedMigration | undefined> {
    const { world, live } = this.#parts;
    const { policy, decisions, deadline } = context;
    const change = deploymentChange(request.oldObject, request.object, world);
    if (change === undefined) return undefined;
    const namespace = namespaceOf(change.after);
    const settings = migrationSettings(policy, namespace, decisions.settings(namespace), {
      controllers: context.controllers,
      converts: this.#parts.converts !== false,
      protection: needsProtection(change) ? await this.#parts.protection?.() : undefined,
    });
    const own: Change = { before: change.before, after: change.after };
    const likely = worldAfter(world, [own]);
    const first = planMigration(change, likely, settings);
    const nothingFound = { decided: undefined, skipped: [], refused: false, incomplete: false };
    if (first.kind === 'none' || (first.kind === 'continues' && first.because === undefined))
      return { change, plan: first, after: likely, ...nothingFound };

    // Something new is asked for, or nobody corrects the count later: a cache that lags must not decide about it.
    const current = await readLive(world, live, decisiveObjects(change, world, policy), deadline);
    const after = worldAfter(current, [own]);
    const planned = { change, plan: planMigration(change, after, settings), after, ...nothingFound };
    const { plan } = planned;
    if (plan.kind === 'refused') return refusedPlan(planned, refusal(change.after, plan.message, plan.fix), decisions);
    if (plan.kind !== 'converts') return planned;
    return (
      (await this.#withoutRight(planned, plan, request.user, decisions)) ?? this.#evaluated(planned, current, context)
    );
  }

  /**
   * Returns the plan where the user or Rollgate may not create Rollouts, or that cannot be determined; undefined if both
   * may. The rights of Rollgate and its policy change one after the other, and a Rollout that cannot be made would leave
   * the Deployment at 0.
   */
  async #withoutRight(
    planned: PlannedMigration,
    { profile, byNamespace }: Extract<MigrationPlan, { kind: 'converts' }>,
    user: UserInfo,
    decisions: DecisionContext,
  ): Promise<PlannedMigration | undefined> {
    const { mayCreateRollouts, mayConvert } = this.#parts;
    const deployment = planned.change.after;
    const namespace = namespaceOf(deployment);
    const [may, own] = await Promise.all([
      mayCreateRollouts === undefined ? true : mayCreateRollouts(user, namespace),
      mayConvert === undefined ? true : mayConvert(namespace),
    ]);
    if (may === true && own === true) return undefined;
    const what = `create rollouts.argoproj.io in namespace "${namespace}"`;
    const staying = (reason: string): PlannedMigration => ({ ...planned, plan: stays(profile, [reason]) });
    if (own === false) return staying(`Rollgate may not ${what}: try again in a minute, or check its rights`);
    if (own === undefined) return staying(`cannot check with the API server whether Rollgate may ${what}`);
    if (may === undefined) return staying(`cannot check with the API server whether "${user.username}" may ${what}`);
    const message = `"${user.username}" may not ${what}`;
    if (byNamespace) return { ...planned, plan: stays(profile, [message]) };
    const finding = refusal(
      deployment,
      `${message}, but profile "${profile}" converts this Deployment to a Rollout`,
      'ask for this permission, or remove the annotation',
    );
    return refusedPlan(planned, finding, decisions);
  }

  async #evaluated(
    planned: PlannedMigration,
    current: World,
    { decisions, deadline, introducedBy, inSlices }: RequestContext,
  ): Promise<PlannedMigration> {
    const { live } = this.#parts;
    const { change, plan } = planned;
    if (plan.kind !== 'converts') return planned;
    const changes = changesOf(change, plan);
    const evaluate = (world: World): Promise<Introduced> => introducedBy(changes, world);
    let introduced = await evaluate(current);
    let unreadable: ReadonlySet<ObjectKey> = new Set();
    if (live !== undefined && introduced.findings.some(({ class: found }) => found !== 'advice'))
      ({ introduced, unreadable } = await reevaluate(changes, introduced, [], {
        world: current,
        live,
        deadline,
        evaluate,
      }));
    const { findings, refused, incomplete } = await inSlices(
      evaluateMigration(introduced.findings, change, plan, decisions),
    );
    const decided = (await inSlices(decideInSlices(findings, changes, decisions))).map((entry): DecidedFinding =>
      isLate(change) || dependsOnSome(entry.finding, unreadable) ? asWarning(entry) : entry,
    );
    return { ...planned, decided, skipped: introduced.skipped, refused, incomplete };
  }
}

function refusedPlan(planned: PlannedMigration, finding: Finding, decisions: DecisionContext): PlannedMigration {
  const { change } = planned;
  const decided = decideFindings([finding], [{ before: change.before, after: change.after }], decisions).map(
    (entry): DecidedFinding => (isLate(change) ? asWarning(entry) : entry),
  );
  return { ...planned, decided, refused: true };
}

/** Returns the outcome of a plan, as `migrate` takes it. */
export function outcomeOf({ change, refused, incomplete, decided = [] }: PlannedMigration): MigrationOutcome {
  return {
    refused,
    incomplete,
    denied: decided.some(({ decision }) => decision === 'deny'),
    reasons: decided
      .filter(({ finding }) => finding.class === 'invalid')
      .map(
        ({ finding }) =>
          `${about(change.after, `${renderMessage(finding)}: ${renderFix(finding)}`)} ${ruleTag(finding.rule)}`,
      ),
  };
}

// A Deployment that already asked for it and was not admitted as one to convert asks for nothing new.
function isLate({ before, after }: DeploymentChange): boolean {
  return before !== undefined && migrationAnnotationsOf(before).profile === migrationAnnotationsOf(after).profile;
}

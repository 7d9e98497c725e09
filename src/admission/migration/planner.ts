import { planMigration, stays, type MigrationPlan, type DeploymentChange } from '../../migration/plan.ts';
import { migrationAnnotationsOf } from '../../migration/annotations.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Rule } from '../../rules/define.ts';
import type { Budget } from '../../rules/engine.ts';
import { renderText, sortFindings, type Finding, type Skipped } from '../../rules/finding.ts';
import { namespaceOf, type ObjectKey } from '../../world/object.ts';
import type { World } from '../../world/world.ts';
import {
  changesOf,
  migrationSettings,
  decisiveObjects,
  deploymentChange,
  evaluateMigration,
  refusal,
  type MigrationOutcome,
} from './migrate.ts';
import {
  introducedBy,
  decideFindings,
  worldAfter,
  type Change,
  type DecisionContext,
  type DecidedFinding,
} from '../judge.ts';
import type { Request, UserInfo } from '../review.ts';
import { readLive, reevaluate, type ApiReader } from '../live-reads.ts';

/** What conversion at admission is made of. */
export interface MigrationPlannerParts {
  readonly world: World;
  readonly live?: ApiReader | undefined;
  readonly rules: readonly Rule[];
  /**
   * In: a user and a namespace. Out: whether he may create Rollouts there, undefined where that could not be found out.
   * Absent where nobody can be asked: everybody may.
   */
  mayCreateRollouts?(user: UserInfo, namespace: string): Promise<boolean | undefined>;
  /** False where nobody makes Rollouts of what is let in to be converted. */
  readonly converts?: boolean;
}

/** What surrounds one request. */
export interface RequestContext {
  readonly policy: Policy;
  readonly circumstances: DecisionContext;
  /** Whether an Argo Rollouts controller is known. */
  readonly controllers: boolean;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  budget(): Budget;
}

/** A write of a Deployment, what it means for its conversion, and how that is judged. */
export interface PlannedMigration {
  readonly change: DeploymentChange;
  readonly plan: MigrationPlan;
  /** What is found in the Deployment and the Rollout it becomes, where it becomes one or is refused to. */
  readonly judged: readonly DecidedFinding[] | undefined;
  readonly skipped: readonly Skipped[];
  /** Whether anything stands against it, be it only a warning by the policy's mode: then it is not done. */
  readonly refused: boolean;
  /** Whether the Rollout needs something that is not there yet. */
  readonly incomplete: boolean;
  /** The world once the write is made. */
  readonly after: World;
}

/**
 * Decides whether Deployments become Rollouts. What it answers it finds out anew each time, so that a dry run is told
 * what the real request will be.
 */
export class MigrationPlanner {
  readonly #parts: MigrationPlannerParts;

  constructor(parts: MigrationPlannerParts) {
    this.#parts = parts;
  }

  /**
   * In: a request and what surrounds it. Out: what it means for the conversion of a Deployment; undefined where it has
   * nothing to do with one.
   */
  async plan(
    request: Pick<Request, 'object' | 'oldObject' | 'user'>,
    surroundings: RequestContext,
  ): Promise<PlannedMigration | undefined> {
    const { world, live } = this.#parts;
    const { policy, circumstances, deadline } = surroundings;
    const change = deploymentChange(request.oldObject, request.object, world);
    if (change === undefined) return undefined;
    const settings = migrationSettings(policy, circumstances.settings(namespaceOf(change.after)), {
      controllers: surroundings.controllers,
      converts: this.#parts.converts !== false,
    });
    const own: Change = { before: change.before, after: change.after };
    const first = planMigration(change, worldAfter(world, [own]), settings);
    if (first.kind === 'none' || first.kind === 'continues')
      return {
        change,
        plan: first,
        judged: undefined,
        skipped: [],
        refused: false,
        incomplete: false,
        after: worldAfter(world, [own]),
      };

    // Something new is asked for: now it has to be the truth.
    const truth = await readLive(world, live, decisiveObjects(change, world, policy), deadline);
    const after = worldAfter(truth, [own]);
    const plan = planMigration(change, after, settings);
    const planned = { change, plan, after, skipped: [], judged: undefined, refused: false, incomplete: false };
    if (plan.kind === 'refused')
      return this.#refused(planned, [refusal(change.after, plan.message, plan.fix)], surroundings);
    if (plan.kind !== 'converts') return planned;
    const { username } = request.user;
    const namespace = namespaceOf(change.after);
    const may = await this.#mayCreate(request.user, namespace);
    if (may === undefined)
      return {
        ...planned,
        plan: stays(plan.profile, [
          `the API server could not be asked whether "${username}" may create rollouts.argoproj.io in namespace "${namespace}"`,
        ]),
      };
    if (!may) {
      const message = `"${username}" may not create rollouts.argoproj.io in namespace "${namespace}"`;
      if (plan.byNamespace) return { ...planned, plan: stays(plan.profile, [message]) };
      return this.#refused(
        planned,
        [
          refusal(
            change.after,
            `${message}, and profile "${plan.profile}" would make one of this Deployment`,
            'ask for that right, or take the annotation away',
          ),
        ],
        surroundings,
      );
    }
    return this.#judged(planned, truth, surroundings);
  }

  async #judged(
    planned: PlannedMigration,
    truth: World,
    { circumstances, deadline, budget }: RequestContext,
  ): Promise<PlannedMigration> {
    const { live, rules } = this.#parts;
    const { change, plan } = planned;
    if (plan.kind !== 'converts') return planned;
    const changes = changesOf(change, plan);
    let introduced = introducedBy(truth, changes, rules, budget());
    let uncertain: ReadonlySet<ObjectKey> = new Set();
    if (live !== undefined && introduced.findings.some(({ class: found }) => found !== 'advice')) {
      const again = await reevaluate(changes, introduced, [], { world: truth, live, rules, deadline, budget });
      ({ introduced, unreadable: uncertain } = again);
    }
    const { findings, refused, incomplete } = evaluateMigration(introduced.findings, change, plan, circumstances);
    const judged = decideFindings(sortFindings(findings), changes, circumstances).map((entry): DecidedFinding =>
      isLate(change) || [...entry.finding.dependsOn].some((key) => uncertain.has(key))
        ? { ...entry, decision: 'warn' }
        : entry,
    );
    return { ...planned, judged, skipped: introduced.skipped, refused, incomplete };
  }

  #refused(
    planned: PlannedMigration,
    findings: readonly Finding[],
    { circumstances }: RequestContext,
  ): PlannedMigration {
    const { change } = planned;
    const judged = decideFindings(findings, [{ before: change.before, after: change.after }], circumstances).map(
      (entry): DecidedFinding => (isLate(change) ? { ...entry, decision: 'warn' } : entry),
    );
    return { ...planned, judged, refused: true };
  }

  async #mayCreate(user: UserInfo, namespace: string): Promise<boolean | undefined> {
    return this.#parts.mayCreateRollouts === undefined ? true : this.#parts.mayCreateRollouts(user, namespace);
  }
}

/** In: a write as it was planned. Out: how it was judged, in short. */
export function outcomeOf({ refused, incomplete, judged = [] }: PlannedMigration): MigrationOutcome {
  return {
    refused,
    incomplete,
    denied: judged.some(({ decision }) => decision === 'deny'),
    reasons: judged.filter(({ finding }) => finding.class === 'invalid').map(({ finding }) => renderText(finding)),
  };
}

// Who writes a Deployment that asked for it before, and was not let in, has done nothing new.
function isLate({ before, after }: DeploymentChange): boolean {
  return before !== undefined && migrationAnnotationsOf(before).profile === migrationAnnotationsOf(after).profile;
}

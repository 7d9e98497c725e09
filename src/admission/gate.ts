import type { Preserver } from '../preserve/define.ts';
import { isTrusted, POLICY_LABEL, settingsFor, type Policy, type Settings } from '../policy/policy.ts';
import type { Rule } from '../rules/define.ts';
import { INTERNAL_ERROR, type Budget } from '../rules/engine.ts';
import { isUnseen } from '../rules/unread.ts';
import { sortFindings, type Finding, type Skipped } from '../rules/finding.ts';
import { keyFor, keyOf, kindOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { dig, optionalString } from '../world/read.ts';
import type { World } from '../world/world.ts';
import {
  BREAK_GLASS,
  breakGlassReason,
  exemptAccounts,
  exemption,
  isTerminating,
  statusManagers,
  writerOf,
  type ExemptAccounts,
} from './exempt.ts';
import { migrate, type MigratedDeployment } from './migration/migrate.ts';
import { MigrationPlanner, outcomeOf, type PlannedMigration } from './migration/planner.ts';
import { activePreservers, driversOf, preserveAll, problemWith } from './preserve.ts';
import {
  introducedBy,
  crossesNamespaces,
  decideFindings,
  worldAfter,
  type Change,
  type DecisionContext,
  type DecidedFinding,
} from './judge.ts';
import { allowed, refused, type AdmissionResponse, type Extras } from './response.ts';
import type { Request, UserInfo } from './review.ts';
import { readLive, reevaluate, type ApiReader } from './live-reads.ts';
import { renderFinding, warningText } from './rendered-finding.ts';

export type { ApiReader as Live } from './live-reads.ts';

/** What a gate is made of. All I/O is in what is passed in here. */
export interface GateParts {
  readonly world: World;
  /** Absent where the world is the truth itself: manifests do not lag. */
  readonly live?: ApiReader | undefined;
  readonly rules: readonly Rule[];
  readonly keeps: readonly Preserver[];
  policy(): Policy;
  /** The controller accounts that were discovered. */
  discovered(): readonly string[];
  /** The account Rollgate runs as, if it has one. */
  readonly self?: string | undefined;
  /** In: a user. Out: whether he may `break-glass` on `overrides.rollgate.io`. Absent: nobody may. */
  mayBreakGlass?(user: UserInfo, namespace: string): Promise<boolean>;
  /**
   * In: a user and a namespace. Out: whether he may create Rollouts there, undefined where that could not be found out.
   * Absent where nobody can be asked: everybody may.
   */
  mayCreateRollouts?(user: UserInfo, namespace: string): Promise<boolean | undefined>;
  /** False where nobody makes Rollouts of what is let in to be converted. */
  readonly converts?: boolean;
  /** Out: milliseconds since the epoch. */
  now(): number;
}

/** What was decided about one request, for the log and the metrics; no objects in it. */
export interface DecisionRecord {
  readonly verdict: 'allow' | 'warn' | 'deny' | 'exempt';
  /** Why it was not judged, where it was not. */
  readonly exempt?: string;
  /** `failed` is the rule that threw, where the finding is `internal-error`. */
  readonly findings: readonly { readonly rule: string; readonly decision: 'deny' | 'warn'; readonly failed?: string }[];
  readonly skipped: readonly Skipped[];
  readonly kept: readonly string[];
  readonly breakGlass?: string;
  /** Whether keeps are off because no controller account is known. */
  readonly keepsOff?: boolean;
  /** Whether the tripwire found the controller under an account that is not exempt. */
  readonly tripwire?: string;
  /** A patch that did not apply, and was therefore not sent. */
  readonly badPatch?: string;
}

/** An answer, and what there is to log about it. */
export interface GateAnswer {
  readonly response: AdmissionResponse;
  readonly record: DecisionRecord;
}

/** How much one request may cost. */
export interface Limits {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly maxSubjects: number;
}

/** The admission gate: what it is asked, it answers from a world, a policy, rules and keeps. */
export class Gate {
  readonly #parts: GateParts;
  // Policy and accounts change rarely, and both are made anew when they do.
  #known:
    { readonly policy: Policy; readonly discovered: readonly string[]; readonly accounts: ExemptAccounts } | undefined;
  readonly #conversions: MigrationPlanner;

  constructor(parts: GateParts) {
    this.#parts = { ...parts, rules: parts.rules.filter((rule) => !rule.lintOnly) };
    this.#conversions = new MigrationPlanner(this.#parts);
  }

  /**
   * In: a request and its limits. Out: the patch that keeps what the controller owns and makes a Deployment the
   * workload of a Rollout, or none. Never rejects for what is in the request.
   */
  async mutate(request: Request, limits: Limits): Promise<GateAnswer> {
    const { world } = this.#parts;
    const policy = this.#parts.policy();
    const accounts = this.#accounts(policy);
    const why = exemption(request, policy, accounts.all, world);
    const { object } = request;
    if (why !== undefined || object === undefined) return exempt(request, why ?? 'nothing to keep on DELETE');
    const controllers = accounts.controllers.size > 0;
    const planned =
      request.kindId === 'Deployment.apps' ? await this.#planned(request, limits, policy, controllers) : undefined;
    const converted =
      planned === undefined ? undefined : migrate(planned.change, planned.plan, outcomeOf(planned), planned.after);
    const kept =
      converted?.decided === true
        ? NOTHING_PRESERVED
        : await this.#keep(request, converted?.patched ?? object, limits, policy, controllers);
    return mutated(request, object, converted, kept);
  }

  /** In: a request, its object with what was changed in it so far, and the rest. Out: what is kept in it. */
  async #keep(
    request: Request,
    object: KubeObject,
    limits: Limits,
    policy: Policy,
    controllers: boolean,
  ): Promise<PreservedAnswer> {
    const { world, live } = this.#parts;
    const active = activePreservers(this.#parts.keeps, object, settingsIn(policy, world, namespaceOf(object)));
    if (active.length === 0) return NOTHING_PRESERVED;
    const change = [{ ...changeOf(request), after: object }];
    const after = worldAfter(world, change);
    const drivers = driversOf(after, object, policy);
    if (drivers.length === 0) return NOTHING_PRESERVED;
    if (!controllers) return { extras: {}, record: { keepsOff: true } };

    const likely = preserveAll(object, request.oldObject, drivers, active, after);
    if (likely.operations.length === 0 && likely.notes.length === 0) return NOTHING_PRESERVED;
    const breakGlass = await this.#breakGlass(request);
    if (breakGlass !== undefined) return { extras: { audit: { 'break-glass': breakGlass } }, record: { breakGlass } };
    // A Rollout that changed while the cache lagged would have its old hashes put back.
    const fresh = await readLive(world, live, drivers.map(keyOf), limits.deadline);
    const truth = fresh === world ? after : worldAfter(fresh, change);
    const current = driversOf(truth, object, policy);
    const writer = writerOf(request);
    const tripped = current.find((rollout) => writer !== undefined && statusManagers(rollout).includes(writer));
    if (tripped !== undefined && writer !== undefined) {
      return {
        extras: {},
        record: {
          tripwire: `${request.user.username} writes as ${writer}, the manager of the status of Rollout ${keyOf(tripped)}`,
        },
      };
    }
    const kept = fresh === world ? likely : preserveAll(object, request.oldObject, current, active, truth);
    const audit = kept.ids.length === 0 ? {} : { kept: kept.ids.join(',') };
    return { extras: { patch: kept.operations, warnings: kept.notes, audit }, record: { kept: kept.ids } };
  }

  #planned(
    request: Request,
    limits: Limits,
    policy: Policy,
    controllers: boolean,
  ): Promise<PlannedMigration | undefined> {
    const circumstances = decisionContextOf(policy, this.#parts.world, false);
    return this.#conversions.plan(request, {
      policy,
      circumstances,
      controllers,
      deadline: limits.deadline,
      budget: () => budgetOf(limits, () => this.#parts.now()),
    });
  }

  /**
   * In: a request and its limits. Out: whether it may pass, with denials or warnings. Never rejects for what is in the
   * request.
   */
  async validate(request: Request, limits: Limits): Promise<GateAnswer> {
    const { world } = this.#parts;
    const policy = this.#parts.policy();
    const accounts = this.#accounts(policy);
    const why = exemption(request, policy, accounts.all, world);
    const object = request.object ?? request.oldObject;
    if (why !== undefined || object === undefined) return exempt(request, why ?? 'no object');

    const planned =
      request.kindId === 'Deployment.apps'
        ? await this.#planned(request, limits, policy, accounts.controllers.size > 0)
        : undefined;
    if (planned?.judged !== undefined) return this.#concluded(request, object, planned.judged, planned.skipped, policy);
    const change = changeOf(request);
    if (change.before !== undefined && change.after !== undefined && isUnseen(change.before, change.after))
      return quiet(request);
    const budget = (): Budget => budgetOf(limits, () => this.#parts.now());
    const first = introducedBy(world, [change], this.#parts.rules, budget());
    let current = first;
    let judged = this.#judge(first.findings, [change], world, policy);
    let uncertain: ReadonlySet<ObjectKey> = new Set();
    const { live } = this.#parts;
    if (live !== undefined && judged.some(needsTruth)) {
      const namespace = namespaceOf(object);
      const besides = namespace === '' ? [] : [keyFor('Namespace', '', namespace)];
      const truth = await reevaluate([change], first, besides, {
        world,
        live,
        rules: this.#parts.rules,
        deadline: limits.deadline,
        budget,
      });
      if (isTerminating(truth.world, request.namespace)) return exempt(request, 'terminating namespace');
      current = truth.introduced;
      uncertain = truth.unreadable;
      judged = this.#judge(current.findings, [change], truth.world, policy);
    }
    if (uncertain.size > 0)
      judged = judged.map((entry) => (restsOn(entry.finding, uncertain) ? { ...entry, decision: 'warn' } : entry));
    return this.#concluded(request, object, judged, current.skipped, policy);
  }

  async #concluded(
    request: Request,
    object: KubeObject,
    judged: readonly DecidedFinding[],
    skipped: readonly Skipped[],
    policy: Policy,
  ): Promise<GateAnswer> {
    const breakGlass = judged.some(({ decision }) => decision === 'deny') ? await this.#breakGlass(request) : undefined;
    const decided =
      breakGlass === undefined ? judged : judged.map((entry): DecidedFinding => ({ ...entry, decision: 'warn' }));
    return this.#answer(request, object, decided, skipped, policy, breakGlass);
  }

  /**
   * In: findings that changes introduced, the changes, the world and the policy. Out: what becomes of each, in order.
   */
  #judge(findings: readonly Finding[], changes: readonly Change[], world: World, policy: Policy): DecidedFinding[] {
    return decideFindings(sortFindings(findings), changes, decisionContextOf(policy, world, false));
  }

  #answer(
    request: Request,
    object: KubeObject,
    judged: readonly DecidedFinding[],
    skipped: readonly Skipped[],
    policy: Policy,
    breakGlass: string | undefined,
  ): GateAnswer {
    const circumstances = decisionContextOf(policy, this.#parts.world, false);
    const updated = request.operation === 'UPDATE';
    const told = judged.map((entry) => ({
      ...entry,
      told: renderFinding(entry.finding, object, {
        foreign: crossesNamespaces(entry.finding, object, circumstances),
        refusesChange: updated && entry.decision === 'deny',
        deleted: request.operation === 'DELETE',
      }),
    }));
    const denied = told.filter(({ decision }) => decision === 'deny');
    const warned = told.filter(({ decision }) => decision === 'warn');
    const warnings = warned.map((entry) => warningText(entry.told, entry.finding));
    const verdict = denied.length > 0 ? 'deny' : warned.length > 0 ? 'warn' : 'allow';
    const rules = [...new Set(judged.map(({ finding }) => finding.rule))];
    const audit = {
      ...(verdict === 'allow' ? {} : { verdict, rules: rules.join(',') }),
      ...(skipped.length === 0 ? {} : { skipped: [...new Set(skipped.map(({ rule }) => rule))].sort().join(',') }),
      ...(breakGlass === undefined ? {} : { 'break-glass': breakGlass }),
    };
    const record: DecisionRecord = {
      verdict,
      findings: judged.map(({ finding, decision }) => ({
        rule: finding.rule,
        decision,
        ...(finding.rule === INTERNAL_ERROR ? { failed: finding.messageId } : {}),
      })),
      skipped,
      kept: [],
      ...(breakGlass === undefined ? {} : { breakGlass }),
    };
    const response =
      denied.length > 0
        ? refused(
            request.uid,
            object,
            denied.map((entry) => entry.told),
            { warnings, audit },
          )
        : allowed(request.uid, { warnings, audit });
    return { response, record };
  }

  #accounts(policy: Policy): ExemptAccounts {
    const discovered = this.#parts.discovered();
    if (this.#known?.policy !== policy || this.#known.discovered !== discovered) {
      this.#known = { policy, discovered, accounts: exemptAccounts(policy, discovered, this.#parts.self) };
    }
    return this.#known.accounts;
  }

  async #breakGlass(request: Request): Promise<string | undefined> {
    const { object, oldObject, user } = request;
    const annotated = object ?? oldObject;
    if (annotated === undefined || optionalString(dig(annotated.metadata, 'annotations', BREAK_GLASS)) === undefined)
      return undefined;
    const reason = breakGlassReason(annotated, this.#parts.now());
    if (reason === undefined || this.#parts.mayBreakGlass === undefined) return undefined;
    return (await this.#parts.mayBreakGlass(user, request.namespace)) ? `${user.username}: ${reason}` : undefined;
  }
}

const NO_RECORD: DecisionRecord = { verdict: 'allow', findings: [], skipped: [], kept: [] };

function exempt(request: Request, why: string): GateAnswer {
  return { response: allowed(request.uid), record: { ...NO_RECORD, verdict: 'exempt', exempt: why } };
}

function quiet(request: Request): GateAnswer {
  return { response: allowed(request.uid), record: NO_RECORD };
}

/** What is kept of an object, and what there is to log about it. */
interface PreservedAnswer {
  readonly extras: Extras;
  readonly record: Partial<DecisionRecord>;
}

const NOTHING_PRESERVED: PreservedAnswer = { extras: {}, record: {} };

function mutated(
  request: Request,
  object: KubeObject,
  converted: MigratedDeployment | undefined,
  { extras, record }: PreservedAnswer,
): GateAnswer {
  const patch = [...(converted?.operations ?? []), ...(extras.patch ?? [])];
  const badPatch = problemWith(object, patch);
  if (badPatch !== undefined) return { response: allowed(request.uid), record: { ...NO_RECORD, badPatch } };
  const warnings = [...(converted?.notes ?? []), ...(extras.warnings ?? [])];
  return { response: allowed(request.uid, { ...extras, patch, warnings }), record: { ...NO_RECORD, ...record } };
}

function needsTruth({ finding, decision }: DecidedFinding): boolean {
  return decision === 'deny' || finding.class === 'missing';
}

function restsOn(finding: Finding, keys: ReadonlySet<ObjectKey>): boolean {
  return keys.has(keyOf(finding.subject)) || [...finding.dependsOn].some((key) => keys.has(key));
}

/**
 * In: a request. Out: the change that it asks for. The status of a Rollout is the stored one: what a user submits there
 * means nothing.
 */
export function changeOf({ object, oldObject }: Pick<Request, 'object' | 'oldObject'>): Change {
  if (object === undefined || kindOf(object) !== 'Rollout.argoproj.io') return { before: oldObject, after: object };
  const { status: _, ...rest } = object;
  const stored = oldObject?.['status'];
  return {
    before: oldObject,
    after: {
      ...rest,
      apiVersion: object.apiVersion,
      kind: object.kind,
      metadata: object.metadata,
      ...(stored === undefined ? {} : { status: stored }),
    },
  };
}

/**
 * In: a policy, a world (for the labels of namespaces), and whether references must be there. Out: the circumstances of
 * a judgement.
 */
export function decisionContextOf(policy: Policy, world: World, requireReferences: boolean): DecisionContext {
  return {
    requireReferences,
    trusted: (rolloutNamespace, objectNamespace) => isTrusted(policy, rolloutNamespace, objectNamespace),
    settings: (namespace) => settingsIn(policy, world, namespace),
  };
}

function settingsIn(policy: Policy, world: World, namespace: string): Settings {
  if (policy.overrides.length === 0) return policy;
  const found = world.get('Namespace', '', namespace);
  const label =
    found.state === 'present' ? optionalString(dig(found.object.metadata, 'labels', POLICY_LABEL)) : undefined;
  return settingsFor(policy, namespace, label);
}

function budgetOf(limits: Limits, now: () => number): Budget {
  let subjects = 0;
  return {
    spent() {
      if (++subjects > limits.maxSubjects) return `more than ${limits.maxSubjects} objects refer to it`;
      return now() >= limits.deadline ? 'no time was left to judge it' : undefined;
    },
  };
}

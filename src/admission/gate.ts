import type { Protection } from '../migration/conversion-policy.ts';
import type { Policy } from '../policy/policy.ts';
import type { Preserver } from '../preserve/define.ts';
import type { Rule } from '../rules/define.ts';
import { TOO_LARGE } from '../rules/engine.ts';
import { dependsOnSome, type Finding } from '../rules/finding.ts';
import { getOrAdd } from '../world/get-or-add.ts';
import { keyFor, keyOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import type { World } from '../world/world.ts';
import { unconfirmedLines } from './unconfirmed.ts';
import { exemptAnswer, mutatedAnswer, plainAnswer, validatedAnswer, type GateAnswer } from './answer.ts';
import { breakGlassOf } from './break-glass.ts';
import { budgetOf, inSlices, type Limits, type Pacing } from './budget.ts';
import { changeOf, type Change } from './change.ts';
import {
  asWarning,
  decideFindings,
  decideInSlices,
  isDenial,
  requestContextOf,
  type DecidedFinding,
  type DecisionContext,
} from './decisions.ts';
import { exemption, isTerminating, knownAccounts, onlyScales, type KnownAccounts } from './exempt.ts';
import { canIntroduce, findIntroduced, type Introduced } from './introduced.ts';
import { reevaluate, type ApiReader } from './live-reads.ts';
import { LOSES_PODS, lostPods } from './lost-pods.ts';
import { migrate } from './migration/migrate.ts';
import { MigrationPlanner, outcomeOf, type PlannedMigration } from './migration/planner.ts';
import { deniedAcross } from './across-namespaces.ts';
import { NOTHING_PRESERVED, preserveRequest } from './preserving.ts';
import { requestNotes } from './request-notes.ts';
import type { Request, UserInfo } from './review.ts';
import { toldOf } from './told.ts';

export type { DecisionRecord, GateAnswer } from './answer.ts';
export type { Limits } from './budget.ts';

/** What a gate is made of. All I/O is in what is passed in here. */
export interface GateParts extends Pacing {
  readonly world: World;
  /** Absent where the world itself is authoritative: manifests do not lag. */
  readonly live?: ApiReader | undefined;
  readonly rules: readonly Rule[];
  readonly keeps: readonly Preserver[];
  policy(): Policy;
  /** Returns the controller accounts that were discovered in the namespaces that the policy names. */
  discovered(): readonly string[];
  /** Returns the accounts elsewhere that look like those of a controller. */
  untrusted?(): readonly string[];
  /** The account Rollgate runs as, if it has one. */
  readonly self?: string | undefined;
  /** As of `BreakGlassParts`. */
  mayBreakGlass?(user: UserInfo, namespace: string): Promise<boolean | undefined>;
  /**
   * Returns whether a user may get an object, undefined where that could not be determined. Absent: nobody may get an
   * object of another namespace.
   */
  mayGet?(user: UserInfo, object: KubeObject): Promise<boolean | undefined>;
  /**
   * Returns whether a user may create Rollouts in a namespace, undefined where that could not be determined. Absent
   * where there is no API server to ask: everybody may.
   */
  mayCreateRollouts?(user: UserInfo, namespace: string): Promise<boolean | undefined>;
  /**
   * Returns whether the account of Rollgate may create Rollouts in a namespace, undefined where that could not be
   * determined. Absent where its account is not known: it may.
   */
  mayConvert?(namespace: string): Promise<boolean | undefined>;
  /**
   * Returns what protects the annotations of conversion. Never rejects. Absent where there is no API server to protect
   * them: nothing has to.
   */
  protection?(): Promise<Protection>;
  /** Called with what a write of a reconciler was only warned about, although it would be denied to others. */
  tolerated?(subject: KubeObject, findings: readonly Finding[]): void;
  /** False where no process makes Rollouts of the Deployments that are admitted to be converted. */
  readonly converts?: boolean;
}

/** The admission gate: answers requests from a world, a policy, rules and keeps. */
export class Gate {
  readonly #parts: GateParts;
  readonly #planner: MigrationPlanner;
  // Both the policy and the list of accounts are replaced when they change, which is rare.
  #known:
    | {
        readonly policy: Policy;
        readonly discovered: readonly string[];
        readonly untrusted: readonly string[];
        readonly accounts: KnownAccounts;
      }
    | undefined;

  constructor(parts: GateParts) {
    this.#parts = { ...parts, rules: rulesOfRequests(parts.rules) };
    this.#planner = new MigrationPlanner(this.#parts);
  }

  /**
   * Answers the mutating webhook: with the patch that keeps what the controller owns, and makes a Deployment the
   * workload of a Rollout. Never rejects for what is in the request.
   */
  async mutate(request: Request, limits: Limits): Promise<GateAnswer> {
    const policy = this.#parts.policy();
    const accounts = this.#accounts(policy);
    const why = exemption(request, policy, accounts.exempt, this.#parts.world);
    const { object } = request;
    if (why !== undefined || object === undefined) return exemptAnswer(request, why ?? 'nothing to keep on DELETE');
    const isController = accounts.notKeptAgainst.has(request.user.username);
    // A controller scales down the Deployment of a converted Rollout. Taken for a wish, that would scale down the Rollout.
    if (isController && onlyScales(request)) return plainAnswer(request);
    const planned = await this.#plan(request, limits, policy, accounts.controllers.size > 0);
    const migrated =
      planned === undefined ? undefined : migrate(planned.change, planned.plan, outcomeOf(planned), planned.after);
    const preserved =
      migrated?.decided === true || isController
        ? NOTHING_PRESERVED
        : await preserveRequest(request, migrated?.patched ?? object, this.#parts, {
            policy,
            controllers: accounts.notKeptAgainst.size > 0,
            deadline: limits.deadline,
            inSlices: (work) => inSlices(work, limits, this.#parts),
          });
    return mutatedAnswer(request, object, migrated, preserved);
  }

  /**
   * Answers the validating webhook: allows or denies the request, with warnings. Never rejects for what is in the
   * request.
   */
  async validate(request: Request, limits: Limits): Promise<GateAnswer> {
    const { world } = this.#parts;
    const policy = this.#parts.policy();
    const accounts = this.#accounts(policy);
    const why = exemption(request, policy, accounts.exempt, world);
    const object = request.object ?? request.oldObject;
    if (why !== undefined || object === undefined) return exemptAnswer(request, why ?? 'no object');

    const planned = await this.#plan(request, limits, policy, accounts.controllers.size > 0);
    const context = requestContextOf(policy, world, request);
    if (planned?.decided !== undefined)
      return this.#answer(
        request,
        object,
        { decided: planned.decided, skipped: planned.skipped, context },
        limits,
        policy,
      );
    const change = changeOf(request);
    if (!canIntroduce(change, this.#parts.rules))
      return this.#answer(request, object, { decided: [], skipped: [], context }, limits, policy);
    const evaluated = await this.#evaluate(request, object, change, limits, policy);
    return 'exempt' in evaluated
      ? exemptAnswer(request, evaluated.exempt)
      : this.#answer(request, object, await this.#withLostPods(request, change, evaluated, limits), limits, policy);
  }

  // A dry run of a reconciler has no second object to bring, and must not stop the rest.
  async #withLostPods(
    request: Request,
    change: Change,
    evaluated: Evaluated,
    { deadline }: Limits,
  ): Promise<Evaluated> {
    const { world, live } = this.#parts;
    const { context, decided } = evaluated;
    if (context.reconciler?.dryRun === true) return evaluated;
    const lost = await lostPods(request, { world, live, deadline });
    if (lost === undefined) return evaluated;
    const [entry] = decideFindings([lost], [change], context);
    if (entry === undefined) return evaluated;
    // What the rule says about the two objects, it says about the same label, and its fix is the opposite.
    const key = keyOf(lost.object);
    const others = decided.filter(({ finding }) => finding.rule !== lost.rule || keyOf(finding.object) !== key);
    return { ...evaluated, decided: [entry, ...others] };
  }

  // First by the cache. What that would deny or call missing is read from the API server and evaluated again.
  async #evaluate(
    request: Request,
    object: KubeObject,
    change: Change,
    limits: Limits,
    policy: Policy,
  ): Promise<Evaluated | { readonly exempt: string }> {
    const { world, live } = this.#parts;
    const evaluate = (current: World): Promise<Introduced> => this.#introducedBy([change], current, limits);
    const cached = await evaluate(world);
    const likely = await this.#decide(
      cached.findings,
      request,
      change,
      limits,
      requestContextOf(policy, world, request),
    );
    if (live === undefined || !likely.decided.some(mustBeCurrent)) return { ...likely, skipped: cached.skipped };

    const namespace = namespaceOf(object);
    const alsoRead = namespace === '' ? [] : [keyFor('Namespace', '', namespace)];
    const { deadline } = limits;
    const current = await reevaluate([change], cached, alsoRead, { world, live, deadline, evaluate });
    if (isTerminating(current.world, request.namespace)) return { exempt: 'terminating namespace' };
    const { findings, skipped } = current.introduced;
    const again = requestContextOf(policy, current.world, request);
    const { decided, context } = await this.#decide(findings, request, change, limits, again);
    return {
      decided: decided.map((entry) => warnIfUnreadable(entry, current.unreadable)),
      skipped,
      context,
      unconfirmed: unconfirmedLines(decided, current.unreadable),
    };
  }

  #introducedBy(changes: readonly Change[], world: World, limits: Limits): Promise<Introduced> {
    const budget = budgetOf(limits, this.#parts);
    return inSlices(findIntroduced(world, changes, this.#parts.rules, budget), limits, this.#parts);
  }

  async #decide(
    findings: readonly Finding[],
    { user }: Request,
    change: Change,
    limits: Limits,
    asked: DecisionContext,
  ): Promise<Omit<Evaluated, 'skipped'>> {
    const decide = (context: DecisionContext): Promise<DecidedFinding[]> =>
      inSlices(decideInSlices(findings, [change], context), limits, this.#parts);
    const known = await this.#readable(findings, user, change, limits, asked);
    const context = known === undefined ? asked : { ...asked, known };
    return { decided: await decide(context), context };
  }

  // What an answer may tell about other namespaces. Nobody is asked about unless something would be denied.
  async #readable(
    findings: readonly Finding[],
    user: UserInfo,
    change: Change,
    limits: Limits,
    context: DecisionContext,
  ): Promise<ReadonlySet<ObjectKey> | undefined> {
    const { mayGet } = this.#parts;
    if (mayGet === undefined || change.after === undefined) return undefined;
    const others = await inSlices(deniedAcross(findings, change, context), limits, this.#parts);
    if (others.size === 0) return undefined;
    const answers = await Promise.all(
      [...others].map(async ([key, object]) => ({ key, may: await mayGet(user, object) })),
    );
    return new Set([keyOf(change.after), ...answers.flatMap(({ key, may }) => (may === true ? [key] : []))]);
  }

  async #answer(
    request: Request,
    object: KubeObject,
    { decided, skipped, context, unconfirmed = [] }: Evaluated,
    limits: Limits,
    policy: Policy,
  ): Promise<GateAnswer> {
    const denies = decided.some(({ decision }) => decision === 'deny');
    const { maxDuration } = policy.breakGlass;
    const breakGlass = await breakGlassOf(request, { needed: denies, maxDuration }, this.#parts);
    const findings =
      breakGlass?.override === undefined
        ? decided
        : decided.map((entry): DecidedFinding => ({ ...entry, decision: 'warn' }));
    if (!denies) this.#reportTolerated(findings);
    const override = denies ? breakGlass?.override : undefined;
    const { rules } = context.settings(namespaceOf(object));
    const isSaid = (rule: string): boolean =>
      decided.some(({ finding }) => finding.rule === rule && finding.messageId === LOSES_PODS);
    const notes = requestNotes(request, this.#parts.world, (rule) => rules[rule] === 'off' || isSaid(rule));
    const warnings = [...(breakGlass === undefined ? [] : [breakGlass.warning]), ...unconfirmed, ...notes];
    const told = await inSlices(toldOf(findings), limits, this.#parts);
    return validatedAnswer(request, object, { findings, told, skipped, breakGlass: override, warnings }, context);
  }

  #reportTolerated(findings: readonly DecidedFinding[]): void {
    const tolerated = findings.filter((entry) => entry.tolerated === true).map(({ finding }) => finding);
    for (const [, group] of Map.groupBy(tolerated, ({ subject }) => keyOf(subject)))
      if (group[0] !== undefined) this.#parts.tolerated?.(group[0].subject, group);
  }

  async #plan(
    request: Request,
    limits: Limits,
    policy: Policy,
    controllers: boolean,
  ): Promise<PlannedMigration | undefined> {
    if (request.kindId !== 'Deployment.apps') return undefined;
    return this.#planner.plan(request, {
      policy,
      decisions: requestContextOf(policy, this.#parts.world, request),
      controllers,
      deadline: limits.deadline,
      introducedBy: (changes, world) => this.#introducedBy(changes, world, limits),
      inSlices: (work) => inSlices(work, limits, this.#parts),
    });
  }

  #accounts(policy: Policy): KnownAccounts {
    const discovered = this.#parts.discovered();
    const untrusted = this.#parts.untrusted?.() ?? NONE;
    const known = this.#known;
    if (known?.policy === policy && known.discovered === discovered && known.untrusted === untrusted)
      return known.accounts;
    const accounts = knownAccounts(policy, discovered, untrusted, this.#parts.self);
    this.#known = { policy, discovered, untrusted, accounts };
    return accounts;
  }
}

const NONE: readonly string[] = [];

const ofRequests = new WeakMap<readonly Rule[], readonly Rule[]>();

// The same list for every gate, so that its index is made once.
function rulesOfRequests(rules: readonly Rule[]): readonly Rule[] {
  return getOrAdd(ofRequests, rules, () => rules.filter((rule) => !rule.lintOnly));
}

type Evaluated = Pick<PlannedMigration, 'skipped'> & {
  readonly decided: readonly DecidedFinding[];
  /** The one that decided. */
  readonly context: DecisionContext;
  /** What is said about lists that could not be read. */
  readonly unconfirmed?: readonly string[];
};

// A cache that lags must neither deny anything nor call anything missing. Reading again makes nothing smaller.
function mustBeCurrent(entry: DecidedFinding): boolean {
  if (entry.finding.rule === TOO_LARGE) return false;
  return isDenial(entry) || entry.finding.class === 'missing';
}

function warnIfUnreadable(entry: DecidedFinding, unreadable: ReadonlySet<ObjectKey>): DecidedFinding {
  if (unreadable.size === 0) return entry;
  const { finding } = entry;
  const isUnreadable = unreadable.has(keyOf(finding.subject)) || dependsOnSome(finding, unreadable);
  return isUnreadable ? asWarning(entry) : entry;
}

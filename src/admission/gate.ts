import type { Keep } from '../mutations/define.ts';
import { isTrusted, POLICY_LABEL, settingsFor, type Policy, type Settings } from '../policy/policy.ts';
import type { Rule } from '../rules/define.ts';
import { INTERNAL_ERROR, type Budget } from '../rules/engine.ts';
import { sortFindings, type Finding, type Skipped } from '../rules/finding.ts';
import { keyFor, keyOf, kindOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { dig, optionalString } from '../world/read.ts';
import { Overlay } from '../world/store.ts';
import type { World } from '../world/world.ts';
import { BREAK_GLASS, breakGlassReason, exemptAccounts, exemption, isTerminating, newestManager, statusManagers } from './exempt.ts';
import { activeKeeps, driversOf, keepAll, problemWith } from './keep.ts';
import { introducedBy, isForeign, judge, worldsOf, type Change, type Circumstances, type Introduced, type Judged } from './judge.ts';
import { allowed, refused, type AdmissionResponse } from './response.ts';
import type { Request, UserInfo } from './review.ts';
import { tell, warningText } from './wording.ts';

/** Reads objects from the API server, past every cache. */
export interface Live {
  /** In: keys, and until when (milliseconds since the epoch). Out: for each key the object, undefined if it is not there, or `unreadable`. Never rejects. */
  fetch(keys: readonly ObjectKey[], deadline: number): Promise<ReadonlyMap<ObjectKey, KubeObject | undefined | 'unreadable'>>;
}

/** What a gate is made of. All I/O is in what is passed in here. */
export interface GateParts {
  readonly world: World;
  /** Absent where the world is the truth itself: manifests do not lag. */
  readonly live?: Live | undefined;
  readonly rules: readonly Rule[];
  readonly keeps: readonly Keep[];
  policy(): Policy;
  /** The controller accounts that were discovered. */
  discovered(): readonly string[];
  /** The account Rollgate runs as, if it has one. */
  readonly self?: string | undefined;
  /** In: a user. Out: whether he may `break-glass` on `overrides.rollgate.io`. Absent: nobody may. */
  mayBreakGlass?(user: UserInfo, namespace: string): Promise<boolean>;
  /** Out: milliseconds since the epoch. */
  now(): number;
}

/** What was decided about one request, for the log and the metrics; no objects in it. */
export interface Decided {
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
export interface Answer {
  readonly response: AdmissionResponse;
  readonly record: Decided;
}

/** How much one request may cost. */
export interface Limits {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly maxSubjects: number;
}

// The findings that a live read brings up may rest on objects that were not read yet; a chain of references is no longer than this.
const REREADS = 4;

/** The admission gate: what it is asked, it answers from a world, a policy, rules and keeps. */
export class Gate {
  readonly #parts: GateParts;

  constructor(parts: GateParts) {
    this.#parts = { ...parts, rules: parts.rules.filter((rule) => !rule.lintOnly) };
  }

  /** In: a request and its limits. Out: the patch that keeps what the controller owns, or none. Never rejects for what is in the request. */
  async mutate(request: Request, limits: Limits): Promise<Answer> {
    const { world } = this.#parts;
    const policy = this.#parts.policy();
    const accounts = exemptAccounts(policy, this.#parts.discovered(), this.#parts.self);
    const why = exemption(request, policy, accounts.all, world);
    const { object } = request;
    if (why !== undefined || object === undefined) return exempt(request, why ?? 'nothing to keep on DELETE');

    const active = activeKeeps(this.#parts.keeps, object, settingsIn(policy, world, namespaceOf(object)));
    if (active.length === 0) return quiet(request);
    const change = [changeOf(request)];
    const drivers = driversOf(worldsOf(world, change).after, object, policy);
    if (drivers.length === 0) return quiet(request);
    if (accounts.controllers.size === 0) return { response: allowed(request.uid), record: { ...NO_RECORD, keepsOff: true } };

    const likely = keepAll(object, request.oldObject, drivers, active, worldsOf(world, change).after);
    if (likely.operations.length === 0 && likely.notes.length === 0) return quiet(request);
    const breakGlass = await this.#breakGlass(request);
    if (breakGlass !== undefined) return { response: allowed(request.uid, { audit: { 'break-glass': breakGlass } }), record: { ...NO_RECORD, breakGlass } };
    const truth = worldsOf(await this.#freshen(drivers, limits.deadline), change).after;
    const current = driversOf(truth, object, policy);
    const writer = newestManager(object);
    const tripped = current.find((rollout) => writer !== undefined && statusManagers(rollout).includes(writer));
    if (tripped !== undefined && writer !== undefined) {
      return { response: allowed(request.uid), record: { ...NO_RECORD, tripwire: `${request.user.username} writes as ${writer}, the manager of the status of Rollout ${keyOf(tripped)}` } };
    }
    const kept = keepAll(object, request.oldObject, current, active, truth);
    const badPatch = problemWith(object, kept.operations);
    if (badPatch !== undefined) return { response: allowed(request.uid), record: { ...NO_RECORD, badPatch } };
    const audit = kept.ids.length === 0 ? {} : { kept: kept.ids.join(',') };
    return {
      response: allowed(request.uid, { patch: kept.operations, warnings: kept.notes, audit }),
      record: { ...NO_RECORD, kept: kept.ids },
    };
  }

  /** In: a request and its limits. Out: whether it may pass, with denials or warnings. Never rejects for what is in the request. */
  async validate(request: Request, limits: Limits): Promise<Answer> {
    const { world } = this.#parts;
    const policy = this.#parts.policy();
    const accounts = exemptAccounts(policy, this.#parts.discovered(), this.#parts.self);
    const why = exemption(request, policy, accounts.all, world);
    const object = request.object ?? request.oldObject;
    if (why !== undefined || object === undefined) return exempt(request, why ?? 'no object');

    const change = changeOf(request);
    const budget = budgetOf(limits, () => this.#parts.now());
    const first = introducedBy(world, [change], this.#parts.rules, budget);
    let current: Introduced = first;
    let judged = this.#judge(first.findings, [change], world, policy);
    let uncertain: ReadonlySet<ObjectKey> = new Set();
    const { live } = this.#parts;
    if (live !== undefined && judged.some(needsTruth)) {
      const truth = await this.#reread(live, change, first, limits);
      if (isTerminating(truth.world, request.namespace)) return exempt(request, 'terminating namespace');
      current = truth.introduced;
      uncertain = truth.unreadable;
      judged = this.#judge(current.findings, [change], truth.world, policy);
    }
    if (uncertain.size > 0) judged = judged.map((entry) => (restsOn(entry.finding, uncertain) ? { ...entry, decision: 'warn' } : entry));
    const breakGlass = judged.some(({ decision }) => decision === 'deny') ? await this.#breakGlass(request) : undefined;
    if (breakGlass !== undefined) judged = judged.map((entry) => ({ ...entry, decision: 'warn' }));
    return this.#answer(request, object, judged, current.skipped, policy, breakGlass);
  }

  /** In: findings that changes introduced, the changes, the world and the policy. Out: what becomes of each, in order. */
  #judge(findings: readonly Finding[], changes: readonly Change[], world: World, policy: Policy): Judged[] {
    return judge(sortFindings(findings), changes, circumstancesOf(policy, world, false));
  }

  #answer(request: Request, object: KubeObject, judged: readonly Judged[], skipped: readonly Skipped[], policy: Policy, breakGlass: string | undefined): Answer {
    const circumstances = circumstancesOf(policy, this.#parts.world, false);
    const updated = request.operation === 'UPDATE';
    const told = judged.map((entry) => ({ ...entry, told: tell(entry.finding, object, { foreign: isForeign(entry.finding, object, circumstances), updated }) }));
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
    const record: Decided = {
      verdict,
      findings: judged.map(({ finding, decision }) => ({ rule: finding.rule, decision, ...(finding.rule === INTERNAL_ERROR ? { failed: finding.messageId } : {}) })),
      skipped,
      kept: [],
      ...(breakGlass === undefined ? {} : { breakGlass }),
    };
    const response =
      denied.length > 0
        ? refused(request.uid, object, denied.map((entry) => entry.told), { warnings, audit })
        : allowed(request.uid, { warnings, audit });
    return { response, record };
  }

  // A Rollout that changed while the cache lagged would have its old hashes put back.
  async #freshen(rollouts: readonly KubeObject[], deadline: number): Promise<World> {
    const { live, world } = this.#parts;
    if (live === undefined) return world;
    const fetched = await live.fetch(rollouts.map(keyOf), deadline);
    const there = [...fetched.values()].filter((value) => value !== undefined && value !== 'unreadable');
    return new Overlay(world, there, [...fetched].filter(([, value]) => value === undefined).map(([key]) => key));
  }

  async #breakGlass(request: Request): Promise<string | undefined> {
    const { object, oldObject, user } = request;
    const annotated = object ?? oldObject;
    if (annotated === undefined || optionalString(dig(annotated.metadata, 'annotations', BREAK_GLASS)) === undefined) return undefined;
    const reason = breakGlassReason(annotated, this.#parts.now());
    if (reason === undefined || this.#parts.mayBreakGlass === undefined) return undefined;
    return (await this.#parts.mayBreakGlass(user, request.namespace)) ? `${user.username}: ${reason}` : undefined;
  }

  async #reread(live: Live, change: Change, first: Introduced, limits: Limits): Promise<{ introduced: Introduced; world: World; unreadable: ReadonlySet<ObjectKey> }> {
    const { world, rules } = this.#parts;
    const admitted = change.after ?? change.before;
    const namespace = admitted === undefined ? '' : namespaceOf(admitted);
    const known = new Map<ObjectKey, KubeObject | undefined>();
    const failed = new Set<ObjectKey>();
    let introduced = first;
    let truth: World = world;
    for (let round = 0; round < REREADS; round++) {
      const wanted = [...introduced.consulted, ...(round === 0 && namespace !== '' ? [keyFor('Namespace', '', namespace)] : [])];
      const keys = wanted.filter((key) => !known.has(key) && !failed.has(key) && (admitted === undefined || key !== keyOf(admitted)));
      if (keys.length === 0) break;
      for (const [key, value] of await live.fetch(keys, limits.deadline)) {
        if (value === 'unreadable') failed.add(key);
        else known.set(key, value);
      }
      const there = [...known.values()].filter((value) => value !== undefined);
      truth = new Overlay(world, there, [...known].filter(([, value]) => value === undefined).map(([key]) => key));
      introduced = introducedBy(truth, [change], rules, budgetOf(limits, () => this.#parts.now()));
    }
    return { introduced, world: truth, unreadable: failed };
  }
}

const NO_RECORD: Decided = { verdict: 'allow', findings: [], skipped: [], kept: [] };

function exempt(request: Request, why: string): Answer {
  return { response: allowed(request.uid), record: { ...NO_RECORD, verdict: 'exempt', exempt: why } };
}

function quiet(request: Request): Answer {
  return { response: allowed(request.uid), record: NO_RECORD };
}

function needsTruth({ finding, decision }: Judged): boolean {
  return decision === 'deny' || finding.class === 'missing';
}

function restsOn(finding: Finding, keys: ReadonlySet<ObjectKey>): boolean {
  return keys.has(keyOf(finding.subject)) || [...finding.rests].some((key) => keys.has(key));
}

/** In: a request. Out: the change that it asks for. The status of a Rollout is the stored one: what a user submits there means nothing. */
export function changeOf({ object, oldObject }: Pick<Request, 'object' | 'oldObject'>): Change {
  if (object === undefined || kindOf(object) !== 'Rollout.argoproj.io') return { before: oldObject, after: object };
  const { status: _, ...rest } = object;
  const stored = oldObject?.['status'];
  return { before: oldObject, after: { ...rest, apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata, ...(stored === undefined ? {} : { status: stored }) } };
}

/** In: a policy, a world (for the labels of namespaces), and whether references must be there. Out: the circumstances of a judgement. */
export function circumstancesOf(policy: Policy, world: World, requireReferences: boolean): Circumstances {
  return {
    requireReferences,
    trusted: (rolloutNamespace, objectNamespace) => isTrusted(policy, rolloutNamespace, objectNamespace),
    settings: (namespace) => settingsIn(policy, world, namespace),
  };
}

function settingsIn(policy: Policy, world: World, namespace: string): Settings {
  if (policy.overrides.length === 0) return policy;
  const found = world.get('Namespace', '', namespace);
  const label = found.state === 'present' ? optionalString(dig(found.object.metadata, 'labels', POLICY_LABEL)) : undefined;
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

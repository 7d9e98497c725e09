import { createHash } from 'node:crypto';
import { inSlices, type Pacing } from '../admission/budget.ts';
import { incarnationOf, publicText, stillStanding } from '../admission/still-stands.ts';
import type { Policy } from '../policy/policy.ts';
import { Budget } from '../rules/budget.ts';
import type { Rule } from '../rules/define.ts';
import { identity, type Finding } from '../rules/finding.ts';
import { kindOf, refOf, type KindId, type KubeObject } from '../world/object.ts';
import type { World } from '../world/world.ts';
import { newestOfLargest, inTurns } from './by-namespace.ts';
import type { Log } from './log.ts';
import type { ObjectEvent } from './object-events.ts';
import { Poller } from './poller.ts';

/** The parts of `FollowUps`. */
export interface FollowUpsParts extends Pacing {
  readonly world: World;
  readonly rules: readonly Rule[];
  policy(): Policy;
  readonly log: Log;
  /** Told of each contradiction that stands, now and again. */
  record?(object: KubeObject, event: ObjectEvent): void;
}

interface Entry {
  readonly life: string;
  readonly kind: KindId;
  readonly namespace: string;
  readonly name: string;
  readonly rules: Set<string>;
  readonly identities: Set<string>;
  due: number;
  stands: boolean;
}

/** A reconciler brings the other object within seconds, if at all. */
const FOLLOW_UP_AFTER = 60_000;
// All of one process. A namespace that causes more crowds out its own.
const MOST = 500;
const MOST_OF_TICK = 10;
const MOST_FINDINGS = 20;
// Some milliseconds of processor time.
const BUDGET = {
  operations: 5_000,
  operationsOfCheck: 5_000,
  values: 100_000,
  subjects: 1,
  expired: (): boolean => false,
};

/**
 * Follows up contradictions that the write of a reconciler was only warned about, because it may bring the other object
 * next. What still stands a minute later is logged, shown by a metric, and told. It is looked at every minute then, until
 * it is fixed. Each process follows up what it admitted itself, so replicas share the work without a leader.
 */
export class FollowUps {
  readonly #parts: FollowUpsParts;
  readonly #entries = new Map<string, Entry>();
  readonly #poller: Poller | undefined;
  #dropped = 0;

  /** @param interval - Milliseconds between two rounds of checks. Undefined: only `check` checks. */
  constructor(parts: FollowUpsParts, interval: number | undefined) {
    this.#parts = parts;
    this.#poller = interval === undefined ? undefined : new Poller(() => this.check(), interval);
  }

  /** The number of objects whose contradictions are followed up. */
  get size(): number {
    return this.#entries.size;
  }

  /** The number of objects with a contradiction that still stands. */
  get standing(): number {
    return [...this.#entries.values()].reduce((sum, { stands }) => sum + (stands ? 1 : 0), 0);
  }

  /** The number of objects that were not followed up, because there were too many. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Follows up what the write of a subject was only warned about. */
  add(subject: KubeObject, findings: readonly Finding[]): void {
    const kind = kindOf(subject);
    if (kind === undefined) return;
    const life = incarnationOf(subject);
    let entry = this.#entries.get(life);
    if (entry === undefined) {
      const { namespace, name } = refOf(subject);
      const due = this.#parts.now() + FOLLOW_UP_AFTER;
      entry = { life, kind, namespace, name, rules: new Set(), identities: new Set(), due, stands: false };
      this.#entries.set(life, entry);
    }
    for (const finding of findings) {
      if (entry.identities.size >= MOST_FINDINGS) break;
      entry.rules.add(finding.rule);
      entry.identities.add(hashed(finding));
    }
    if (this.#entries.size <= MOST) return;
    const out = newestOfLargest([...this.#entries.values()]);
    if (out !== undefined) this.#entries.delete(out.life);
    this.#dropped++;
  }

  /** Checks what is due. Never rejects. */
  async check(): Promise<void> {
    const now = this.#parts.now();
    const due = [...this.#entries.values()].filter((entry) => now >= entry.due);
    for (const entry of inTurns(due, MOST_OF_TICK)) await this.#check(entry, now);
  }

  /** Ends following up. */
  stop(): void {
    this.#poller?.stop();
  }

  async #check(entry: Entry, now: number): Promise<void> {
    const { world, log, record } = this.#parts;
    const policy = this.#parts.policy();
    entry.due = now + FOLLOW_UP_AFTER;
    const found = world.get(entry.kind, entry.namespace, entry.name);
    if (found.state === 'unknown') return;
    if (found.state === 'absent' || incarnationOf(found.object) !== entry.life) {
      this.#entries.delete(entry.life);
      return;
    }
    const rules = this.#parts.rules.filter(({ id }) => entry.rules.has(id));
    const options = { world, policy, budget: new Budget(BUDGET) };
    const isKnown = (finding: Finding): boolean => entry.identities.has(hashed(finding));
    const standing = await inSlices(stillStanding(found.object, isKnown, rules, options), {}, this.#parts);
    // A cache that does not know is asked again in a minute.
    if (standing === undefined) return;
    const [first] = standing;
    const about = { kind: entry.kind, namespace: entry.namespace, name: entry.name };
    if (first === undefined) {
      this.#entries.delete(entry.life);
      if (entry.stands) log.info(about, 'a contradiction that a reconciler wrote is fixed');
      return;
    }
    const text = publicText(first, policy, world);
    const message = standing.length === 1 ? text : `${text} (and ${standing.length - 1} more)`;
    const broken = [...new Set(standing.map(({ rule }) => rule))];
    if (!entry.stands)
      log.warn(
        { ...about, rules: broken, messages: [message] },
        'a contradiction that a reconciler wrote still stands',
      );
    entry.stands = true;
    record?.(found.object, { reason: 'ContradictionStands', rules: broken, message });
  }
}

// Names in it may be of any length.
function hashed(finding: Finding): string {
  return createHash('sha256').update(identity(finding)).digest('base64');
}

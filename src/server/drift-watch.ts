import { nameOf } from '../admission/attribution.ts';
import { inSlices, type Pacing } from '../admission/budget.ts';
import { incarnationOf } from '../admission/still-stands.ts';
import { DRIFT_AFTER, driftFix, driftId, driftsOf } from '../preserve/drift.ts';
import { Copies, type Drift, type DriftKind } from '../preserve/drift-look.ts';
import type { Work } from '../rules/engine.ts';
import { keyOf, namespaceOf, refOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import type { World } from '../world/world.ts';
import type { Log } from './log.ts';
import type { ObjectEvent } from './object-events.ts';
import { Poller } from './poller.ts';

/** The parts of `DriftWatch`. */
export interface DriftWatchParts extends Pacing {
  readonly world: World;
  /** Reports whether the cluster has been read. */
  settled(): boolean;
  readonly log: Log;
  /** Told of each Rollout with drift, now and again. */
  record?(rollout: KubeObject, event: ObjectEvent): void;
}

/** How many values have drifted in a namespace. */
export interface DriftCount {
  readonly what: DriftKind;
  /** `*` stands for all namespaces that have no count of their own. */
  readonly namespace: string;
  readonly count: number;
}

interface Entry {
  readonly what: DriftKind;
  readonly since: number;
  stands: boolean;
}

interface Watched {
  readonly namespace: string;
  readonly name: string;
  readonly life: string;
  entries: ReadonlyMap<string, Entry>;
  told: number;
}

// Some Rollouts are looked at several times within a minute.
const ROUND_EVERY = 20_000;
// Some tens of milliseconds of processor time, in slices of five.
const MOST_OF_TICK = 50_000;
// A Rollout may name many routes.
const MOST_OF_ROLLOUT = 5_000;
// A namespace that has more only hides its own.
const MOST_OF_NAMESPACE = 200;
const TELL_EVERY = 60_000;
const MOST_NAMESPACES = 100;

/**
 * Looks at all Rollouts in rounds, and follows where weights and hashes differ from the status. What has differed at
 * every look for a minute is logged, counted by a metric, and told. Each process looks at its own cache, so all replicas
 * count the same.
 */
export class DriftWatch {
  readonly #parts: DriftWatchParts;
  readonly #poller: Poller | undefined;
  readonly #watched = new Map<ObjectKey, Watched>();
  readonly #ofNamespace = new Map<string, number>();
  #begun = -Infinity;
  // The Rollouts of the round that were not looked at yet.
  #rest: KubeObject['metadata'][] = [];

  /** @param interval - Milliseconds between two parts of a round. Undefined: only `check` looks. */
  constructor(parts: DriftWatchParts, interval: number | undefined) {
    this.#parts = parts;
    this.#poller = interval === undefined ? undefined : new Poller(() => this.check(), interval);
  }

  /** Returns how many values have differed for a minute, by kind and namespace: the largest hundred namespaces alone. */
  counts(): DriftCount[] {
    const counts = new Map<string, Map<DriftKind, number>>();
    for (const { namespace, entries } of this.#watched.values())
      for (const { what, stands } of entries.values()) if (stands) add(counts, namespace, what, 1);
    const total = (of: ReadonlyMap<DriftKind, number>): number => [...of.values()].reduce((a, b) => a + b, 0);
    const largest = [...counts].sort(([a, x], [b, y]) => total(y) - total(x) || (a < b ? -1 : 1));
    const shown = new Map(largest.slice(0, MOST_NAMESPACES));
    for (const [, of] of largest.slice(MOST_NAMESPACES)) for (const [what, count] of of) add(shown, '*', what, count);
    return [...shown].flatMap(([namespace, of]) => [...of].map(([what, count]) => ({ what, namespace, count })));
  }

  /** Looks at the next part of a round. Never rejects. */
  async check(): Promise<void> {
    if (this.#parts.settled()) await inSlices(this.#look(), {}, this.#parts);
  }

  /** Ends looking. */
  stop(): void {
    this.#poller?.stop();
  }

  *#look(): Work<void> {
    const { world, now } = this.#parts;
    if (this.#rest.length === 0 && !this.#begin(now())) return;
    const copies = new Copies();
    for (let room = MOST_OF_TICK; room > 0;) {
      const next = this.#rest.pop();
      if (next === undefined) return;
      const found = world.get('Rollout.argoproj.io', next.namespace ?? '', next.name);
      room -= found.state === 'present' ? this.#lookAt(found.object, copies, now()) : 1;
      yield;
    }
  }

  #begin(now: number): boolean {
    // A clock can be set back.
    if (now >= this.#begun && now < this.#begun + ROUND_EVERY) return false;
    const listing = this.#parts.world.list('Rollout.argoproj.io', undefined);
    if (listing.state === 'unknown') return false;
    this.#begun = now;
    this.#rest = listing.objects.map(({ metadata }) => metadata);
    const present = new Set(listing.objects.map(keyOf));
    for (const [key, watched] of this.#watched) if (!present.has(key)) this.#replace(key, watched, new Map());
    return true;
  }

  /** Returns what it cost. */
  #lookAt(rollout: KubeObject, copies: Copies, now: number): number {
    const key = keyOf(rollout);
    const { drifts, operations } = driftsOf(rollout, this.#parts.world, MOST_OF_ROLLOUT, copies);
    let watched = this.#watched.get(key);
    if (watched === undefined && drifts.length === 0) return operations;
    const life = incarnationOf(rollout);
    if (watched?.life !== life) {
      if (watched !== undefined) this.#replace(key, watched, new Map());
      const { namespace, name } = refOf(rollout);
      watched = { namespace, name, life, entries: new Map(), told: -Infinity };
    }
    const entries = new Map<string, Entry>();
    const standing: Drift[] = [];
    const others = (this.#ofNamespace.get(watched.namespace) ?? 0) - watched.entries.size;
    for (const drift of drifts.slice(0, Math.max(0, MOST_OF_NAMESPACE - others))) {
      const id = driftId(drift);
      const entry = watched.entries.get(id) ?? { what: drift.what, since: now, stands: false };
      entries.set(id, entry);
      if (now < entry.since + DRIFT_AFTER) continue;
      if (!entry.stands) this.#logDrift(rollout, drift);
      entry.stands = true;
      standing.push(drift);
    }
    this.#replace(key, watched, entries);
    if (standing.length > 0 && now >= watched.told + TELL_EVERY) {
      watched.told = now;
      this.#tell(rollout, standing);
    }
    return operations;
  }

  #replace(key: ObjectKey, watched: Watched, entries: ReadonlyMap<string, Entry>): void {
    const { namespace, name } = watched;
    const stood = [...watched.entries.values()].some(({ stands }) => stands);
    const count = (this.#ofNamespace.get(namespace) ?? 0) + entries.size - watched.entries.size;
    if (count === 0) this.#ofNamespace.delete(namespace);
    else this.#ofNamespace.set(namespace, count);
    watched.entries = entries;
    if (entries.size === 0) this.#watched.delete(key);
    else this.#watched.set(key, watched);
    if (stood && ![...entries.values()].some(({ stands }) => stands))
      this.#parts.log.info(
        { kind: 'Rollout', namespace, name },
        'what had drifted from the status is as it was written',
      );
  }

  #logDrift(rollout: KubeObject, drift: Drift): void {
    const { namespace, name } = refOf(rollout);
    this.#parts.log.warn(
      { kind: 'Rollout', namespace, name, what: drift.what, messages: [textOf(drift)] },
      'a value has differed from the status of its Rollout for a minute',
    );
  }

  // Not everybody who reads Events of a namespace may read routes in another one.
  #tell(rollout: KubeObject, standing: readonly Drift[]): void {
    const own = standing.filter(({ object }) => namespaceOf(object) === namespaceOf(rollout));
    const [first] = own;
    if (first === undefined) return;
    const more = own.length === 1 ? '' : ` (and ${own.length - 1} more)`;
    const rules = [...new Set(own.map(({ what }) => what))];
    this.#parts.record?.(rollout, {
      reason: 'DriftStands',
      rules,
      message: `${textOf(first)}${more}: ${driftFix(first)}`,
    });
  }
}

function textOf({ object, message }: Drift): string {
  return `${nameOf(object)}: ${message}`;
}

function add(counts: Map<string, Map<DriftKind, number>>, namespace: string, what: DriftKind, count: number): void {
  const of = counts.get(namespace) ?? new Map<DriftKind, number>();
  of.set(what, (of.get(what) ?? 0) + count);
  counts.set(namespace, of);
}

import { createHash } from 'node:crypto';
import { incarnationOf } from '../admission/still-stands.ts';
import type { EventToWrite, EventWriter } from '../cluster/event-writer.ts';
import { messageOf } from '../world/error.ts';
import { namespaceOf, type KubeObject } from '../world/object.ts';
import type { Log } from './log.ts';
import { newestOfLargest, inTurns } from './by-namespace.ts';
import { Poller } from './poller.ts';

/** What an Event says about an object. */
export interface ObjectEvent {
  /**
   * `WouldBeDenied`: enforce mode would deny the write. `ContradictionStands`: nobody brought the other object.
   * `DriftStands`: a value differs from what the controller wrote.
   */
  readonly reason: 'WouldBeDenied' | 'ContradictionStands' | 'DriftStands';
  /** The rules, or the kinds of drift. */
  readonly rules: readonly string[];
  readonly message: string;
}

/** What became of an Event. */
export type EventResult = 'written' | 'failed' | 'dropped';

/** The parts of `ObjectEvents`. */
interface ObjectEventsParts {
  readonly writer: EventWriter;
  readonly log: Log;
  counted(result: EventResult): void;
  /** Returns milliseconds since the epoch. */
  now(): number;
}

interface Entry {
  readonly key: string;
  readonly namespace: string;
  readonly since: number;
  event: ObjectEvent & { readonly object: KubeObject };
  count: number;
  /** Whether something happened that the Event does not say yet. */
  changed: boolean;
  exists: boolean;
  due: number;
}

// All of one process. A namespace that causes more crowds out its own.
const MOST = 500;
const MOST_OF_TICK = 5;
// The API server forgets an Event an hour after its last write.
const REPEAT_AFTER = 10 * 60_000;
const FORGET_AFTER = 60 * 60_000;

/**
 * Writes Events about objects: one for each object, reason and set of rules, with a count, at most five every interval,
 * with turns by namespace. Its name follows from these, so replicas write the same Event and no second one.
 */
export class ObjectEvents {
  readonly #parts: ObjectEventsParts;
  readonly #entries = new Map<string, Entry>();
  readonly #poller: Poller | undefined;

  /** @param interval - Milliseconds between two rounds of writing. Undefined: only `write` writes. */
  constructor(parts: ObjectEventsParts, interval: number | undefined) {
    this.#parts = parts;
    this.#poller = interval === undefined ? undefined : new Poller(() => this.write(), interval);
  }

  /** The number of Events that are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** Takes note of an Event. It is written in one of the next rounds. */
  record(object: KubeObject, event: ObjectEvent): void {
    const now = this.#parts.now();
    const key = createHash('sha256')
      .update(JSON.stringify([incarnationOf(object), event.reason, event.rules.toSorted()]))
      .digest('hex');
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.count++;
      known.changed = true;
      known.event = { ...event, object: namesOf(object) };
      return;
    }
    const namespace = namespaceOf(object);
    const named = { ...event, object: namesOf(object) };
    this.#entries.set(key, {
      key,
      namespace,
      since: now,
      event: named,
      count: 1,
      changed: true,
      exists: false,
      due: now,
    });
    if (this.#entries.size <= MOST) return;
    const out = newestOfLargest([...this.#entries.values()]);
    if (out === undefined) return;
    this.#entries.delete(out.key);
    if (out.changed) this.#parts.counted('dropped');
  }

  /** Writes what is due. Never rejects. */
  async write(): Promise<void> {
    const now = this.#parts.now();
    for (const [key, entry] of this.#entries)
      if (!entry.changed && now >= entry.due + FORGET_AFTER) this.#entries.delete(key);
    const due = [...this.#entries.values()].filter((entry) => entry.changed && now >= entry.due);
    for (const entry of inTurns(due, MOST_OF_TICK)) await this.#write(entry, now);
  }

  /** Ends writing. What is not written yet is lost. */
  stop(): void {
    this.#poller?.stop();
  }

  async #write(entry: Entry, now: number): Promise<void> {
    const { writer, log, counted } = this.#parts;
    const start = entry.event.object.metadata.name.slice(0, 200).replace(/[^a-z0-9]+$/, '');
    const name = `${start}.${entry.key.slice(0, 16)}`;
    const event: EventToWrite = { ...entry.event, name, count: entry.count, now };
    entry.changed = false;
    entry.due = now + REPEAT_AFTER;
    try {
      const done = entry.exists ? await writer.repeat(event) : await writer.create(event);
      // Another replica has created it, or the API server has forgotten it.
      if (!done && !(await (entry.exists ? writer.create(event) : writer.repeat(event))))
        throw new Error('the Event was created or deleted at the same time');
      entry.exists = true;
      counted('written');
    } catch (error) {
      counted('failed');
      const { kind, metadata } = entry.event.object;
      log.warn(
        { reason: messageOf(error), kind, namespace: entry.namespace, name: metadata.name },
        'cannot write an Event: check that Rollgate may create and patch Events (events.enabled in the chart)',
      );
    }
  }
}

// The rest of an object may be large.
function namesOf({ apiVersion, kind, metadata: { name, namespace, uid } }: KubeObject): KubeObject {
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(typeof namespace === 'string' ? { namespace } : {}),
      ...(typeof uid === 'string' ? { uid } : {}),
    },
  };
}

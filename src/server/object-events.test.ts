import { beforeEach, describe, expect, it } from 'vitest';
import type { EventToWrite, EventWriter } from '../cluster/event-writer.ts';
import type { KubeObject } from '../world/object.ts';
import { createLog } from './log.ts';
import { ObjectEvents, type EventResult, type ObjectEvent } from './object-events.ts';

const EVENT: ObjectEvent = { reason: 'WouldBeDenied', rules: ['b', 'a'], message: 'wrong' };
const MINUTE = 60_000;

function rollout(name: string, namespace = 'shop', uid = `uid-${name}`): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name, namespace, uid, annotations: { large: 'x'.repeat(100) } },
    spec: {},
  };
}

/** The Events of an API server. */
class StoredEvents implements EventWriter {
  readonly counts = new Map<string, number>();
  readonly written: EventToWrite[] = [];
  failing = false;

  create(event: EventToWrite): Promise<boolean> {
    if (this.failing) return Promise.reject(new Error('forbidden'));
    if (this.counts.has(event.name)) return Promise.resolve(false);
    this.counts.set(event.name, 1);
    this.written.push(event);
    return Promise.resolve(true);
  }

  repeat(event: EventToWrite): Promise<boolean> {
    if (!this.counts.has(event.name)) return Promise.resolve(false);
    this.counts.set(event.name, event.count);
    this.written.push(event);
    return Promise.resolve(true);
  }
}

let now = 0;
let results: EventResult[] = [];
let stored = new StoredEvents();

function replica(): ObjectEvents {
  const log = createLog('silent', { write: () => undefined });
  return new ObjectEvents(
    { writer: stored, log, now: () => now, counted: (result) => results.push(result) },
    undefined,
  );
}

beforeEach(() => {
  now = 0;
  results = [];
  stored = new StoredEvents();
});

describe('Events about objects', () => {
  it('are one for each object, reason and set of rules, with a count', async () => {
    const events = replica();
    for (const rules of [['b', 'a'], ['a', 'b'], ['a']]) events.record(rollout('web'), { ...EVENT, rules });
    events.record(rollout('web'), { ...EVENT, reason: 'ContradictionStands' });
    await events.write();
    expect([...stored.counts]).toHaveLength(3);
    expect(new Set([...stored.counts.keys()].map((name) => name.replace(/\.[0-9a-f]{16}$/, '')))).toEqual(
      new Set(['web']),
    );
    expect(stored.written[0]).toMatchObject({ reason: 'WouldBeDenied', message: 'wrong', count: 2 });
    expect(JSON.stringify(stored.written)).not.toContain('xxx');
  });

  it('are written again ten minutes later at the earliest, with what happened meanwhile', async () => {
    const events = replica();
    events.record(rollout('web'), EVENT);
    await events.write();
    for (let again = 0; again < 30; again++) events.record(rollout('web'), EVENT);
    now = 9 * MINUTE;
    await events.write();
    expect(stored.written).toHaveLength(1);
    now = 10 * MINUTE;
    await events.write();
    await events.write();
    expect(stored.written.map(({ count }) => count)).toEqual([1, 31]);
  });

  it('have one name in all replicas, and another one for another object of that name', async () => {
    const [first, second] = [replica(), replica()];
    for (const events of [first, second]) {
      events.record(rollout('web'), EVENT);
      await events.write();
    }
    expect(stored.counts.size).toBe(1);
    expect(results).toEqual(['written', 'written']);
    second.record(rollout('web', 'shop', 'another'), EVENT);
    await second.write();
    expect(stored.counts.size).toBe(2);
  });

  it('are created again after the API server has forgotten them', async () => {
    const events = replica();
    events.record(rollout('web'), EVENT);
    await events.write();
    stored.counts.clear();
    events.record(rollout('web'), EVENT);
    now = 30 * MINUTE;
    await events.write();
    expect(stored.counts.size).toBe(1);
  });

  it('of one namespace delay and drive out none of another, and are limited in number', async () => {
    const events = replica();
    for (let index = 0; index < 5_000; index++) events.record(rollout(`flood-${index}`, 'flood'), EVENT);
    events.record(rollout('web'), EVENT);
    for (let index = 0; index < 5_000; index++) events.record(rollout(`flood2-${index}`, 'flood'), EVENT);
    expect(events.size).toBe(500);
    await events.write();
    expect(stored.written).toHaveLength(5);
    expect(stored.written.map(({ object }) => object.metadata.name)).toContain('web');
    expect(results.filter((result) => result === 'dropped')).toHaveLength(9_501);
  });

  it('that cannot be written are counted, and written the next time', async () => {
    const events = replica();
    stored.failing = true;
    events.record(rollout('web'), EVENT);
    await events.write();
    stored.failing = false;
    events.record(rollout('web'), EVENT);
    now = 10 * MINUTE;
    await events.write();
    expect(results).toEqual(['failed', 'written']);
  });

  it('are forgotten an hour after the last one', async () => {
    const events = replica();
    events.record(rollout('web'), EVENT);
    await events.write();
    now = 71 * MINUTE;
    await events.write();
    expect(events.size).toBe(0);
  });
});

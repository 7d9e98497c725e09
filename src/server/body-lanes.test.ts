import { describe, expect, it } from 'vitest';
import { BodyLanes, LARGE, type BodySlot, type Refusal } from './body-lanes.ts';

const LIMITS = { requests: 1, weight: 100, large: { from: 50, weight: 200, bytes: 300, waiting: 2 } };
const NEVER = new AbortController().signal;

function enter(slot: BodySlot, weight: number, owner = '', milliseconds = 60_000, signal = NEVER) {
  return slot.enter(weight, () => ({ owner, milliseconds, signal }));
}

/** Opens a slot with a body that has been read. */
function bodyOf(lanes: BodyLanes, bytes: number): BodySlot {
  const slot = lanes.open();
  expect(slot.take(bytes)).toBe(true);
  return slot;
}

const state = ({ requests, weight, largeBytes, waiting }: BodyLanes): number[] => [
  requests,
  weight,
  largeBytes,
  waiting,
];

describe('the limits of large bodies', () => {
  it('have room for an update of a Rollout of 1.5 MiB, the most that etcd stores, with a mark for each nine bytes', () => {
    const bytes = 2 * 1.5 * 1024 * 1024;
    expect(bytes * (1 + 64 / 9)).toBeLessThan(LARGE.weight);
  });
});

describe('BodyLanes', () => {
  it('counts small bodies by their size, then by their weight, and gives everything back once', async () => {
    const lanes = new BodyLanes(LIMITS);
    const slots = [lanes.open(), lanes.open(), lanes.open()] as const;
    expect(slots.map((slot) => slot.take(40))).toEqual([true, true, false]);
    expect(state(lanes)).toEqual([0, 80, 0, 0]);
    expect(await enter(slots[0], 49)).toBeUndefined();
    expect(state(lanes)).toEqual([1, 89, 0, 0]);
    expect(await enter(slots[1], 45)).toBe('no room');
    for (const slot of [...slots, ...slots]) slot.leave();
    expect(state(lanes)).toEqual([0, 0, 0, 0]);
    expect(slots[0].take(1)).toBe(false);
    expect(await enter(slots[0], 1)).toBe('no turn');
  });

  it('limits the weight and number of small requests', async () => {
    const lanes = new BodyLanes(LIMITS);
    const [heavy, other] = [bodyOf(lanes, 45), bodyOf(lanes, 10)];
    expect(await enter(heavy, 49)).toBeUndefined();
    expect(await enter(other, 12)).toBe('no room');
    heavy.leave();
    other.leave();
    const next = bodyOf(lanes, 1);
    expect(await enter(next, 1)).toBeUndefined();
    next.leave();
    expect(state(lanes)).toEqual([0, 0, 0, 0]);
  });

  it('moves bodies that are large, or become it, to a lane of their own', async () => {
    const lanes = new BodyLanes(LIMITS);
    const [long, dense, small] = [bodyOf(lanes, 40), bodyOf(lanes, 30), lanes.open()];
    expect([long.take(20), long.isLarge]).toEqual([true, true]);
    expect(state(lanes)).toEqual([0, 30, 60, 0]);
    expect(await enter(dense, 80)).toBeUndefined();
    expect(state(lanes)).toEqual([1, 0, 90, 0]);
    expect([long.take(211), long.isLarge]).toEqual([false, true]);
    expect(small.take(49)).toBe(true);
    expect(await enter(small, 49)).toBeUndefined();
    for (const slot of [long, dense, small]) slot.leave();
    expect(state(lanes)).toEqual([0, 0, 0, 0]);
  });

  it('lets no body in that is heavier than its lane', async () => {
    const lanes = new BodyLanes(LIMITS);
    const slot = bodyOf(lanes, 60);
    expect(await enter(slot, 201)).toBe('too heavy');
    slot.leave();
    expect(state(lanes)).toEqual([0, 0, 0, 0]);
  });

  it('gives turns by owner, and each place to the owner with the fewest', async () => {
    const lanes = new BodyLanes({ ...LIMITS, large: { ...LIMITS.large, bytes: 1_000, waiting: 3 } });
    const order: string[] = [];
    const come = (name: string, owner: string): Promise<Refusal | undefined> => {
      const slot = bodyOf(lanes, 50);
      return enter(slot, 150, owner).then((refusal) => {
        order.push(refusal === undefined ? name : `not ${name}`);
        setImmediate(() => slot.leave());
        return refusal;
      });
    };
    await Promise.all(['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2'].map((name) => come(name, name.slice(0, 1))));
    expect(order).toEqual(['a1', 'not a5', 'not a4', 'not b2', 'a2', 'a3', 'b1']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(state(lanes)).toEqual([0, 0, 0, 0]);
  });

  it('lets a body go whose time is over, or whose client has gone, and continues with the next', async () => {
    const lanes = new BodyLanes(LIMITS);
    const [first, late, gone, last] = [40, 40, 40, 40].map((bytes) => bodyOf(lanes, bytes + 10)) as [
      BodySlot,
      BodySlot,
      BodySlot,
      BodySlot,
    ];
    const client = new AbortController();
    expect(await enter(first, 150)).toBeUndefined();
    expect(await enter(late, 150, '', 1)).toBe('no turn');
    const left = enter(gone, 150, '', 60_000, client.signal);
    const turn = enter(last, 150);
    client.abort();
    expect(await left).toBe('no turn');
    first.leave();
    expect(await turn).toBeUndefined();
    for (const slot of [first, late, gone, last]) slot.leave();
    expect(state(lanes)).toEqual([0, 0, 0, 0]);
  });
});

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NotAskedError, QuestionLimiter, type Caller, type QuestionLimits } from './question-limiter.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A limiter whose questions stay under way until the test answers them. */
class HeldQuestions {
  readonly asked: string[] = [];
  /** The questions that are under way, with the address of the caller whose turn it was. */
  readonly underWay = new Map<string, { readonly address: string; readonly answer: PromiseWithResolvers<string> }>();
  readonly refused = new Set<string>();
  readonly limiter: QuestionLimiter<string>;

  constructor(limits: Partial<QuestionLimits> = {}) {
    this.limiter = new QuestionLimiter<string>({ underWay: 4, waiting: 6, wait: 1_000, ...limits }, ([address]) =>
      this.refused.has(address) ? new NotAskedError('failing', 'refused') : undefined,
    );
  }

  ask(key: string, ...caller: Caller): Promise<string> {
    return this.limiter
      .ask(key, caller, ([address]) => {
        this.asked.push(key);
        const answer = Promise.withResolvers<string>();
        this.underWay.set(key, { address, answer });
        return answer.promise;
      })
      .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  }

  async answer(key: string): Promise<void> {
    const question = this.underWay.get(key);
    this.underWay.delete(key);
    question?.answer.resolve(`answer to ${key}`);
    await vi.advanceTimersByTimeAsync(0);
  }
}

describe('QuestionLimiter', () => {
  it('leaves half of the places to others', async () => {
    const held = new HeldQuestions();
    for (const key of ['a1', 'a2', 'a3', 'a4']) void held.ask(key, 'a');
    expect(held.asked).toEqual(['a1', 'a2']);
    for (const key of ['b1', 'b2', 'b3']) void held.ask(key, 'b');
    expect(held.asked).toEqual(['a1', 'a2', 'b1', 'b2']);
    await held.answer('a1');
    expect(held.asked.at(-1)).toBe('a3');
    await held.answer('b2');
    expect(held.asked.at(-1)).toBe('b3');
    expect(held.limiter.underWay).toBe(4);
  });

  it('turns away the newest of those who have the most waiting', async () => {
    const held = new HeldQuestions({ underWay: 2, waiting: 3 });
    const junk = ['a1', 'a2', 'a3', 'a4', 'a5'].map((key) => held.ask(key, 'a'));
    const genuine = ['b1', 'b2'].map((key) => held.ask(key, 'b'));
    expect(await junk[4]).toBe('too many questions to the API server are waiting');
    expect(held.asked).toEqual(['a1', 'b1']);
    expect(await junk[3]).toBe('too many questions to the API server are waiting');
    for (const key of ['b1', 'b2', 'a1', 'a2', 'a3']) await held.answer(key);
    expect(await Promise.all([...junk.slice(0, 3), ...genuine])).toEqual(
      ['a1', 'a2', 'a3', 'b1', 'b2'].map((key) => `answer to ${key}`),
    );
  });

  it('gives up a question that waited for too long, and never asks it', async () => {
    const held = new HeldQuestions({ underWay: 1 });
    const first = held.ask('a1', 'a');
    const late = held.ask('a2', 'a');
    await vi.advanceTimersByTimeAsync(999);
    const later = held.ask('b1', 'b');
    await vi.advanceTimersByTimeAsync(1);
    expect(await late).toBe('the API server could not be asked in time');
    await held.answer('a1');
    await held.answer('b1');
    expect([await first, await later, held.asked]).toEqual(['answer to a1', 'answer to b1', ['a1', 'b1']]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('asks an identical question once, when the turn of its first caller comes', async () => {
    const held = new HeldQuestions({ underWay: 1 });
    void held.ask('x', 'x');
    const answers = [held.ask('a1', 'a'), held.ask('a2', 'a'), held.ask('a2', 'a'), held.ask('a2', 'b')];
    await held.answer('x');
    await held.answer('a1');
    await held.answer('a2');
    expect(held.asked).toEqual(['x', 'a1', 'a2']);
    expect(await Promise.all(answers)).toEqual(['answer to a1', ...Array<string>(3).fill('answer to a2')]);
    expect([held.limiter.underWay, vi.getTimerCount()]).toEqual([0, 0]);
  });

  it('asks for the caller who still waits when the other was turned away', async () => {
    const held = new HeldQuestions({ underWay: 1, waiting: 2 });
    void held.ask('x', 'x');
    void held.ask('a1', 'a');
    const flooder = held.ask('shared', 'a');
    const genuine = held.ask('shared', 'b');
    expect(await flooder).toBe('too many questions to the API server are waiting');
    await held.answer('x');
    await held.answer('a1');
    await held.answer('shared');
    expect(await genuine).toBe('answer to shared');
  });

  it('turns away a caller who may not ask, when they come and when it is their turn', async () => {
    const held = new HeldQuestions({ underWay: 1 });
    void held.ask('x', 'x');
    const waiting = held.ask('a1', 'a');
    held.refused.add('a');
    expect(await held.ask('a2', 'a')).toBe('refused');
    await held.answer('x');
    expect([await waiting, held.asked, held.limiter.underWay]).toEqual(['refused', ['x'], 0]);
  });

  it('gives back the place of a question that fails', async () => {
    const limiter = new QuestionLimiter<string>({ underWay: 1, waiting: 1, wait: 1_000 });
    const failing = (): never => {
      throw new Error('broken');
    };
    await expect(limiter.ask('a', ['a'], failing)).rejects.toThrow('broken');
    await expect(limiter.ask('a', ['a'], () => Promise.reject(new Error('late')))).rejects.toThrow('late');
    expect(await limiter.ask('a', ['a'], () => Promise.resolve('yes'))).toBe('yes');
    expect(limiter.underWay).toBe(0);
  });

  it('keeps its limits, and everybody gets their own answer or none', async () => {
    const step = fc.oneof(
      fc.record({ key: fc.constantFrom('k1', 'k2', 'k3', 'k4', 'k5', 'k6'), address: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ answer: fc.nat(3) }),
      fc.record({ wait: fc.integer({ min: 1, max: 600 }) }),
      fc.record({ refuse: fc.constantFrom('a', 'b'), on: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 50 }), async (steps) => {
        const held = new HeldQuestions({ underWay: 3, waiting: 4 });
        const answers: Promise<void>[] = [];
        for (const each of steps) {
          if ('key' in each) {
            const answered = held.ask(each.key, each.address).then((text) => {
              if (text.startsWith('answer')) expect(text).toBe(`answer to ${each.key}`);
            });
            answers.push(answered);
          } else if ('wait' in each) await vi.advanceTimersByTimeAsync(each.wait);
          else if ('answer' in each) await held.answer([...held.underWay.keys()][each.answer] ?? '');
          else held.refused[each.on ? 'add' : 'delete'](each.refuse);
          expect(held.limiter.underWay).toBe(held.underWay.size);
          expect(held.underWay.size).toBeLessThanOrEqual(3);
          for (const address of ['a', 'b', 'c']) {
            const places = [...held.underWay.values()].filter((question) => question.address === address);
            expect(places.length).toBeLessThanOrEqual(2);
          }
        }
        while (held.underWay.size > 0) for (const key of held.underWay.keys()) await held.answer(key);
        await Promise.all(answers);
        expect([held.limiter.underWay, vi.getTimerCount()]).toEqual([0, 0]);
      }),
      { numRuns: 300 },
    );
  });
});

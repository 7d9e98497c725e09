import type { Timing } from './timing.ts';

/**
 * When API discovery runs: regularly, and several times after a change, because an API server serves a new kind a
 * little later than it shows its CustomResourceDefinition. All times are milliseconds of one monotonic clock.
 */
export class DiscoverySchedule {
  readonly #timing: Pick<Timing, 'discovery' | 'discoveryAfterChange' | 'backoff'>;
  #due: readonly number[] = [];
  #next = 0;
  #started = 0;

  constructor(timing: Pick<Timing, 'discovery' | 'discoveryAfterChange' | 'backoff'>) {
    this.#timing = timing;
  }

  /** When the next discovery starts; a time in the past means at once. */
  get next(): number {
    return this.#next;
  }

  /** Whether a discovery is due because of a change. */
  get changeIsDue(): boolean {
    return this.#due.length > 0;
  }

  /** Records a change. Its times replace those of the change before, which they cover. */
  changed(now: number): void {
    this.#due = this.#timing.discoveryAfterChange.map((delay) => now + delay);
    this.#next = this.#due.reduce((first, time) => Math.min(first, time), this.#next);
  }

  /** Records that a discovery starts. */
  started(now: number): void {
    this.#started = now;
  }

  /**
   * Schedules the next discovery after one has ended. Times that passed while it was under way remain due: it may have
   * asked too early.
   *
   * @param failures - How many discoveries have failed in a row.
   * @param watched - Whether CustomResourceDefinitions are watched, so that changes are noticed.
   */
  ended(now: number, failures: number, watched: boolean): void {
    const { discovery, backoff } = this.#timing;
    this.#due = this.#due.filter((time) => time > this.#started);
    const pause =
      failures === 0
        ? discovery[watched ? 1 : 0]
        : Math.min(backoff[1], backoff[0] * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
    this.#next = this.#due.reduce((first, time) => Math.min(first, time), now + pause);
  }
}

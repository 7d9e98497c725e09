import fc, { type GeneratorValue } from 'fast-check';

/** JSON that is still being written. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
/** An object of JSON that is still being written. */
export type Fields = { [key: string]: Json };

/** In: JSON. Out: it, if it is a text; else the empty one. */
export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/**
 * Decisions of a generator, by name. Each comes from fast-check, so that a case can be repeated by its seed and shrunk.
 * The first choice is the one that shrinking tends to.
 */
export class Draw {
  readonly #draw: GeneratorValue;

  /** In: what `fc.gen()` hands out. */
  constructor(draw: GeneratorValue) {
    this.#draw = draw;
  }

  /** In: a probability. Out: true about that often. */
  maybe(probability: number): boolean {
    return this.#draw(fc.integer, { min: 0, max: 999 }) >= Math.round((1 - probability) * 1000);
  }

  /** In: bounds. Out: a whole number within them, bounds included. */
  int(min: number, max: number): number {
    return this.#draw(fc.integer, { min, max });
  }

  /** In: choices, at least one. Out: one of them. */
  pick<T>(...choices: readonly T[]): T {
    return choices[this.int(0, choices.length - 1)] as T;
  }

  /** In: choices. Out: some of them, in their order. */
  some<T>(choices: readonly T[], probability = 0.5): T[] {
    return choices.filter(() => this.maybe(probability));
  }

  /** In: how many at least and at most, and how to make one. Out: that many. */
  list<T>(min: number, max: number, make: (index: number) => T): T[] {
    return Array.from({ length: this.int(min, max) }, (_, index) => make(index));
  }

  /** In: a probability, and fields. Out: the fields, or none. */
  perhaps(probability: number, fields: () => Fields): Fields {
    return this.maybe(probability) ? fields() : {};
  }
}

/** In: how to build a value from decisions. Out: the arbitrary of such values. */
export function drawn<T>(build: (draw: Draw) => T): fc.Arbitrary<T> {
  return fc.gen().map((generator) => build(new Draw(generator)));
}

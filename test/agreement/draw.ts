import fc, { type GeneratorValue } from 'fast-check';

/** A JSON value that is still being built. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
/** A JSON object that is still being built. */
export type Fields = { [key: string]: Json };

/** Returns the value if it is a string, else the empty string. */
export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/**
 * The decisions of a generator. They come from fast-check, so that a case can be repeated by its seed and shrunk.
 * Shrinking prefers the first choice.
 */
export class Draw {
  readonly #draw: GeneratorValue;

  /** @param draw - The value that `fc.gen()` passes to its callback. */
  constructor(draw: GeneratorValue) {
    this.#draw = draw;
  }

  /** Returns true with a probability. */
  maybe(probability: number): boolean {
    return this.#draw(fc.integer, { min: 0, max: 999 }) >= Math.round((1 - probability) * 1000);
  }

  /** Returns an integer between two bounds, bounds included. */
  int(min: number, max: number): number {
    return this.#draw(fc.integer, { min, max });
  }

  /** Returns one of the choices; there must be at least one. */
  pick<T>(...choices: readonly T[]): T {
    return choices[this.int(0, choices.length - 1)] as T;
  }

  /** Returns some of the choices, in their order. */
  some<T>(choices: readonly T[], probability = 0.5): T[] {
    return choices.filter(() => this.maybe(probability));
  }

  /** Returns a list whose length is between two bounds. */
  list<T>(min: number, max: number, make: (index: number) => T): T[] {
    return Array.from({ length: this.int(min, max) }, (_, index) => make(index));
  }

  /** Returns the fields with a probability, else none. */
  perhaps(probability: number, fields: () => Fields): Fields {
    return this.maybe(probability) ? fields() : {};
  }
}

/** Returns the arbitrary of the values that a function builds from decisions. */
export function drawn<T>(build: (draw: Draw) => T): fc.Arbitrary<T> {
  return fc.gen().map((generator) => build(new Draw(generator)));
}

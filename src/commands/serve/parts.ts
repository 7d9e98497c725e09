/** Something that runs until it is stopped. */
export interface RunningPart {
  stop(): void | Promise<void>;
}

/** The parts of a process that run, stopped in the reverse order of their start. */
export class RunningParts {
  readonly #parts: RunningPart[] = [];

  /** Adds a part that has started, and returns it. */
  add<T extends RunningPart>(part: T): T {
    this.#parts.push(part);
    return part;
  }

  /** Stops all parts, one after the other. */
  async stop(): Promise<void> {
    for (const part of this.#parts.splice(0).reverse()) await part.stop();
  }
}

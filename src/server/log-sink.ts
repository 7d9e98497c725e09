import { fstatSync, write, writeSync } from 'node:fs';

// A write for every line would cost as much as the decision in it.
const BLOCK = 12 * 1024;
const FLUSH_INTERVAL = 200;
const RETRY_INTERVAL = 100;
// Characters. Some ten thousand lines.
const DEFAULT_CAPACITY = 4 * 1024 * 1024;

/** Options of `LogSink`. */
export interface LogSinkOptions {
  /** The most characters that wait to be written; lines above that are dropped. */
  readonly capacity?: number;
}

/**
 * Writes lines to a file descriptor in blocks, at most 0.2 s late. A file, pipe or socket that takes nothing never
 * blocks the process or its exit: lines wait, and above a capacity they are dropped and counted.
 */
export class LogSink {
  readonly #fd: number;
  readonly #capacity: number;
  #lines: string[] = [];
  // Characters in `#lines`.
  #size = 0;
  // The block that is being written. It is kept until all of it is written.
  #block = Buffer.alloc(0);
  #blockLines = 0;
  #timer: NodeJS.Timeout | undefined;
  #isWriting = false;
  #isBlockUnderWay = false;
  #isClosed = false;
  #dropped = 0;
  #emptied: (() => void)[] = [];
  readonly #onExit = (): void => this.#writeAtExit();

  constructor(fd: number, { capacity = DEFAULT_CAPACITY }: LogSinkOptions = {}) {
    this.#fd = fd;
    this.#capacity = capacity;
    process.on('exit', this.#onExit);
  }

  /** The number of lines that were not written because the output did not take them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes one line, with its line break. Never throws, and never waits. */
  write(line: string): void {
    if (this.#isClosed || this.#size + line.length > this.#capacity) {
      this.#dropped++;
      return;
    }
    this.#lines.push(line);
    this.#size += line.length;
    if (this.#size >= BLOCK && !this.#isWriting) this.#next();
    else this.#timer ??= setTimeout(() => this.#next(), FLUSH_INTERVAL).unref();
  }

  /**
   * Writes what waits, for at most so many milliseconds. What is left then is dropped, and so is every later line.
   * Never rejects.
   */
  async close(milliseconds: number): Promise<void> {
    if (this.#isClosed) return;
    const emptied = new Promise<void>((resolve) => this.#emptied.push(resolve));
    const { promise: late, resolve: stop } = Promise.withResolvers<void>();
    const timer = setTimeout(stop, milliseconds);
    this.#next();
    await Promise.race([emptied, late]);
    clearTimeout(timer);
    this.#isClosed = true;
    clearTimeout(this.#timer);
    process.off('exit', this.#onExit);
    this.#dropped += this.#lines.length + this.#blockLines;
    this.#lines = [];
    this.#size = 0;
  }

  #next(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isWriting || this.#isClosed) return;
    if (!this.#fill()) {
      for (const resolve of this.#emptied.splice(0)) resolve();
      return;
    }
    this.#isWriting = true;
    this.#isBlockUnderWay = true;
    write(this.#fd, this.#block, (error, written) => {
      this.#isBlockUnderWay = false;
      if (error === null) {
        this.#wrote(written);
        this.#resume();
      } else {
        // A pipe or a disk that is full may have room again later. So no error ends the log.
        setTimeout(() => this.#resume(), RETRY_INTERVAL).unref();
      }
    });
  }

  #resume(): void {
    this.#isWriting = false;
    this.#next();
  }

  // Moves the lines that wait into the block, if it is empty. Returns false if there is nothing to write.
  #fill(): boolean {
    if (this.#block.length === 0 && this.#lines.length > 0) {
      this.#block = Buffer.from(this.#lines.join(''));
      this.#blockLines = this.#lines.length;
      this.#lines = [];
    }
    return this.#block.length > 0;
  }

  #wrote(bytes: number): void {
    this.#block = this.#block.subarray(bytes);
    if (this.#block.length > 0) return;
    this.#blockLines = 0;
    this.#size = this.#lines.reduce((sum, { length }) => sum + length, 0);
  }

  // An exit that was not announced by `close`, for example after an internal error. Only what the output takes at once.
  #writeAtExit(): void {
    try {
      if (this.#isBlockUnderWay) this.#wrote(this.#block.length);
      while (this.#fill()) this.#wrote(writeSync(this.#fd, this.#block));
    } catch {
      // There is nobody left to tell.
    }
  }
}

/**
 * Returns a sink on standard output. If that is a pipe or socket, it no longer blocks: a write that blocks would hold a
 * thread of the process, and exit waits for all threads.
 */
export function standardOutput(): LogSink {
  const stats = fstatSync(1);
  // Node.js sets the descriptor to non-blocking when it creates the stream.
  if (stats.isFIFO() || stats.isSocket()) void process.stdout;
  return new LogSink(1);
}

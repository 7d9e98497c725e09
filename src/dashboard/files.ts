import { createHash } from 'node:crypto';
import { messageOf } from '../world/error.ts';
import type { GivenFiles } from './messages.ts';

/** The files that were given on the command line. They are only read. */
export interface FileSource {
  read(): Omit<GivenFiles, 'version'>;
  /** Returns a text that changes when a file changes. Reads no file. */
  signature(): string;
}

/** Reads the files again only when one has changed, however many pages ask. */
export class WatchedFiles {
  readonly #source: FileSource;
  #last: GivenFiles | undefined;

  constructor(source: FileSource) {
    this.#source = source;
  }

  /** Returns the files, or undefined if they are still as in a version. Never throws: what went wrong is a note. */
  since(version: unknown): GivenFiles | undefined {
    let now = '';
    try {
      // Before they are read: what changes meanwhile is seen the next time.
      now = createHash('sha256').update(this.#source.signature()).digest('base64url');
      if (this.#last?.version !== now) this.#last = { version: now, ...this.#source.read() };
    } catch (error) {
      this.#last = { version: `${now} ${messageOf(error)}`, files: [], notes: [messageOf(error)] };
    }
    return this.#last.version === version ? undefined : this.#last;
  }
}

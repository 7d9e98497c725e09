import type { Response } from 'express';
import { messageOf } from '../world/error.ts';
import type { GivenFiles } from './messages.ts';

/** The files that were given on the command line. They are only read. */
export interface FileSource {
  read(): Promise<GivenFiles>;
  /** Returns a text that changes when a file changes. Reads no file. */
  signature(): string;
}

const MOST_STREAMS = 16;
const LOOK_EVERY = 500;

/** Sends the files to the pages that are open, at first and whenever one changes. Looks at them only while a page is open. */
export class FileEvents {
  readonly #source: FileSource;
  readonly #streams = new Set<Response>();
  #timer: NodeJS.Timeout | undefined;
  #seen = '';

  constructor(source: FileSource) {
    this.#source = source;
  }

  /** Adds a page, by its stream of server-sent events. Returns false if there are too many. */
  add(response: Response): boolean {
    if (this.#streams.size >= MOST_STREAMS) return false;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': open\n\n');
    if (this.#streams.size === 0) this.#seen = this.#source.signature();
    this.#streams.add(response);
    void this.#send([response]);
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY).unref();
    response.on('close', () => {
      this.#streams.delete(response);
      if (this.#streams.size === 0) this.stop();
    });
    return true;
  }

  /** Ends all streams. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const stream of this.#streams) stream.end();
  }

  #look(): void {
    const signature = this.#source.signature();
    if (signature === this.#seen) return;
    this.#seen = signature;
    void this.#send([...this.#streams]);
  }

  async #send(streams: readonly Response[]): Promise<void> {
    const files = await this.#source
      .read()
      .catch((error: unknown): GivenFiles => ({ files: [], notes: [messageOf(error)] }));
    for (const stream of streams) stream.write(`event: files\ndata: ${JSON.stringify(files)}\n\n`);
  }
}

// An object is at most a few MiB in etcd. A longer line cannot be a watch event, and must not fill the memory.
const MAX_LINE = 16 * 1024 * 1024;

const NEWLINE = 0x0a;

/** Splits a stream of bytes into lines. Chunks may end anywhere, within a line or a character. */
export class LineSplitter {
  #parts: Buffer[] = [];
  #length = 0;

  /**
   * Adds a chunk and returns the lines that it completes, without empty ones.
   * @throws A RangeError if a line is longer than 16 MiB.
   */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#parts.push(chunk.subarray(start, end));
      const line = (this.#parts.length === 1 ? chunk.subarray(start, end) : Buffer.concat(this.#parts))
        .toString('utf8')
        .trim();
      if (line !== '') lines.push(line);
      this.#parts = [];
      this.#length = 0;
      start = end + 1;
    }
    if (start < chunk.length) {
      this.#parts.push(chunk.subarray(start));
      this.#length += chunk.length - start;
      if (this.#length > MAX_LINE) throw new RangeError(`a line is longer than ${MAX_LINE} bytes`);
    }
    return lines;
  }
}

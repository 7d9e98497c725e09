const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Takes a Kubernetes list apart as its bytes arrive, so that the text of one item at a time is in memory, and not a page of 500: parsing that in one piece would hold up every other answer
 * for a tenth of a second, and leave tens of megabytes behind each time.
 */
export class ItemSplitter {
  // What is not an item, and the beginning of the item that is not complete yet.
  readonly #envelope: Buffer[] = [];
  #item: Buffer[] = [];
  #depth = 0;
  #inItems = false;
  #inString = false;
  #escaped = false;

  /** In: the next chunk. Out: the JSON texts of the items that it completes. */
  push(chunk: Buffer): string[] {
    const items: string[] = [];
    // Where the part of the chunk begins that is not yet given to the envelope or an item.
    let start = 0;
    let depth = this.#depth;
    let inString = this.#inString;
    let escaped = this.#escaped;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) {
        inString = true;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        depth++;
        if (this.#inItems) {
          // Between two items there is nothing but a comma.
          if (depth === 3) start = index;
        } else if (depth === 2 && byte === OPEN_ARRAY) {
          this.#envelope.push(chunk.subarray(start, index + 1));
          start = index + 1;
          this.#inItems = this.#atItems();
        }
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        depth--;
        if (this.#inItems && depth === 2) {
          this.#item.push(chunk.subarray(start, index + 1));
          items.push(textOf(this.#item));
          this.#item = [];
          start = index + 1;
        } else if (this.#inItems && depth === 1) {
          this.#inItems = false;
          start = index;
        }
      }
    }
    if (start < chunk.length) {
      if (!this.#inItems) this.#envelope.push(chunk.subarray(start));
      else if (depth > 2) this.#item.push(chunk.subarray(start));
    }
    this.#depth = depth;
    this.#inString = inString;
    this.#escaped = escaped;
    return items;
  }

  /** Out: the list without its items. Throws a SyntaxError if what came is not one JSON text. */
  end(): unknown {
    return JSON.parse(textOf(this.#envelope));
  }

  #atItems(): boolean {
    return /(?<!\\)"items"\s*:\s*\[$/.test(textOf(this.#envelope.slice(-3)).slice(-40));
  }
}

function textOf(parts: readonly Buffer[]): string {
  const [first] = parts;
  return (parts.length === 1 && first !== undefined ? first : Buffer.concat(parts)).toString('utf8');
}

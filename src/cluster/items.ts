const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

// An object is at most a few MiB in etcd. Of a longer item only the beginning is kept, which has its name.
const MAX_ITEM = 8 * 1024 * 1024;

/** The JSON text of an item, or its beginning if it is too long. */
export interface ItemText {
  readonly text: string;
  /** Whether the text is complete. */
  readonly complete: boolean;
  /** The length of the item, in bytes. */
  readonly bytes: number;
}

/**
 * Splits a Kubernetes list into its items as its bytes arrive. A page of 500 objects is several MiB. Parsing it in one
 * piece would block every other response for a tenth of a second, and its garbage would double the memory of the
 * process.
 */
export class ItemSplitter {
  // Everything except the items.
  readonly #rest: Buffer[] = [];
  // The part of an item that has arrived so far.
  #item: Buffer[] = [];
  #itemBytes = 0;
  #depth = 0;
  #inItems = false;
  #inString = false;
  #escaped = false;

  /** Adds a chunk and returns the items that it completes. */
  push(chunk: Buffer): ItemText[] {
    const items: ItemText[] = [];
    // The rest of the chunk from here is not assigned yet.
    let start = 0;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index];
      if (this.#inString) index = this.#inside(chunk, index);
      else if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) start = this.#open(chunk, start, index);
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) start = this.#close(chunk, start, index, items);
    }
    if (!this.#inItems) this.#rest.push(chunk.subarray(start));
    else if (this.#depth > 2) this.#add(chunk.subarray(start));
    return items;
  }

  /**
   * Returns the list without its items.
   * @throws A SyntaxError if the input is not one JSON text.
   */
  end(): unknown {
    return JSON.parse(textOf(this.#rest));
  }

  /** Returns the index where the string or the chunk ends. */
  #inside(chunk: Buffer, start: number): number {
    let escaped = this.#escaped;
    let index = start;
    for (; index < chunk.length; index++) {
      const byte = chunk[index];
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) {
        this.#inString = false;
        break;
      }
    }
    this.#escaped = escaped;
    return index;
  }

  #open(chunk: Buffer, start: number, index: number): number {
    this.#depth++;
    // Only a comma can stand between two items.
    if (this.#inItems) return this.#depth === 3 ? index : start;
    if (this.#depth !== 2 || chunk[index] !== OPEN_ARRAY) return start;
    this.#rest.push(chunk.subarray(start, index + 1));
    this.#inItems = /(?<!\\)"items"\s*:\s*\[$/.test(textOf(this.#rest));
    return index + 1;
  }

  #add(part: Buffer): void {
    const room = MAX_ITEM - this.#itemBytes;
    if (room > 0) this.#item.push(part.subarray(0, room));
    this.#itemBytes += part.length;
  }

  #close(chunk: Buffer, start: number, index: number, items: ItemText[]): number {
    this.#depth--;
    if (!this.#inItems) return start;
    if (this.#depth === 2) {
      this.#add(chunk.subarray(start, index + 1));
      items.push({ text: textOf(this.#item), complete: this.#itemBytes <= MAX_ITEM, bytes: this.#itemBytes });
      this.#item = [];
      this.#itemBytes = 0;
      return index + 1;
    }
    if (this.#depth > 1) return start;
    this.#inItems = false;
    return index;
  }
}

function textOf(parts: readonly Buffer[]): string {
  const [first] = parts;
  return (parts.length === 1 && first !== undefined ? first : Buffer.concat(parts)).toString('utf8');
}

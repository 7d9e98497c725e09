import type { IncomingMessage } from 'node:http';
import { messageOf } from '../world/error.ts';

/**
 * The largest body that is read: two objects of 3 MiB, which is what etcd can hold of each, and one for what stands
 * around them.
 */
export const MAX_BODY = 7 * 1024 * 1024;

// Deeper nesting is no manifest, and recursion over it could exhaust the stack.
const MAX_DEPTH = 200;

/** How much may be under way at once. */
export interface InFlightLimits {
  /** Whose bodies have been read: senders that are slow, or only pretend to send, take nobody's place. */
  readonly requests: number;
  /** Of all bodies together, from their first byte on. */
  readonly bytes: number;
}

/** Counts what is under way, so that too much of it is turned away at the door rather than by running out of memory. */
export class InFlightLimiter {
  readonly #limits: InFlightLimits;
  #requests = 0;
  #bytes = 0;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  /** Out: how many requests are under way. */
  get requests(): number {
    return this.#requests;
  }

  /** Out: how many bytes of bodies are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Out: the account of one request; its holder closes it by `leave`. */
  open(): InFlightSlot {
    let held = 0;
    let state: 'reading' | 'entered' | 'left' = 'reading';
    return {
      take: (bytes) => {
        if (state === 'left' || this.#bytes + bytes > this.#limits.bytes) return false;
        this.#bytes += bytes;
        held += bytes;
        return true;
      },
      enter: () => {
        if (state !== 'reading' || this.#requests >= this.#limits.requests) return false;
        state = 'entered';
        this.#requests++;
        return true;
      },
      leave: () => {
        if (state === 'entered') this.#requests--;
        if (state !== 'left') this.#bytes -= held;
        state = 'left';
      },
    };
  }
}

/** What one request takes of an intake. */
export interface InFlightSlot {
  /** In: a number of bytes. Out: whether there is room for them. */
  take(bytes: number): boolean;
  /** Out: whether there is room for one more request; asked once its body has been read. */
  enter(): boolean;
  /** Gives back everything. */
  leave(): void;
}

/** What came of reading a body. `gone`: the client went away, nobody is there to be answered. */
export type Body =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly why: 'too large' | 'no room' | 'gone' };

/**
 * In: a request, and its place in the intake. Out: its body in one piece, the place being entered, or why there is
 * none. What is not read is discarded, so that the connection stays usable. Never rejects.
 */
export function readBody(request: IncomingMessage, place: InFlightSlot): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (body: Body): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      if (!body.ok) request.resume();
      resolve(body);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > MAX_BODY) return settle({ ok: false, why: 'too large' });
      if (!place.take(chunk.length)) return settle({ ok: false, why: 'no room' });
      chunks.push(chunk);
    };
    const onEnd = (): void => {
      if (!place.enter()) return settle({ ok: false, why: 'no room' });
      settle({
        ok: true,
        bytes: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length),
      });
    };
    const onClose = (): void => settle({ ok: false, why: 'gone' });
    // A broken connection is told by `close` as well.
    request.on('error', () => undefined);
    if (Number(request.headers['content-length']) > MAX_BODY) return settle({ ok: false, why: 'too large' });
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

/** What came of reading JSON. */
export type Json = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

/** In: bytes. Out: the JSON they are, or why they are none. Never throws. */
export function parseJson(bytes: Uint8Array): Json {
  if (isNestedDeeperThan(bytes, MAX_DEPTH))
    return { ok: false, error: `the body is nested more than ${MAX_DEPTH} levels deep` };
  try {
    return {
      ok: true,
      value: JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')),
    };
  } catch (error) {
    return { ok: false, error: `the body is not JSON: ${messageOf(error)}` };
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
// A brace differs from the bracket of its side by this bit alone.
const BRACE = 0x20;

/**
 * In: the bytes of a JSON text, and a number of levels. Out: whether objects and arrays are nested in it more deeply
 * than that. Looks at the bytes, since parsing millions of levels first would take a second and hundreds of megabytes;
 * for a text that is no JSON the answer means nothing.
 */
export function isNestedDeeperThan(bytes: Uint8Array, levels: number): boolean {
  const end = bytes.length;
  let depth = 0;
  let index = 0;
  while (index < end) {
    const byte = bytes[index++] ?? 0;
    if (byte === QUOTE) {
      for (let inside = bytes[index++]; inside !== QUOTE && index < end; inside = bytes[index++])
        if (inside === BACKSLASH) index++;
    } else if (byte >= OPEN) {
      const bracket = byte & ~BRACE;
      if (bracket === OPEN) {
        if (++depth > levels) return true;
      } else if (bracket === CLOSE) depth--;
    }
  }
  return false;
}

import { messageOf } from '../world/error.ts';
// No manifest is nested more deeply, and recursion over it could overflow the stack.
const MAX_DEPTH = 200;

/** The outcome of parsing JSON. */
export type Json = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

/** Parses JSON, or returns the reason why it is invalid. Never throws. */
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
// A brace differs from the bracket of its side only by this bit.
const BRACE = 0x20;

/**
 * Reports whether objects and arrays in a JSON text are nested more deeply than `levels`. Looks only at the bytes,
 * because parsing millions of levels would take a second and hundreds of megabytes. The result is meaningless for
 * invalid JSON.
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

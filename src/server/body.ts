import type { IncomingMessage } from 'node:http';
import { HEAD_BYTES } from './review-head.ts';

/**
 * The largest body that is read, in bytes: two objects of 3 MiB, the most that etcd can store of each, and 1 MiB for
 * the rest.
 */
export const MAX_BODY = 7 * 1024 * 1024;

/**
 * The outcome of reading a body. `aborted`: the client has disconnected, so nobody waits for a response. The `head` is
 * the start of a body that is not read completely.
 */
export type Body =
  | { readonly ok: true; readonly bytes: Buffer<ArrayBuffer> }
  | { readonly ok: false; readonly why: 'too large' | 'no room'; readonly head: Buffer }
  | { readonly ok: false; readonly why: 'aborted' };

/** The account of a body. */
export interface BytesSlot {
  /** Takes that many bytes. Returns false if there is no room for them. */
  take(bytes: number): boolean;
}

/**
 * Reads the body of a request in one piece, or its head and why there is no more. The unread rest is discarded, so that
 * the connection stays usable. Never rejects.
 */
export function readBody(request: IncomingMessage, slot: BytesSlot): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Buffer<ArrayBuffer>[] = [];
    let length = 0;
    let why: 'too large' | 'no room' | undefined;
    const settle = (body: Body): void => {
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      if (!body.ok) request.resume();
      resolve(body);
    };
    const refuse = (reason: 'too large' | 'no room'): void =>
      settle({ ok: false, why: reason, head: Buffer.concat(chunks, Math.min(length, HEAD_BYTES)) });
    const onData = (chunk: Buffer<ArrayBuffer>): void => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > MAX_BODY) why ??= 'too large';
      else if (why === undefined && !slot.take(chunk.length)) why = 'no room';
      if (why !== undefined && length >= HEAD_BYTES) refuse(why);
    };
    const onEnd = (): void => {
      if (why !== undefined) refuse(why);
      else
        settle({
          ok: true,
          bytes: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length),
        });
    };
    const onClose = (): void => settle({ ok: false, why: 'aborted' });
    // A broken connection also emits `close`.
    request.on('error', () => undefined);
    if (Number(request.headers['content-length']) > MAX_BODY) why = 'too large';
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

import type { IncomingMessage } from 'node:http';
import type { InFlightSlot } from './in-flight-limiter.ts';

/**
 * The largest body that is read, in bytes: two objects of 3 MiB, the most that etcd can store of each, and 1 MiB for
 * the rest.
 */
export const MAX_BODY = 7 * 1024 * 1024;

/** The outcome of reading a body. `aborted`: the client has disconnected, so nobody waits for a response. */
export type Body =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly why: 'too large' | 'no room' | 'aborted' };

/**
 * Reads the body of a request in one piece and enters its slot, or returns why there is no body. The unread rest is
 * discarded, so that the connection stays usable. Never rejects.
 */
export function readBody(request: IncomingMessage, slot: InFlightSlot): Promise<Body> {
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
      if (!slot.take(chunk.length)) return settle({ ok: false, why: 'no room' });
      chunks.push(chunk);
    };
    const onEnd = (): void => {
      if (!slot.enter()) return settle({ ok: false, why: 'no room' });
      settle({
        ok: true,
        bytes: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length),
      });
    };
    const onClose = (): void => settle({ ok: false, why: 'aborted' });
    // A broken connection also emits `close`.
    request.on('error', () => undefined);
    if (Number(request.headers['content-length']) > MAX_BODY) return settle({ ok: false, why: 'too large' });
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

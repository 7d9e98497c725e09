import type { ServerResponse } from 'node:http';
import { Readable, pipeline } from 'node:stream';

/** A complete HTTP response. */
export interface Reply {
  readonly status: number;
  readonly type: string;
  /** Text, or its UTF-8 bytes. */
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A reply that is text. */
export interface TextReply extends Reply {
  readonly body: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** Returns a reply with a value as JSON. */
export function json(status: number, value: unknown, headers?: Readonly<Record<string, string>>): TextReply {
  return { status, type: JSON_TYPE, body: JSON.stringify(value), ...(headers === undefined ? {} : { headers }) };
}

/** Returns a reply with an error message for a person. */
export function problem(status: number, error: string, headers?: Readonly<Record<string, string>>): TextReply {
  return json(status, { error }, headers);
}

// What is written at once is encrypted at once, and held until the client has read it.
const PIECE = 64 * 1024;

/** Sends a reply, a long one in pieces as fast as the client reads. Does nothing if the client has disconnected. */
export function send(response: ServerResponse, reply: Reply): void {
  if (response.destroyed || response.headersSent) return;
  const bytes = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  response.writeHead(reply.status, { 'content-type': reply.type, 'content-length': bytes.length, ...reply.headers });
  if (bytes.length <= PIECE) response.end(bytes);
  // The only error is that the client has gone.
  else pipeline(Readable.from(piecesOf(bytes)), response, () => undefined);
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += PIECE) yield bytes.subarray(start, start + PIECE);
}

import type { ServerResponse } from 'node:http';

/** What is answered, whole. */
export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** In: an HTTP status, a value, and more headers. Out: the reply that carries it as JSON. */
export function json(status: number, value: unknown, headers?: Readonly<Record<string, string>>): Reply {
  return { status, type: JSON_TYPE, body: JSON.stringify(value), ...(headers === undefined ? {} : { headers }) };
}

/** In: an HTTP status and what went wrong, for a person. Out: the reply that says so. */
export function problem(status: number, error: string, headers?: Readonly<Record<string, string>>): Reply {
  return json(status, { error }, headers);
}

/** Sends a reply in one piece; nothing happens if the client is gone. */
export function send(response: ServerResponse, reply: Reply): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(reply.status, {
    'content-type': reply.type,
    'content-length': Buffer.byteLength(reply.body),
    ...reply.headers,
  });
  response.end(reply.body);
}

import type { ServerResponse } from 'node:http';

/** A complete HTTP response. */
export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** Returns a reply with a value as JSON. */
export function json(status: number, value: unknown, headers?: Readonly<Record<string, string>>): Reply {
  return { status, type: JSON_TYPE, body: JSON.stringify(value), ...(headers === undefined ? {} : { headers }) };
}

/** Returns a reply with an error message for a person. */
export function problem(status: number, error: string, headers?: Readonly<Record<string, string>>): Reply {
  return json(status, { error }, headers);
}

/** Sends a reply in one piece. Does nothing if the client has disconnected. */
export function send(response: ServerResponse, reply: Reply): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(reply.status, {
    'content-type': reply.type,
    'content-length': Buffer.byteLength(reply.body),
    ...reply.headers,
  });
  response.end(reply.body);
}

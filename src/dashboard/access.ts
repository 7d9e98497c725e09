import { createHash, timingSafeEqual } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import { problem, send } from '../server/reply.ts';

/** The header that has the token. */
export const TOKEN_HEADER = 'x-rollgate-token';

/** Returns the values of the header `Host` that a browser sends to a port of this machine. It leaves out port 80. */
export function ownHosts(port: number): readonly string[] {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  return port === 80 ? [...hosts, '127.0.0.1', 'localhost'] : hosts;
}

type Handler = (request: Request, response: Response, next: NextFunction) => void;

/**
 * Returns the handler that lets through only requests for this host and of the page itself. A name that another DNS
 * server has pointed here is no host of the page, and a page on another port of this machine has another origin.
 */
export function onlyFromPage(): Handler {
  return (request, response, next) => {
    const hosts = ownHosts(request.socket.localPort ?? 0);
    const { host = '', origin } = request.headers;
    if (!hosts.includes(host)) return send(response, problem(421, `unknown host: open http://${hosts[0]}/`));
    const isOwn = origin === `http://${host}`;
    if (origin === undefined ? request.method !== 'GET' : !isOwn)
      return send(response, problem(403, 'this origin may not use the dashboard'));
    next();
  };
}

/** Returns the handler that lets through only requests with the token. */
export function onlyWithToken(token: string): Handler {
  return (request, response, next) => {
    if (isSame(request.headers[TOKEN_HEADER], token)) return next();
    send(response, problem(401, 'the token is missing or wrong: open the URL that rollgate dashboard printed'));
  };
}

// Their digests have the same length, so that the time says nothing about the token.
function isSame(given: unknown, token: string): boolean {
  if (typeof given !== 'string') return false;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

/** Returns the headers of every response. The nonce is for the styles of the editor. */
export function securityHeaders(nonce: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    // The marks of the editor.
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  };
}

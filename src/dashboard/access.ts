import { createHash, timingSafeEqual } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import { problem, send } from '../server/reply.ts';

/** Returns the name of the cookie of a port. Browsers send cookies to every port of a host. */
export function cookieName(port: number): string {
  return `rollgate-dashboard-${port}`;
}

/**
 * Returns the handler that lets through only requests of the page itself. A name that another DNS server has pointed here
 * is no host of the page, and a page on another port of this machine has another origin. Only the first page may have the
 * token in its URL; all else has it in a cookie that no script can read and that other sites do not send.
 */
export function onlyFromPage(token: string): (request: Request, response: Response, next: NextFunction) => void {
  return (request, response, next) => {
    const port = request.socket.localPort ?? 0;
    const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
    const { host = '', origin } = request.headers;
    if (!hosts.includes(host)) return send(response, problem(421, `unknown host: open http://${hosts[0]}/`));
    const isOwn = origin === `http://${host}`;
    if (origin === undefined ? request.method !== 'GET' : !isOwn)
      return send(response, problem(403, 'this origin may not use the dashboard'));
    if (hasToken(request, token, port)) return next();
    send(response, problem(401, 'the token is missing or wrong: open the URL that `rollgate dashboard` has printed'));
  };
}

function hasToken(request: Request, token: string, port: number): boolean {
  if (isSame(cookieIn(request.headers.cookie ?? '', cookieName(port)), token)) return true;
  return request.method === 'GET' && request.path === '/' && isSame(request.query['token'], token);
}

// Their digests have the same length, so that the time says nothing about the token.
function isSame(given: unknown, token: string): boolean {
  if (typeof given !== 'string') return false;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

function cookieIn(header: string, name: string): string | undefined {
  for (const part of header.split(';')) {
    const [key = '', value = ''] = part.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
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

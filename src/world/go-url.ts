/**
 * Why a client of Go cannot send a request to a URL. `scheme`: it is not http or https. `host`: none. `port`: not a
 * number. `character`: one that cannot stand there. `escape`: a percent sign without two hexadecimal digits.
 */
export type UrlProblem = 'scheme' | 'host' | 'port' | 'character' | 'escape';

const CONTROL = /[\u0000-\u001f\u007f]/;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):([^]*)$/;
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
const USER = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;
// Others than ASCII are let through.
const HOST = /^[^ #/?@\\^`{|}]*$/;

/**
 * Returns why a client of Go cannot send a request to a URL, or undefined if it may. Addresses of IPv6 are not checked.
 * Source: `net/url` (`Parse`) and `net/http` (`Client.Do`) of Go 1.24.
 */
export function urlProblem(url: string): UrlProblem | undefined {
  const [beforeFragment, fragment] = splitAt(url, '#');
  if (CONTROL.test(beforeFragment)) return 'character';
  const [, scheme = '', rest = ''] = SCHEME.exec(beforeFragment) ?? [];
  if (!['http', 'https'].includes(scheme.toLowerCase())) return 'scheme';
  const [beforeQuery] = splitAt(rest, '?');
  if (!beforeQuery.startsWith('//')) return 'host';
  const [authority, path] = splitAt(beforeQuery.slice(2), '/');
  const at = authority.lastIndexOf('@');
  const user = authority.slice(0, Math.max(0, at));
  const host = authority.slice(at + 1);
  if (!USER.test(user)) return 'character';
  if ([user, path, fragment].some((part) => BAD_ESCAPE.test(part))) return 'escape';
  return hostProblem(host);
}

function hostProblem(host: string): UrlProblem | undefined {
  if (host === '') return 'host';
  if (host.startsWith('[')) return undefined;
  const colon = host.lastIndexOf(':');
  if (colon >= 0 && !/^[0-9]*$/.test(host.slice(colon + 1))) return 'port';
  if (!HOST.test(host)) return 'character';
  return BAD_ESCAPE.test(host) ? 'escape' : undefined;
}

function splitAt(text: string, separator: string): readonly [before: string, after: string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

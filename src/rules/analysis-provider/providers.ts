import { durationInstead } from '../../world/duration-hint.ts';
import { parseGoDuration } from '../../world/duration.ts';
import type { Path } from '../../world/path.ts';
import { asArray, asObject, asString, dig, optionalString, type JsonObject } from '../../world/read.ts';
import type { Context } from './messages.ts';

/** The settings of a metric's provider. */
export interface Provider {
  readonly metric: string;
  readonly settings: JsonObject;
  readonly path: Path;
  /** The interval of the metric, or an empty text. */
  readonly interval: string;
}

/** Reports whether a text is one placeholder, which may be filled in with an empty text. */
export function isPlaceholder(text: string): boolean {
  return /^\s*\{\{[^}]*\}\}\s*$/.test(text);
}

/** Checks a duration, if it is set and has no placeholder. */
export function checkDuration(
  context: Context,
  { metric, settings, path }: Provider,
  name: string,
  at: readonly string[],
): void {
  const value = optionalString(dig(settings, ...at));
  if (value === undefined || value === '' || value.includes('{{') || parseGoDuration(value) !== undefined) return;
  const field = [name, ...at].join('.');
  const example = durationInstead(value);
  context.report('duration', {
    path: [...path, ...at],
    anchor: `${metric} ${at.join('.')}`,
    data: { metric, field, value, example },
  });
}

/** Checks that the timeout of a metric is not negative. */
export function checkTimeout(context: Context, { metric, settings, path }: Provider, name: string): void {
  const value = settings['timeout'];
  if (typeof value !== 'number' || value >= 0) return;
  context.report('timeout', {
    path: [...path, 'timeout'],
    anchor: metric,
    data: { metric, field: `${name}.timeout`, value },
  });
}

/** Checks that OAuth2 has a client. */
export function checkOAuth2(context: Context, { metric, settings, path }: Provider, provider: string): void {
  const at = ['authentication', 'oauth2'];
  const oauth2 = asObject(dig(settings, ...at));
  const missing = ['clientId', 'clientSecret'].find((name) => asString(oauth2[name]) === '');
  const url = asString(oauth2['tokenUrl']);
  if (url === '' || isPlaceholder(url) || missing === undefined) return;
  context.report('oauthClient', {
    path: [...path, ...at, 'tokenUrl'],
    anchor: metric,
    data: { metric, provider, field: missing },
  });
}

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/**
 * Checks the headers of requests. Of several with one name the last one is sent, and none of `Content-Type` beside a
 * `jsonBody`. Sources: `golang.org/x/net/http/httpguts`, by which `net/http` checks them; Argo Rollouts v1.9.1,
 * `metricproviders/webmetric` and `metricproviders/prometheus`.
 */
export function checkHeaders(context: Context, { metric, settings, path }: Provider): void {
  const headers = asArray(settings['headers']);
  const sent = new Map(headers.map((header) => [asString(dig(header, 'key')).toLowerCase(), header]));
  if (dig(settings, 'jsonBody') !== undefined) sent.delete('content-type');
  for (const [index, header] of headers.entries()) {
    const name = asString(dig(header, 'key'));
    if (name.includes('{{')) continue;
    const at = { path: [...path, 'headers', index], anchor: `${metric} ${name}`, data: { metric, name } };
    const isSent = sent.get(name.toLowerCase()) === header;
    if (!HEADER_NAME.test(name)) context.report('header', at);
    else if (isSent && CONTROL.test(asString(dig(header, 'value')))) context.report('headerValue', at);
  }
}

import { urlProblem, type UrlProblem } from '../../world/go-url.ts';
import { asString } from '../../world/read.ts';
import type { Context } from './messages.ts';
import type { Provider } from './providers.ts';

const REMEDIES: Readonly<Record<UrlProblem, string>> = {
  scheme: 'begin it with http:// or https://',
  host: 'name a host after ://',
  port: 'use a number as the port',
  character: 'remove spaces, line breaks and braces; an argument has two braces at each end',
  escape: 'write %25 for a percent sign',
};

/**
 * Checks the URL to which the controller sends the requests of a metric. One with placeholders is not checked.
 *
 * @param field - As in `web.url`.
 */
export function checkAddress(context: Context, { metric, settings, path }: Provider, field: string): void {
  const name = field.slice(field.indexOf('.') + 1);
  const value = asString(settings[name]);
  const problem = value === '' || value.includes('{{') ? undefined : urlProblem(value);
  const at = { path: [...path, name], anchor: metric };
  if (problem !== undefined)
    context.report('address', { ...at, data: { metric, field, value, remedy: REMEDIES[problem] } });
  // The controller may have a default address for Prometheus, and for nothing else.
  else if (value === '' && !field.startsWith('prometheus'))
    context.report('noAddress', { path, anchor: metric, data: { metric, field } });
}

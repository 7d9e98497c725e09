import { suggestDuration } from '../../world/duration-hint.ts';
import { parseGoDuration } from '../../world/duration.ts';
import type { Path } from '../../world/path.ts';
import { asArray, asObject, asString, dig, optionalString, type JsonObject } from '../../world/read.ts';
import type { Context } from './messages.ts';

/** The settings of a metric's provider. */
export interface Provider {
  readonly metric: string;
  readonly settings: JsonObject;
  readonly path: Path;
}

/** Reports whether a text is one placeholder, which may be filled in with an empty text. */
export function isPlaceholder(text: string): boolean {
  return /^\s*\{\{[^}]*\}\}\s*$/.test(text);
}

type Check = (context: Context, provider: Provider) => void;

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
  const example = suggestDuration(value) ?? 'a duration such as 90s, 5m or 24h';
  context.report('duration', {
    path: [...path, ...at],
    anchor: `${metric} ${at.join('.')}`,
    data: { metric, field, value, example },
  });
}

/** The checks of each provider but Datadog. */
export const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['prometheus', checkPrometheus],
  ['web', checkWeb],
  ['job', checkJob],
  ['kayenta', checkKayenta],
  ['graphite', checkGraphite],
  [
    'newRelic',
    (context, provider) => {
      checkTimeout(context, provider, 'newRelic');
    },
  ],
  [
    'cloudWatch',
    (context, provider) => {
      checkDuration(context, provider, 'cloudWatch', ['interval']);
    },
  ],
  [
    'skywalking',
    (context, provider) => {
      checkDuration(context, provider, 'skywalking', ['interval']);
    },
  ],
]);

function checkTimeout(context: Context, { metric, settings, path }: Provider, name: string): void {
  const value = settings['timeout'];
  if (typeof value !== 'number' || value >= 0) return;
  context.report('timeout', {
    path: [...path, 'timeout'],
    anchor: metric,
    data: { metric, field: `${name}.timeout`, value },
  });
}

// A host and a scheme are all that the controller looks for.
const URL_LIKE = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]/;

function checkPrometheus(context: Context, provider: Provider): void {
  checkTimeout(context, provider, 'prometheus');
  checkDuration(context, provider, 'prometheus', ['rangeQuery', 'step']);
  checkOAuth2(context, provider, 'prometheus');
  const { metric, settings, path } = provider;
  const value = asString(settings['address']);
  if (value === '' || value.includes('{{') || URL_LIKE.test(value)) return;
  context.report('address', { path: [...path, 'address'], anchor: metric, data: { metric, value } });
}

function checkOAuth2(context: Context, { metric, settings, path }: Provider, provider: string): void {
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

function checkWeb(context: Context, provider: Provider): void {
  checkOAuth2(context, provider, 'web');
  const { metric, settings, path } = provider;
  const body = asString(settings['body']);
  const hasBody = body !== '' && !isPlaceholder(body);
  const hasJson = settings['jsonBody'] !== undefined && settings['jsonBody'] !== null;
  const method = asString(settings['method']);
  if (hasBody && hasJson)
    context.report('twoBodies', { path: [...path, 'jsonBody'], anchor: metric, data: { metric } });
  else if ((hasBody || hasJson) && (method === '' || method === 'GET')) {
    const field = hasBody ? 'body' : 'jsonBody';
    context.report('bodyOfGet', { path: [...path, field], anchor: metric, data: { metric, field } });
  }
}

function checkJob(context: Context, { metric, settings, path }: Provider): void {
  const at = ['spec', 'template', 'spec'];
  const pod = dig(settings, ...at);
  const policy = optionalString(dig(pod, 'restartPolicy'));
  const isWritten = policy !== undefined && policy !== '';
  // Without containers it is no Job at all, which the schema says.
  if (asArray(dig(pod, 'containers')).length === 0 || (isWritten && policy !== 'Always')) return;
  context.report('restartPolicy', {
    path: [...path, ...at, ...(isWritten ? ['restartPolicy'] : [])],
    anchor: metric,
    data: { metric, policy: isWritten ? 'restartPolicy Always' : 'no restartPolicy' },
  });
}

function checkKayenta(context: Context, { metric, settings, path }: Provider): void {
  for (const [index, scope] of asArray(settings['scopes']).entries()) {
    for (const field of ['start', 'end']) {
      const [control, experiment] = ['controlScope', 'experimentScope'].map((name) =>
        asString(dig(scope, name, field)),
      );
      if ((control === '') === (experiment === '') || isPlaceholder(`${control}${experiment}`)) continue;
      const name = asString(dig(scope, 'name'));
      context.report('scope', {
        path: [...path, 'scopes', index],
        anchor: `${metric} ${name} ${field}`,
        data: { metric, scope: name, field },
      });
    }
  }
}

function checkGraphite(context: Context, { metric, settings, path }: Provider): void {
  if (asString(settings['address']) === '') context.report('noAddress', { path, anchor: metric, data: { metric } });
}

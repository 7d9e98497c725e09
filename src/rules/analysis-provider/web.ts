import { jsonPathProblem, textBefore } from '../../world/json-path.ts';
import { asString } from '../../world/read.ts';
import { checkAddress } from './address.ts';
import type { Context } from './messages.ts';
import { checkHeaders, checkOAuth2, isPlaceholder, type Provider } from './providers.ts';

// Nobody writes a longer one.
const MAX_LENGTH = 2_000;

/** Checks a web metric. Source: Argo Rollouts v1.9.1, `metricproviders/webmetric`; `util/jsonpath` of client-go v0.34. */
export function checkWeb(context: Context, provider: Provider): void {
  checkAddress(context, provider, 'web.url');
  checkHeaders(context, provider);
  checkOAuth2(context, provider, 'web');
  checkBody(context, provider);
  checkJsonPath(context, provider);
}

function checkBody(context: Context, { metric, settings, path }: Provider): void {
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

function checkJsonPath(context: Context, { metric, settings, path }: Provider): void {
  const value = asString(settings['jsonPath']);
  if (value === '' || value.length > MAX_LENGTH || value.includes('{{')) return;
  const at = { path: [...path, 'jsonPath'], anchor: metric };
  const problem = jsonPathProblem(value);
  const before = textBefore(value);
  if (problem !== undefined)
    // An answer that is not JSON counts as a success before the path is followed.
    context.report(problem.onlyInJson === true ? 'jsonPathName' : 'jsonPath', {
      ...at,
      data: { metric, problem: problem.text, remedy: problem.remedy },
    });
  else if (before !== '') {
    const whole = /^[$@]/.test(value) ? value : `$.${value.replace(/^\./, '')}`;
    const remedy = before === value ? `write {${whole}}` : 'begin with the first brace';
    context.report('jsonPathText', { ...at, data: { metric, value: before, remedy } });
  }
}

import { asObject, asString, optionalString, stringMap } from '../../world/read.ts';
import type { Context } from './messages.ts';
import { checkDuration, isPlaceholder, type Provider } from './providers.ts';

/**
 * Checks what the controller checks of a Datadog metric before each measurement. Source: Argo Rollouts v1.9.1,
 * `metricproviders/datadog` (`validateIncomingProps`, `findCredentials`).
 */
export function checkDatadog(context: Context, provider: Provider): void {
  checkDuration(context, provider, 'datadog', ['interval']);
  const { metric, settings, path } = provider;
  checkSecret(context, provider);
  if (['query', 'formula', 'aggregator'].some((field) => isPlaceholder(asString(settings[field])))) return;
  const query = asString(settings['query']);
  // The API server stores no query whose value is null.
  const count = stringMap(settings['queries']).size;
  const isV1 = (optionalString(settings['apiVersion']) ?? 'v1') === 'v1';
  const hasFormula = asString(settings['formula']) !== '';
  const at = (field: string): { path: typeof path; anchor: string } => ({ path: [...path, field], anchor: metric });
  if (query === '' && count === 0) {
    if (hasFormula) context.report('formulaAlone', { ...at('formula'), data: { metric } });
    else context.report('noQuery', { path, anchor: metric, data: { metric } });
  } else if (query !== '' && count > 0) context.report('twoQueries', { ...at('queries'), data: { metric } });
  else if (hasFormula && count === 0) context.report('formulaAlone', { ...at('formula'), data: { metric } });
  else if (query === '' && isV1) context.report('queriesVersion', { ...at('queries'), data: { metric } });
  if (!hasFormula && count > 1) context.report('noFormula', { ...at('queries'), data: { metric, count } });
  if (isV1 && asString(settings['aggregator']) !== '')
    context.report('aggregatorVersion', { ...at('aggregator'), data: { metric } });
}

function checkSecret(context: Context, { metric, settings, path }: Provider): void {
  const secret = asObject(settings['secretRef']);
  if (secret['namespaced'] === true && asString(secret['name']) === '')
    context.report('secretName', { path: [...path, 'secretRef'], anchor: metric, data: { metric } });
}

import { asArray, asString } from '../../world/read.ts';
import { checkAddress } from './address.ts';
import { checkDatadog } from './datadog.ts';
import { checkJob } from './job.ts';
import { checkKayenta } from './kayenta.ts';
import type { Context } from './messages.ts';
import { checkDuration, checkHeaders, checkOAuth2, checkTimeout, type Provider } from './providers.ts';
import { checkRangeQuery } from './range-query.ts';
import { checkWeb } from './web.ts';

type Check = (context: Context, provider: Provider) => void;

/** The checks of each provider. */
export const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['prometheus', checkPrometheus],
  ['web', checkWeb],
  ['job', checkJob],
  ['kayenta', checkKayenta],
  ['datadog', checkDatadog],
  ['skywalking', checkSkyWalking],
  [
    'graphite',
    (context, provider) => {
      checkAddress(context, provider, 'graphite.address');
    },
  ],
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
      const { metric, settings, path } = provider;
      if (asArray(settings['metricDataQueries']).length === 0)
        context.report('noMetricQuery', { path: [...path, 'metricDataQueries'], anchor: metric, data: { metric } });
    },
  ],
]);

function checkPrometheus(context: Context, provider: Provider): void {
  checkAddress(context, provider, 'prometheus.address');
  checkHeaders(context, provider);
  checkTimeout(context, provider, 'prometheus');
  checkOAuth2(context, provider, 'prometheus');
  checkRangeQuery(context, provider);
}

function checkSkyWalking(context: Context, provider: Provider): void {
  checkAddress(context, provider, 'skywalking.address');
  checkDuration(context, provider, 'skywalking', ['interval']);
  const { metric, settings, path } = provider;
  if (asString(settings['interval']) === '')
    context.report('noDuration', { path, anchor: metric, data: { metric, field: 'skywalking.interval' } });
}

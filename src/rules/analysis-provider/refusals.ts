import type { messages } from './messages.ts';

/** What a provider refuses when it measures. */
export interface Refusal {
  /** As in a metric. */
  readonly provider: string;
  readonly refused: string;
  /** The messages of this rule that say so. */
  readonly messages?: readonly (keyof typeof messages)[];
  /** Another rule that says so, or why nothing does. */
  readonly otherwise?: string;
}

const SECRETS = 'not checked: what is in a Secret is not read';
const CONDITIONS = 'analysis-condition, analysis-no-data';

/**
 * All that the providers refuse of a metric, in the order of their code. What their servers refuse is not here. Source:
 * Argo Rollouts v1.9.1 and v1.10.1, `metricproviders`; Kubernetes v1.34, `pkg/apis/batch/validation`.
 */
export const REFUSALS: readonly Refusal[] = [
  { provider: 'all', refused: 'a condition that does not compile or fit the result', otherwise: CONDITIONS },
  { provider: 'prometheus', refused: 'an address that is no URL', messages: ['address'] },
  {
    provider: 'prometheus',
    refused: 'no address',
    otherwise: 'not checked: the controller may have a default, ARGO_ROLLOUTS_PROMETHEUS_ADDRESS',
  },
  { provider: 'prometheus', refused: 'an invalid name or value of a header', messages: ['header', 'headerValue'] },
  { provider: 'prometheus', refused: 'OAuth2 without its client', messages: ['oauthClient'] },
  { provider: 'prometheus', refused: 'a negative timeout', messages: ['timeout'] },
  { provider: 'prometheus', refused: 'a start or end of rangeQuery that is no time', messages: ['time', 'noTime'] },
  { provider: 'prometheus', refused: 'a step of rangeQuery that is no duration', messages: ['duration', 'noTime'] },
  {
    provider: 'prometheus',
    refused: 'SigV4 without a region or credentials',
    otherwise: 'not checked: both may come from the environment of the controller',
  },
  { provider: 'prometheus', refused: 'a result that is a text', otherwise: 'not checked: it depends on the query' },
  { provider: 'job', refused: 'a restartPolicy other than Never and OnFailure', messages: ['restartPolicy'] },
  { provider: 'job', refused: 'a metric name that cannot be part of the name of a Job', messages: ['jobName'] },
  { provider: 'job', refused: 'a selector without manualSelector', messages: ['jobSelector'] },
  { provider: 'job', refused: 'negative numbers', messages: ['jobNumber'] },
  { provider: 'job', refused: 'an invalid label of the Job', messages: ['jobLabel'] },
  {
    provider: 'job',
    refused:
      'an invalid label, name of a container or of a volume; two containers or volumes with one name; ' +
      'no containers or image; ephemeralContainers',
    messages: ['jobPod'],
  },
  { provider: 'job', refused: 'two containers with one name, an invalid quantity', otherwise: 'analysis-job' },
  { provider: 'job', refused: 'another invalid field of the Job or of its pod template', otherwise: 'not checked' },
  { provider: 'kayenta', refused: 'an address that is no URL', messages: ['address', 'noAddress'] },
  { provider: 'kayenta', refused: 'a start or end of only one scope', messages: ['scope'] },
  { provider: 'kayenta', refused: 'no start, lookback or interval', messages: ['scopeStart'] },
  { provider: 'web', refused: 'a url that is no URL', messages: ['address', 'noAddress'] },
  { provider: 'web', refused: 'two bodies', messages: ['twoBodies'] },
  { provider: 'web', refused: 'a body with GET', messages: ['bodyOfGet'] },
  { provider: 'web', refused: 'OAuth2 without its client', messages: ['oauthClient'] },
  { provider: 'web', refused: 'a jsonPath that cannot be parsed', messages: ['jsonPath'] },
  { provider: 'web', refused: 'an invalid name or value of a header', messages: ['header', 'headerValue'] },
  {
    provider: 'web',
    refused: 'an answer that jsonPath finds nothing in',
    otherwise: 'not checked: it depends on the data',
  },
  { provider: 'datadog', refused: 'secretRef.namespaced without a name', messages: ['secretName'] },
  { provider: 'datadog', refused: 'no API key or application key', otherwise: SECRETS },
  { provider: 'datadog', refused: 'neither query nor queries', messages: ['noQuery'] },
  { provider: 'datadog', refused: 'both query and queries', messages: ['twoQueries'] },
  { provider: 'datadog', refused: 'queries with apiVersion v1', messages: ['queriesVersion'] },
  { provider: 'datadog', refused: 'a formula without queries', messages: ['formulaAlone'] },
  { provider: 'datadog', refused: 'several queries without a formula', messages: ['noFormula'] },
  { provider: 'datadog', refused: 'an aggregator with apiVersion v1', messages: ['aggregatorVersion'] },
  { provider: 'datadog', refused: 'a requestTimeout that is no positive duration', otherwise: 'analysis-metrics' },
  { provider: 'datadog', refused: 'an interval that is no duration', messages: ['duration'] },
  { provider: 'wavefront', refused: 'no token for the address', otherwise: SECRETS },
  { provider: 'wavefront', refused: 'a query that finds nothing', otherwise: 'not checked: it depends on the data' },
  { provider: 'newRelic', refused: 'a negative timeout', messages: ['timeout'] },
  { provider: 'newRelic', refused: 'no account or key, an invalid region or account', otherwise: SECRETS },
  { provider: 'newRelic', refused: 'a query that finds nothing', otherwise: 'not checked: it depends on the data' },
  { provider: 'cloudWatch', refused: 'an interval that is no duration', messages: ['duration'] },
  { provider: 'graphite', refused: 'an address that is no URL', messages: ['address', 'noAddress'] },
  { provider: 'graphite', refused: 'a query that finds nothing', otherwise: 'not checked: it depends on the data' },
  { provider: 'influxdb', refused: 'no token, organization or address', otherwise: SECRETS },
  { provider: 'influxdb', refused: 'a query that finds nothing', otherwise: 'not checked: it depends on the data' },
  { provider: 'skywalking', refused: 'an address that is no URL', messages: ['address', 'noAddress'] },
  { provider: 'skywalking', refused: 'an interval that is no duration', messages: ['duration', 'noDuration'] },
  { provider: 'skywalking', refused: 'a query that finds nothing', otherwise: 'not checked: it depends on the data' },
  { provider: 'plugin', refused: 'a plugin that the controller does not have', otherwise: 'not checked' },
];

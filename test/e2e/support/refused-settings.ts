import type { KubeObject } from '../../../src/world/object.ts';

/** Settings that a provider refuses when it measures, by what its error says then. */
export type RefusedSettings = readonly (readonly [error: string, provider: object, metric?: object])[];

const SECRET = { name: 'datadog', namespaced: true };
const QUERY = 'avg:errors{service:web}';
const QUERIES = { a: QUERY, b: QUERY };
const datadog = (settings: object): object => ({ datadog: { secretRef: SECRET, ...settings } });
const prometheus = (settings: object): object => ({
  prometheus: { address: 'http://127.0.0.1:1', query: 'up', ...settings },
});
const range = (settings: object): object =>
  prometheus({ rangeQuery: { start: 'now()', end: 'now()', step: '1m', ...settings } });
const web = (settings: object): object => ({ web: { url: 'http://127.0.0.1:1', ...settings } });
const OAUTH2_WITHOUT_CLIENT = { authentication: { oauth2: { tokenUrl: 'http://127.0.0.1:1' } } };
const job = (spec: object, pod: object = {}, more: object = {}): object => ({
  job: {
    ...more,
    spec: {
      ...spec,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'test', image: 'test:1' }], ...pod } },
    },
  },
});

const newRelic = (settings: object): object => ({
  newRelic: { query: 'SELECT count(*) FROM Transaction', ...settings },
});
const influxdb = { influxdb: { query: 'from(bucket: "web")' } };

/** The Secret in which the settings of Datadog look for keys. */
export const DATADOG_SECRET = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: SECRET.name },
  stringData: { address: 'http://127.0.0.1:1', 'api-key': 'key', 'app-key': 'key' },
};

/**
 * Returns the Secrets in which New Relic and InfluxDB look for their settings, in the namespace of the controller.
 *
 * @param address - The address of both.
 */
export function controllerSecrets(address: string): readonly KubeObject[] {
  const secret = (name: string, stringData: object): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'argo-rollouts' },
    stringData,
  });
  return [
    secret('newrelic', { 'personal-api-key': 'key', 'account-id': '1', 'base-url-nerdgraph': `${address}/newrelic` }),
    secret('influxdb', { authToken: 'token', org: 'shop', address }),
  ];
}

/** Results that conditions compare, by the error that this is; empty if it is none. */
export const COMPARED_RESULTS: RefusedSettings = [
  ['mismatched types', newRelic({}), { successCondition: 'result > 0' }],
  ['', newRelic({}), { successCondition: 'result.count > 0' }],
  ['mismatched types', influxdb, { successCondition: 'result > 0' }],
  ['', influxdb, { successCondition: 'result[0] > 0' }],
];

/**
 * One of each sort that the rule `analysis-provider` denies.
 *
 * @param kayenta - The address of a server that knows the canary configuration `checks`.
 */
export function refusedSettings(kayenta: string): RefusedSettings {
  const scoped = (control: object, experiment: object, address = kayenta): object => ({
    kayenta: {
      address,
      application: 'web',
      canaryConfigName: 'checks',
      configurationAccountName: 'a',
      metricsAccountName: 'a',
      storageAccountName: 'a',
      threshold: { pass: 90, marginal: 75 },
      scopes: [
        {
          name: 'default',
          controlScope: { scope: 'web', region: 'r', step: 60, ...control },
          experimentScope: { scope: 'web', region: 'r', step: 60, ...experiment },
        },
      ],
    },
  });
  return [
    ['Must have either a query or queries', datadog({})],
    ['Cannot have both a query and queries', datadog({ apiVersion: 'v2', query: QUERY, queries: { a: QUERY } })],
    ['API Version v1 only supports using the query', datadog({ queries: { a: QUERY } })],
    ['Formula are only valid when queries are set', datadog({ query: QUERY, formula: 'a' })],
    ['you must include a formula', datadog({ apiVersion: 'v2', queries: QUERIES })],
    ['Aggregator is not supported in v1', datadog({ query: QUERY, aggregator: 'sum' })],
    ['secret name is required', datadog({ query: QUERY, secretRef: { namespaced: true } })],
    ['unknown unit', datadog({ query: QUERY, interval: '5 minutes' })],
    ['not is url format', prometheus({ address: 'prometheus:9090' })],
    ['invalid header field name', prometheus({ headers: [{ key: 'X Scope', value: 'web' }] })],
    ['missing mandatory parameter in metric for OAuth2', prometheus(OAUTH2_WITHOUT_CLIENT)],
    ['timeout should not be negative', prometheus({ timeout: -1 })],
    ['failed to parse rangeQuery.start as time', range({ start: '5m' })],
    ['failed to parse rangeQuery.end as time', range({ end: '' })],
    ['failed to parse rangeQuery.step as duration', range({ step: '60' })],
    ['both cannot exists', web({ method: 'POST', body: 'a', jsonBody: { a: 1 } })],
    ['can only be used with POST or PUT', web({ body: 'a' })],
    ['unclosed action', web({ jsonPath: '{$.value' })],
    ['unsupported protocol scheme', web({ url: 'web/value' })],
    ['invalid header field name', web({ headers: [{ key: 'X Scope', value: 'web' }] })],
    ['missing mandatory parameter in metric for OAuth2', web(OAUTH2_WITHOUT_CLIENT)],
    ['restartPolicy', job({}, { restartPolicy: null })],
    ['restartPolicy', job({}, { restartPolicy: 'never' })],
    ['metadata.name', job({}), { name: 'Smoke_Test' }],
    ['metadata.labels', job({}, {}, { metadata: { labels: { owner: 'team payments' } } })],
    ['spec.selector', job({ selector: { matchLabels: { app: 'test' } } })],
    ['spec.backoffLimit', job({ backoffLimit: -1 })],
    ['spec.template.spec.containers', job({}, { containers: [] })],
    ['must both be set or be empty', scoped({ start: '2026-01-01T00:00:00Z' }, {})],
    ['Invalid duration', scoped({}, {})],
    ['unsupported protocol scheme', scoped({}, {}, 'kayenta')],
    ['missing unit in duration', { cloudWatch: { interval: '5', metricDataQueries: [{ id: 'a', expression: 'a' }] } }],
    ['timeout value needs to be a positive value', newRelic({ timeout: -1 })],
    ['is not a valid URL', { graphite: { address: '', query: 'errors' } }],
    ['unsupported protocol scheme', { graphite: { address: 'graphite', query: 'errors' } }],
    ['invalid duration', { skywalking: { address: 'http://127.0.0.1:1', query: 'q', interval: '' } }],
  ];
}

/** Conditions that do not compile, by what the error says then. */
export const REFUSED_CONDITIONS: RefusedSettings = [
  ['unknown name args', {}, { successCondition: 'result <= args.max' }],
  ['unknown name value', {}, { successCondition: 'value > 0.5' }],
  ['unexpected token', {}, { successCondition: 'result => 1' }],
  ['unexpected token', {}, { successCondition: 'result = 1' }],
  ['unexpected token', {}, { failureCondition: 'result > 1 AND result < 2' }],
  ['unexpected token', {}, { failureCondition: 'result > 1 &&' }],
  ['expected bool', {}, { successCondition: 'asFloat(result)' }],
  ['missing closing )', {}, { successCondition: 'string(result) matches "(1"' }],
  ['invalid or unsupported Perl syntax', {}, { failureCondition: "string(result) matches '(?!0)'" }],
];

import type { Message, RuleContext, StricterThanUpstream } from '../define.ts';
import { ENDS_IN_ERROR } from '../measurement-errors.ts';

/** The messages of the rule. */
export const messages = {
  noQuery: {
    class: 'invalid',
    text: 'metric "{metric}" has neither datadog.query nor datadog.queries',
    fix: 'set query',
  },
  twoQueries: {
    class: 'invalid',
    text: 'metric "{metric}" has both datadog.query and datadog.queries',
    fix: 'keep query for apiVersion v1, or queries for apiVersion v2',
  },
  queriesVersion: {
    class: 'invalid',
    text: 'metric "{metric}" has datadog.queries, which apiVersion v1, the default, cannot use',
    fix: 'set apiVersion: v2',
  },
  aggregatorVersion: {
    class: 'invalid',
    text: 'metric "{metric}" has datadog.aggregator, which apiVersion v1, the default, cannot use',
    fix: 'set apiVersion: v2, or remove aggregator',
  },
  formulaAlone: {
    class: 'invalid',
    text: 'metric "{metric}" has a datadog.formula without queries',
    fix: 'move the queries of the formula to datadog.queries',
  },
  noFormula: {
    class: 'invalid',
    text: 'metric "{metric}" has {count} datadog.queries and no formula',
    fix: 'add a formula that combines them, such as a / b',
  },
  duration: {
    class: 'invalid',
    text: 'metric "{metric}" sets {field} to "{value}", which is not a valid duration',
    fix: 'use {example} (units are h, m, s and ms; there is no unit for days)',
  },
  timeout: {
    class: 'invalid',
    text: 'metric "{metric}" sets {field} to {value}',
    fix: 'use 0 or more',
  },
  twoBodies: {
    class: 'invalid',
    text: 'metric "{metric}" has both web.body and web.jsonBody',
    fix: 'remove one of them',
  },
  bodyOfGet: {
    class: 'invalid',
    text: 'metric "{metric}" has web.{field}, but its method is GET, the default',
    fix: 'set method to POST or PUT, or remove {field}',
  },
  oauthClient: {
    class: 'invalid',
    text: 'metric "{metric}" has {provider}.authentication.oauth2.tokenUrl without {field}',
    fix: 'set {field}, or remove tokenUrl',
  },
  scope: {
    class: 'invalid',
    text: 'scope "{scope}" of metric "{metric}" sets {field} of only one of controlScope and experimentScope',
    fix: 'set it in both, or in neither',
  },
  address: {
    class: 'invalid',
    text: 'metric "{metric}" has the {field} "{value}", which is not a URL for HTTP',
    fix: '{remedy}',
  },
  noAddress: {
    class: 'invalid',
    text: 'metric "{metric}" has no {field}',
    fix: 'set it to a URL that begins with http:// or https://',
  },
  noDuration: {
    class: 'invalid',
    text: 'metric "{metric}" has no {field}, which has no default',
    fix: 'set it to a duration, such as 5m',
  },
  noTime: {
    class: 'invalid',
    text: 'metric "{metric}" has a prometheus.rangeQuery without {field}',
    fix: 'set {field}, for example to {example}',
  },
  time: {
    class: 'invalid',
    text: '{field} of metric "{metric}" is not a point in time: {problem} (character {position})',
    fix: 'write an expression, such as {example}',
  },
  secretName: {
    class: 'invalid',
    text: 'metric "{metric}" sets datadog.secretRef.namespaced, but names no Secret',
    fix: 'set secretRef.name, or remove namespaced to use the Secret of the controller',
  },
  scopeStart: {
    class: 'invalid',
    text: 'scope "{scope}" of metric "{metric}" has no start, and the metric has no interval to begin with',
    fix: 'set interval of the metric, or lookback: true to begin with the start of the analysis',
  },
  header: {
    class: 'invalid',
    text: 'metric "{metric}" sends a header "{name}", which is not a valid name',
    fix: 'use letters, digits and hyphens',
  },
  headerValue: {
    class: 'invalid',
    text: 'metric "{metric}" sends header "{name}" with a line break or another control character',
    fix: 'remove it, for example with >- in place of | in YAML',
  },
  jsonPath: {
    class: 'invalid',
    text: 'web.jsonPath of metric "{metric}" is not valid: {problem}',
    fix: '{remedy}',
  },
  jsonPathText: {
    class: 'advice',
    text: 'web.jsonPath of metric "{metric}" begins with text outside braces, so the result is always "{value}"',
    fix: '{remedy}',
  },
  jsonPathName: {
    class: 'advice',
    text: 'web.jsonPath of metric "{metric}" cannot be followed in JSON: {problem}',
    fix: '{remedy}',
  },
  restartPolicy: {
    class: 'invalid',
    text: 'the Job of metric "{metric}" has {policy}, so the API server rejects the Job',
    fix: 'set restartPolicy: Never in its pod template',
  },
  jobName: {
    class: 'invalid',
    text: 'the Job of metric "{metric}" would be named UID.{name}.1, which is not a valid name, so the API server rejects the Job',
    fix: 'rename the metric: {remedy}',
  },
  jobLabel: {
    class: 'invalid',
    text: 'the Job of metric "{metric}" has the invalid label {label}, so the API server rejects the Job',
    fix: '{remedy}',
  },
  jobSelector: {
    class: 'invalid',
    text: 'the Job of metric "{metric}" has a selector of its own, so the API server rejects the Job',
    fix: 'remove selector',
  },
  jobNumber: {
    class: 'invalid',
    text: 'the Job of metric "{metric}" sets {field} to {value}, so the API server rejects the Job',
    fix: 'use 0 or more',
  },
  jobPod: {
    class: 'invalid',
    text: 'the pod template of the Job of metric "{metric}" has {problem}, so the API server rejects the Job',
    fix: '{remedy}',
  },
  // Amazon decides about it, not the controller.
  noMetricQuery: {
    class: 'advice',
    text: 'metric "{metric}" has no query in cloudWatch.metricDataQueries, so it asks CloudWatch for nothing',
    fix: 'add a query with an id and a metricStat or an expression',
  },
  // A webhook for Jobs can add a volume before the API server checks them.
  jobMount: {
    class: 'advice',
    text: 'the pod template of the Job of metric "{metric}" has no volume "{volume}", which {container} mounts, so the API server rejects the Job',
    fix: 'add it to volumes of the pod template, or correct the name',
  },
} as const satisfies Record<string, Message>;

const REFUSED_LATER = `The controller checks this when it measures, not before. ${ENDS_IN_ERROR}`;
const IN_AGREEMENT: ReadonlySet<string> = new Set([
  'address',
  'bodyOfGet',
  'duration',
  'header',
  'jobName',
  'jobPod',
  'jsonPath',
  'noAddress',
  'noDuration',
  'noQuery',
  'noTime',
  'restartPolicy',
  'scope',
  'scopeStart',
  'time',
]);

/** The controller accepts all of these until it measures. */
export const stricter = Object.fromEntries(
  Object.entries<Message>(messages).flatMap(([id, message]): [string, StricterThanUpstream][] =>
    message.class === 'invalid'
      ? [[id, { why: REFUSED_LATER, seenBy: IN_AGREEMENT.has(id) ? ['agreement', 'e2e'] : ['e2e'] }]]
      : [],
  ),
) as Partial<Record<keyof typeof messages, StricterThanUpstream>>;

/** The context that the checks of the rule receive. */
export type Context = RuleContext<typeof messages>;

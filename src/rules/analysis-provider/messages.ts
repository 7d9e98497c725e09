import type { Message, RuleContext, StricterThanUpstream } from '../define.ts';

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
    text: 'metric "{metric}" has the prometheus.address "{value}", which is not a URL',
    fix: 'begin it with http:// or https://',
  },
  noAddress: {
    class: 'invalid',
    text: 'metric "{metric}" has no graphite.address',
    fix: 'set address to the URL of Graphite',
  },
  restartPolicy: {
    class: 'invalid',
    text: 'the Job of metric "{metric}" has {policy}, so the API server rejects the Job',
    fix: 'set restartPolicy: Never in its pod template',
  },
} as const satisfies Record<string, Message>;

const WHY =
  'The controller checks this when it measures, not before. Each measurement is then an error, and the analysis ends in an error after five of them, which aborts the update.';
const IN_AGREEMENT: ReadonlySet<string> = new Set([
  'address',
  'bodyOfGet',
  'duration',
  'noAddress',
  'noQuery',
  'restartPolicy',
  'scope',
]);

/** The controller accepts all of these until it measures. */
export const stricter = Object.fromEntries(
  Object.keys(messages).map((id): [string, StricterThanUpstream] => [
    id,
    { why: WHY, seenBy: IN_AGREEMENT.has(id) ? ['agreement', 'e2e'] : ['e2e'] },
  ]),
) as Record<keyof typeof messages, StricterThanUpstream>;

/** The context that the checks of the rule receive. */
export type Context = RuleContext<typeof messages>;

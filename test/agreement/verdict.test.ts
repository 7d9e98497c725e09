import { describe, expect, it } from 'vitest';
import type { Refusal } from './oracle.ts';
import { disagreement, disagreementWithAll, ours } from './verdict.ts';

const POD = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } };

function bundleWith(canary: object): object[] {
  const spec = { selector: { matchLabels: { app: 'web' } }, template: POD, strategy: { canary } };
  return [{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', metadata: { name: 'web', namespace: 'shop' }, spec }];
}

const STEP: Refusal = {
  by: 'controller',
  object: 'Rollout/web',
  path: 'spec.strategy.canary.steps[0].setWeight',
  text: 'Invalid value: 101',
  missing: false,
};
const SERVICE: Refusal = { ...STEP, path: 'spec.strategy.canary.pingPong', text: 'Invalid value: plugins' };
const ABSENT: Refusal = {
  ...STEP,
  path: 'spec.strategy.canary.canaryService',
  text: 'Invalid value: "a"',
  missing: true,
};

const ACCEPTED = bundleWith({});
const DENIED = bundleWith({ steps: [{ setWeight: 101 }] });

describe('a verdict for an unknown version', () => {
  it.each([
    ['agrees if all refuse what is denied', [[STEP], [STEP]], DENIED, undefined],
    ['differs if one version accepts what is denied', [[STEP], []], DENIED, 'only Rollgate denies'],
    ['differs if all refuse what is not denied', [[STEP], [STEP, SERVICE]], ACCEPTED, 'only upstream refuses'],
    ['agrees if only one version refuses', [[STEP], []], ACCEPTED, undefined],
    ['agrees if each version has a reason of its own', [[SERVICE], [STEP]], ACCEPTED, undefined],
    ['differs if all miss an object', [[ABSENT], [ABSENT]], ACCEPTED, 'only upstream misses'],
    ['agrees if all miss another object', [[ABSENT], [{ ...ABSENT, text: 'Invalid value: "b"' }]], ACCEPTED, undefined],
  ] as const)('%s', (_, upstream, objects, expected) => {
    expect(disagreementWithAll(upstream, ours(objects))?.kind).toBe(expected);
  });
});

it('a type of a field that is newer than the schemas of Rollgate is left to the API server', () => {
  const type: Refusal = {
    by: 'api server',
    object: 'AnalysisTemplate/errors',
    path: 'spec.metrics[0].provider.datadog.requestTimeout',
    text: 'Invalid value: "integer": must be of type string',
    missing: false,
  };
  expect(disagreement([type], ours(ACCEPTED))).toBeUndefined();
  expect(disagreement([{ ...type, path: 'spec.metrics[0].provider.datadog.query' }], ours(ACCEPTED))?.kind).toBe(
    'only upstream refuses',
  );
});

it('a weight that upstream refuses because the total is 0 is the denial of the total', () => {
  const weight: Refusal = { ...STEP, text: 'Invalid value: 20: SetWeight needs to be between 0 and 0' };
  const trafficRouting = { plugins: { 'example/router': {} }, maxTrafficWeight: 0 };
  const objects = bundleWith({ stableService: 'a', canaryService: 'b', trafficRouting, steps: [{ setWeight: 20 }] });
  expect(disagreement([weight], ours(objects))).toBeUndefined();
  expect(disagreement([SERVICE], ours(objects))?.kind).toBe('only upstream refuses');
});

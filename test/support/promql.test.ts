import { describe, expect, it } from 'vitest';
import { metricsIn } from './promql.ts';

describe('the metrics of an expression', () => {
  it.each<[string, readonly (readonly [string, ...string[]])[]]>([
    ['absent(a_b)', [['a_b']]],
    ['max(a) == 1', [['a']]],
    ['sum by (le, kind) (rate(a_bucket{x="by (z)",y=~"{c}"}[10m])) > 1e3', [['a_bucket', 'x', 'y', 'le', 'kind']]],
    ['min(a) - time() < 7 * 86400', [['a']]],
    [
      'a{b!="c"} or on (d) e offset 10m',
      [
        ['a', 'b', 'd'],
        ['e', 'd'],
      ],
    ],
    ['sum(increase(a[$__rate_interval])) / 2', [['a']]],
  ])('%s', (expression, uses) => {
    expect(metricsIn(expression)).toEqual(uses.map(([metric, ...labels]) => ({ metric, labels })));
  });
});

import { expect, it } from 'vitest';
import { problemOf } from '../../conditions/condition.ts';
import { FLOAT, listOf } from '../../conditions/types.ts';
import { remedyFor } from './remedy.ts';

const LIST = [listOf(FLOAT)];

// Fixtures cannot hold these, because a text with NaN in it is one into which a number was put that is none.
it.each([
  ['result[0] == NaN', 'prometheus', 'write isNaN(result[0])'],
  ['result[0] == nan', 'graphite', 'write isNaN(result[0])'],
  ['result == NaN', 'wavefront', 'write isNaN(result)'],
  ['result == NaN', 'datadog', 'write isNaN(default(result, 0))'],
  ['isNaN(result)', 'prometheus', 'write isNaN(result[0])'],
  ['isNaN( result ) || result[0] < 1', 'prometheus', 'write isNaN(result[0])'],
  ['isNaN(result, 1)', 'prometheus', 'pass the arguments that isNaN takes'],
])('%s of %s: %s', (condition, provider, remedy) => {
  const problem = problemOf(condition, '1.17', LIST);
  expect(problem && remedyFor(condition, problem, provider)).toContain(remedy);
});

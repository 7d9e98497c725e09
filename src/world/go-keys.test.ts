import { describe, expect, it } from 'vitest';
import { asGoReads, goFields, selectorAsGoReads, spellingsOf } from './go-keys.ts';

const FIELDS = goFields('httpRoutes', 'namespace');

describe('keys that Go reads in any case', () => {
  it('are found by their field', () => {
    const spellings = spellingsOf({ HTTPRoutes: [], namespace: 'shop', other: 1 }, FIELDS);
    expect([...spellings]).toEqual([['httpRoutes', 'HTTPRoutes']]);
  });

  it('count if they are the last of the same field', () => {
    const read = (...keys: string[]) =>
      asGoReads(Object.fromEntries(keys.map((key) => [key, key])), FIELDS)['httpRoutes'];
    expect(read('httproutes', 'httpRoutes')).toBe('httproutes');
    expect(read('httpRoutes', 'HTTPRoutes')).toBe('httpRoutes');
    expect(read('HTTPRoutes', 'httproutes', 'HttpRoutes')).toBe('httproutes');
  });

  it('leave an object as it is that spells them as usual', () => {
    const config = { httpRoutes: [], other: 1 };
    expect(asGoReads(config, FIELDS)).toBe(config);
  });

  it('may be those of a label selector', () => {
    const expression = { key: 'app', operator: 'Exists' };
    const usual = { matchLabels: { App: 'web' }, matchExpressions: [expression, null] };
    expect(selectorAsGoReads(usual)).toBe(usual);
    expect(selectorAsGoReads({ MatchLabels: { App: 'web' } })).toMatchObject({ matchLabels: { App: 'web' } });
    expect(selectorAsGoReads({ matchExpressions: [expression, { Key: 'app', operator: 'Exists' }] })).toMatchObject({
      matchExpressions: [expression, expression],
    });
  });
});

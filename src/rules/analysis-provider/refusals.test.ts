import { describe, expect, it } from 'vitest';
import { PROVIDERS } from '../../world/metrics.ts';
import { RULES } from '../index.ts';
import { messages } from './messages.ts';
import { REFUSALS } from './refusals.ts';

describe('the list of refusals', () => {
  it('has every message of the rule but the advice', () => {
    const listed = new Set(REFUSALS.flatMap((refusal) => refusal.messages ?? []));
    const invalid = Object.entries(messages).flatMap(([id, message]) => (message.class === 'invalid' ? [id] : []));
    expect([...listed].sort()).toEqual(invalid.sort());
  });

  it('has every provider', () => {
    const listed = new Set(REFUSALS.map(({ provider }) => provider));
    expect([...listed].sort()).toEqual(['all', 'plugin', ...PROVIDERS].sort());
  });

  it('says for each refusal who finds it, or why nobody does', () => {
    const rules = new Set(RULES.map(({ id }) => id));
    for (const { refused, messages: ids, otherwise } of REFUSALS) {
      expect((ids === undefined) !== (otherwise === undefined), refused).toBe(true);
      for (const rule of otherwise?.startsWith('not checked') === false ? otherwise.split(', ') : [])
        expect(rules.has(rule), rule).toBe(true);
    }
  });
});

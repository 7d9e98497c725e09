import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDeeperThan } from '../world/read.ts';
import { isNestedDeeperThan, parseJson } from './json-body.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

describe('isNestedDeeperThan', () => {
  it('counts objects and lists, and no bracket in a string', () => {
    expect(isNestedDeeperThan(bytes('[[]]'), 1)).toBe(true);
    expect(isNestedDeeperThan(bytes('[[]]'), 2)).toBe(false);
    expect(isNestedDeeperThan(bytes('[{"a":[]}]'), 2)).toBe(true);
    expect(isNestedDeeperThan(bytes('[{"a":[]}]'), 3)).toBe(false);
    expect(isNestedDeeperThan(bytes('[[],[],{},{}]'), 2)).toBe(false);
    expect(isNestedDeeperThan(bytes('["[[[{{{", "\\"[[[", "\\\\"]'), 1)).toBe(false);
    expect(isNestedDeeperThan(bytes('{"[":{"]":{"\\\\\\"{":1}}}'), 3)).toBe(false);
    expect(isNestedDeeperThan(bytes('{"[":{"]":{"\\\\\\"{":1}}}'), 2)).toBe(true);
    for (const broken of ['"', '"\\', '["', '', '"""', '"\\"'])
      expect(isNestedDeeperThan(bytes(broken), 1)).toBe(false);
  });

  it('says the same as looking at what was parsed', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.nat({ max: 8 }), (value, levels) => {
        const nested = [value];
        // The value itself is level 0 there and its brackets are level 1 here.
        expect(isNestedDeeperThan(bytes(JSON.stringify(nested)), levels + 1)).toBe(isDeeperThan(nested, levels));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('parseJson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseJson(bytes(JSON.stringify(value)))).toEqual({
          ok: true,
          value: JSON.parse(JSON.stringify(value)) as unknown,
        });
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDeeperThan } from '../world/read.ts';
import { parseJson, shapeOf } from './json-body.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const depthOf = (text: string): number => shapeOf(bytes(text)).depth;
const marksOf = (text: string): number => (shapeOf(bytes(text)).weight - Buffer.byteLength(text)) / 64;

describe('shapeOf', () => {
  it('counts levels of objects and lists, and no bracket in a string', () => {
    expect(depthOf('[[]]')).toBe(2);
    expect(depthOf('[{"a":[]}]')).toBe(3);
    expect(depthOf('[[],[],{},{}]')).toBe(2);
    expect(depthOf('["[[[{{{", "\\"[[[", "\\\\"]')).toBe(1);
    expect(depthOf('{"[":{"]":{"\\\\\\"{":1}}}')).toBe(3);
    for (const broken of ['"', '"\\', '["', '', '"""', '"\\"']) expect(depthOf(broken)).toBeLessThanOrEqual(1);
  });

  it('weighs what becomes a value, and no mark in a string', () => {
    expect(marksOf('{"a":[1,2],"b":{}}')).toBe(7);
    expect(marksOf('"{[,:"')).toBe(0);
    expect(marksOf('["\\",,,", "é"]')).toBe(2);
  });

  it('says the same as looking at what was parsed', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.nat({ max: 8 }), (value, levels) => {
        const nested = [value];
        // The value itself is level 0 there and its brackets are level 1 here.
        expect(depthOf(JSON.stringify(nested)) > levels + 1).toBe(isDeeperThan(nested, levels));
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

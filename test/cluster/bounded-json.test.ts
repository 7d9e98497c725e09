import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headOf, MAX_PARSED, parseEvent, parseObject, weightOf } from '../../src/cluster/bounded-json.ts';

const EMPTIES = Array.from({ length: 400_000 }, () => ({}));
const metadata = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '7' };

describe('the JSON of an object', () => {
  it('is parsed completely if it is no heavier than usual, whatever it contains', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseObject(JSON.stringify(value))).toEqual({
          value: JSON.parse(JSON.stringify(value)) as unknown,
          whole: true,
        });
      }),
    );
    const long = { metadata, spec: { text: 'x'.repeat(3_000_000) } };
    expect(parseObject(JSON.stringify(long))).toEqual({ value: long, whole: true });
  });

  it('is reduced to the name if it would take too much memory', () => {
    const text = JSON.stringify({ spec: { a: EMPTIES }, metadata: { labels: { a: '}"' }, ...metadata } });
    expect(weightOf(text)).toBeGreaterThan(MAX_PARSED);
    expect(parseObject(text)).toEqual({ value: { metadata }, whole: false });
    expect(parseEvent(`{"type":"ADDED","object":${text}}`)).toEqual({
      value: { type: 'ADDED', object: { metadata } },
      whole: false,
    });
  });

  it('is weighed by what is outside of its strings', () => {
    expect(weightOf('{"a":[1,"{[,:\\\\\\"{"]}')).toBe(21 + 64 * 4);
  });

  it('has a name at its beginning, whatever comes around it', () => {
    const key = fc.string().filter((text) => text !== 'metadata' && text !== '__proto__');
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.jsonValue()),
        fc.dictionary(fc.string({ minLength: 20 }), fc.jsonValue()),
        fc.constantFrom(undefined, 1),
        (around, inside, indent) => {
          const text = JSON.stringify({ ...around, metadata: { ...inside, ...metadata } }, undefined, indent);
          expect(headOf(text)).toEqual({ metadata });
        },
      ),
    );
    expect(headOf(`{"metadata":${JSON.stringify(metadata)},"spec":{"a":"b`)).toEqual({ metadata });
    expect(headOf(JSON.stringify({ metadata: { ...metadata, ownerReferences: ['x'.repeat(20_000)] } }))).toEqual({
      metadata,
    });
    for (const text of ['', '7', '[]', '{"metadata":7}', '{"metadata":{'])
      expect(headOf(text)).toEqual({ metadata: {} });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../src/cluster/lines.ts';

describe('lines', () => {
  it('are the same for any chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat({ max: 9 })), (texts, cuts) => {
        const lines = texts.map((text) => JSON.stringify(text));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const splitter = new LineSplitter();
        const found: string[] = [];
        let start = 0;
        for (const cut of cuts) {
          found.push(...splitter.push(bytes.subarray(start, start + cut)));
          start += cut;
        }
        found.push(...splitter.push(bytes.subarray(start)));
        expect(found).toEqual(lines);
      }),
    );
  });

  it('are complete only with a line end', () => {
    const splitter = new LineSplitter();
    expect(splitter.push(Buffer.from('{"a":'))).toEqual([]);
    expect(splitter.push(Buffer.from('1}\r\n\n{'))).toEqual(['{"a":1}']);
    expect(splitter.push(Buffer.from('}\n'))).toEqual(['{}']);
  });

  it('have a maximum length', () => {
    const splitter = new LineSplitter();
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    expect(() => {
      for (let mebibytes = 0; mebibytes < 100; mebibytes++) splitter.push(chunk);
    }).toThrow(RangeError);
  });
});

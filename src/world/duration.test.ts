import { describe, expect, it } from 'vitest';
import { parseGoDuration } from './duration.ts';

// What Go's time.ParseDuration makes of each, in seconds.
const GO: readonly (readonly [string, number | undefined])[] = [
  ['0', 0],
  ['+0', 0],
  ['1s', 1],
  ['1.5h', 5400],
  ['1h30m', 5400],
  ['1m1m', 120],
  ['-1h', -3600],
  ['+5s', 5],
  ['.5s', 0.5],
  ['5.s', 5],
  ['1ms', 0.001],
  ['1us', 1e-6],
  ['1µs', 1e-6],
  ['1μs', 1e-6],
  ['1ns', 1e-9],
  ['0.100000000000000000000h', 360],
  ['000000000000000000000000001s', 1],
  ['2562047h47m16.854775807s', 9223372036.854776],
  ['-2562047h47m16.854775808s', -9223372036.854776],
  ['2562047h47m16.854775808s', undefined],
  ['9223372036854775808ns', undefined],
  ['3000000h', undefined],
  ['99999999999999999999s', undefined],
  ['', undefined],
  ['-', undefined],
  ['1', undefined],
  ['s', undefined],
  ['.s', undefined],
  ['1d', undefined],
  ['1S', undefined],
  ['1 s', undefined],
  [' 1s', undefined],
  ['1s ', undefined],
  ['1h1', undefined],
  ['--1s', undefined],
  ['1.1.1s', undefined],
  ['1e3s', undefined],
  ['1constructor', undefined],
  ['{{args.interval}}', undefined],
];

describe('parseGoDuration', () => {
  it.each(GO)('reads %j as Go does', (text, seconds) => {
    expect(parseGoDuration(text)).toBe(seconds);
  });

  it('keeps nothing between calls', () => {
    expect([parseGoDuration('1hx'), parseGoDuration('2h'), parseGoDuration('2h')]).toEqual([undefined, 7200, 7200]);
  });
});

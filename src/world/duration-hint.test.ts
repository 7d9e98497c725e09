import { describe, expect, it } from 'vitest';
import { durationInstead, suggestDuration } from './duration-hint.ts';

describe('suggestDuration', () => {
  it.each([
    ['1d', '24h'],
    ['7 days', '168h'],
    ['1w', '168h'],
    ['1d12h', '36h'],
    ['2h 30min', '2h30m'],
    ['10 sec', '10s'],
    ['5Minutes', '5m'],
    ['30S', '30s'],
  ])('reads %j as %j', (text, expected) => {
    expect(suggestDuration(text)).toBe(expected);
  });

  it.each(['', 'soon', '1month', '1.5d', 'd', '-1d', '10', '1h30m', '5 ms', '10 stunden', '1d!', '9'.repeat(40)])(
    'has nothing to say about %j',
    (text) => {
      expect(suggestDuration(text)).toBeUndefined();
    },
  );
});

describe('durationInstead', () => {
  it.each([
    ['60', '60s, if seconds are meant'],
    ['1d', '24h'],
    ['soon', 'a duration such as 90s, 5m or 24h'],
    ['0', 'a duration such as 90s, 5m or 24h'],
    ['-5', 'a duration such as 90s, 5m or 24h'],
  ])('reads %j as %j', (text, expected) => {
    expect(durationInstead(text)).toBe(expected);
  });
});

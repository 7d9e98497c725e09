import { describe, expect, it } from 'vitest';
import {
  isDnsLabel,
  isDnsSubdomain,
  isEnvironmentName,
  isLabelKey,
  isLabelValue,
  isPortName,
  isPortNumber,
} from './names.ts';

describe.each([
  {
    name: 'isDnsLabel',
    test: isDnsLabel,
    good: ['a', '1-a', 'a'.repeat(63)],
    bad: ['', '-a', 'a-', 'A', 'a.b', 'a_b', 'a'.repeat(64)],
  },
  {
    name: 'isDnsSubdomain',
    test: isDnsSubdomain,
    good: ['a', 'a.b-c', 'a'.repeat(253)],
    bad: ['', '.a', 'a..b', 'a.-b', 'A.b', 'a'.repeat(254)],
  },
  {
    name: 'isLabelKey',
    test: isLabelKey,
    good: ['app', 'A_b.c', 'example.com/app', 'a'.repeat(63)],
    bad: ['', '/app', 'a/', 'a/b/c', 'Example.com/app', 'a b', '-a', 'a'.repeat(64)],
  },
  {
    name: 'isLabelValue',
    test: isLabelValue,
    good: ['', 'a', '1.0_B', 'a'.repeat(63)],
    bad: ['1+2', ' ', 'a-', 'a'.repeat(64)],
  },
  {
    name: 'isPortName',
    test: isPortName,
    good: ['http', 'a-1', '1a', 'a'.repeat(15)],
    bad: ['', '80', 'HTTP', 'a--b', '-a', 'a.b', 'a'.repeat(16)],
  },
  {
    name: 'isEnvironmentName',
    test: isEnvironmentName,
    good: ['A', '_', '-a', 'a.b', '.a'],
    bad: ['', '1a', 'a b', 'a=b', '.', '..', '..a'],
  },
])('$name', ({ test, good, bad }) => {
  it.each(good)('takes %j', (text) => expect(test(text)).toBe(true));
  it.each(bad)('does not take %j', (text) => expect(test(text)).toBe(false));
});

describe('isPortNumber', () => {
  it.each([1, 80, 65_535])('takes %d', (port) => expect(isPortNumber(port)).toBe(true));
  it.each([0, -1, 65_536, 1.5, Number.NaN])('does not take %d', (port) => expect(isPortNumber(port)).toBe(false));
});

import { describe, expect, it } from 'vitest';
import {
  parseVersion,
  rangeText,
  supportedRange,
  SUPPORTED_VERSIONS,
  versionsMatching,
  versionsTitle,
  type RolloutsVersions,
} from './rollouts-versions.ts';

function version(text: string): RolloutsVersions {
  const parsed = parseVersion(text);
  if (parsed === undefined) throw new Error(`${text} is no version`);
  return parsed;
}

describe('a version', () => {
  it.each([
    ['1.9', '1.9'],
    ['v1.9', '1.9'],
    ['1.10.2', '1.10.2'],
    ['v1.9.0', '1.9.0'],
  ])('%s is %s', (text, expected) => {
    expect(rangeText(version(text))).toBe(expected);
  });

  it.each(['', 'latest', 'stable', '1', '1.9.3-rc1', 'v1.9.3-fork', '1.9.x', '1.9.3.4', '01.9.3 ', '123456.1'])(
    '%j is unknown',
    (text) => {
      expect(parseVersion(text)).toBeUndefined();
    },
  );
});

describe('a range', () => {
  it('goes from the least to the greatest, by number', () => {
    const { versions, isClamped } = supportedRange([version('1.10.1'), version('1.9.3'), version('1.9.1')]);
    expect(rangeText(versions)).toBe('1.9.1 to 1.10.1');
    expect(isClamped).toBe(false);
  });

  it.each([
    ['1.9.0', '1.10.1', '1.9.0 to 1.10.1'],
    ['1.9', '1.10', '1.9 to 1.10'],
    ['1.9.3', '1.10', '1.9.3 to 1.10'],
  ])('from %s to %s is %s', (from, to, expected) => {
    expect(rangeText(supportedRange([version(from), version(to)]).versions)).toBe(expected);
  });

  it('is all that is supported if nothing is known', () => {
    expect(supportedRange([])).toEqual({ versions: SUPPORTED_VERSIONS, isClamped: false });
  });

  it.each([
    ['1.8.3', '1.9.0'],
    ['1.11', '1.10'],
    ['2.0.0', '1.10'],
  ])('of %s is the nearest supported one, and says so', (text, expected) => {
    const { versions, isClamped } = supportedRange([version(text)]);
    expect(isClamped).toBe(true);
    expect(rangeText(versions)).toBe(expected);
  });
});

describe('what is true before a change and since', () => {
  it.each([
    ['1.9', 'all', 'none'],
    ['1.9.3', 'all', 'none'],
    ['1.10', 'none', 'all'],
    ['1.10.0', 'none', 'all'],
  ])('of %s: %s, %s', (text, before, since) => {
    expect(versionsMatching(version(text), { before: 'pingPongWithPlugins' })).toBe(before);
    expect(versionsMatching(version(text), { since: 'pingPongWithPlugins' })).toBe(since);
  });

  it('of a range around it: some', () => {
    expect(versionsMatching(SUPPORTED_VERSIONS, { before: 'pingPongWithPlugins' })).toBe('some');
    expect(versionsMatching(SUPPORTED_VERSIONS, { since: 'pingPongWithPlugins' })).toBe('some');
  });

  it('has a title', () => {
    expect(versionsTitle({ before: 'pingPongWithPlugins' })).toBe('Argo Rollouts before 1.10');
    expect(versionsTitle({ since: 'pingPongWithPlugins' })).toBe('Argo Rollouts 1.10 and later');
  });
});

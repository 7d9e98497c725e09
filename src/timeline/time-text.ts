import type { TimeSpan } from './analysis-time.ts';

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** Returns seconds as people write them: `90s` as `1m30s`, half a second as `0.5s`. At most two units. */
export function timeText(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds * 10) / 10}s`;
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    if (rest >= size && parts.length < 2) {
      parts.push(`${Math.floor(rest / size)}${unit}`);
      rest %= size;
    } else if (parts.length > 0) break;
  }
  return parts.join('');
}

/** Returns a time span in words: `5m`, `5m to 12m`, `at least 5m`, `not known`. */
export function spanText({ shortest, longest }: TimeSpan): string {
  if (shortest === undefined) return longest === undefined ? 'not known' : `at most ${timeText(longest)}`;
  if (longest === undefined) return `at least ${timeText(shortest)}`;
  return shortest === longest ? timeText(shortest) : `${timeText(shortest)} to ${timeText(longest)}`;
}

/** Returns the sum of time spans. What has no known end makes the sum have none. */
export function sumOf(spans: readonly TimeSpan[]): TimeSpan {
  const ends = spans.map(({ longest }) => longest);
  return {
    shortest: spans.reduce((sum, { shortest }) => sum + (shortest ?? 0), 0),
    longest: ends.reduce<number | undefined>(
      (sum, longest) => (sum === undefined || longest === undefined ? undefined : sum + longest),
      0,
    ),
  };
}

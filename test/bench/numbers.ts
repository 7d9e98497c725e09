import type { Measured } from './statistics.ts';

/** Returns a whole number with separators. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** Returns microseconds: whole, or with one digit where there are few. */
export function microseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : whole(value)} µs`;
}

/** Returns milliseconds with two digits. */
export function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}

/** Returns a share as a percentage. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Returns the least and the most. */
export function range({ least, most }: Measured): string {
  return `${whole(least)} to ${whole(most)}`;
}

/** Returns a Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

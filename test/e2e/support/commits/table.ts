import { cell } from '../../../../scripts/markdown.ts';
import type { Arrived } from './arrived.ts';

/** Returns a table in Markdown. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');
}

/** Returns what has arrived of a commit, as a cell. */
export function arrivedCell({ arrived, missing }: Arrived): string {
  if (missing.length === 0) return 'all';
  return arrived.length === 0 ? 'nothing' : `all but ${missing.join(', ')}`;
}

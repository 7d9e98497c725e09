import { cell } from '../../../../scripts/markdown.ts';
import { MODES, type Mode } from './modes.ts';

/** A row of what was seen with one way to write and compare. */
export interface Seen {
  readonly mode: Mode;
  readonly cells: readonly string[];
}

/** Returns a table in Markdown. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');
}

/** Returns a table in Markdown whose first column says with which ways to write and compare a row was seen. */
export function tableByMode(head: readonly string[], rows: readonly Seen[]): string {
  const groups = Map.groupBy(rows, ({ cells }) => JSON.stringify(cells)).values();
  const merged = [...groups].map((group) => {
    const modes = MODES.filter((mode) => group.some((row) => row.mode === mode)).map(({ name }) => name);
    return [modes.length === MODES.length ? 'each' : modes.join(', '), ...(group[0]?.cells ?? [])];
  });
  return tableOf(['diff', ...head], merged);
}

/** Returns what has arrived of a commit, as a cell. */
export function arrivedCell({ arrived, missing }: { arrived: readonly string[]; missing: readonly string[] }): string {
  if (missing.length === 0) return 'all';
  return arrived.length === 0 ? 'nothing' : `all but ${missing.join(', ')}`;
}

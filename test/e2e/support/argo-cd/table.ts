import { tableOf } from '../commits/table.ts';
import { MODES, type Mode } from './modes.ts';

/** A row of what was seen with one way to write and compare. */
export interface Seen {
  readonly mode: Mode;
  readonly cells: readonly string[];
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

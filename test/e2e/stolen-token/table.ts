import { cell } from '../../../scripts/markdown.ts';
import type { Permission } from './permissions.ts';

/** What became of an attempt. */
export interface Row extends Permission {
  readonly what: string;
  /** The outcome on an object that takes no part in conversion. */
  readonly foreign: string;
  /** The outcome on an object that does. */
  readonly own: string;
}

/** Returns Markdown: a table with a row for what has the same outcomes. */
export function tableOf(rows: readonly Row[]): string {
  const byResource = merged(rows, ({ resource, what, names, onlyAtHome, foreign, own }) =>
    JSON.stringify([resource, what, names, onlyAtHome, foreign, own]),
  ).map((same) => ({ ...first(same), verbs: sorted(same.map(({ verb }) => verb)) }));
  const lines = merged(byResource, ({ verbs, what, names, onlyAtHome, foreign, own }) =>
    JSON.stringify([verbs, what, names, onlyAtHome, foreign, own]),
  ).map((same) => {
    const { verbs, what, names, onlyAtHome, foreign, own } = first(same);
    const where = onlyAtHome ? ', in its own namespace' : '';
    const named = names.length === 0 ? '' : ` named ${names.map((name) => `\`${name}\``).join(', ')}`;
    const resources = sorted(same.map(({ resource }) => `\`${resource}\``)).join(', ');
    return [verbs.join(', '), `${resources}${named}${where}`, what, foreign, own];
  });
  return [
    ['verbs', 'resources', 'what', 'an object that takes no part in conversion', 'one that does'],
    ['---', '---', '---', '---', '---'],
    ...lines.sort(([aVerbs = '', a = ''], [bVerbs = '', b = '']) => compare(a, b) || compare(aVerbs, bVerbs)),
  ]
    .map((cells) => `| ${cells.map(cell).join(' | ')} |`)
    .join('\n');
}

function merged<T>(rows: readonly T[], keyOf: (row: T) => string): readonly (readonly T[])[] {
  return [...Map.groupBy(rows, keyOf).values()];
}

function first<T>([row]: readonly T[]): T {
  if (row === undefined) throw new Error('an empty group');
  return row;
}

function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

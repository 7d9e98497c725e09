import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');

/**
 * Returns the text of a marked part of a page in docs/. With `UPDATE_DOCS` set, it first replaces that part by
 * `content`.
 *
 * @throws Error - If the page has no such part.
 */
export function partOf(page: string, marker: string, content: string): string {
  const path = join(DOCS, page);
  const [begin, end] = [`<!-- ${marker} -->\n`, `\n<!-- /${marker} -->`];
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/${page} has no ${begin.trim()} … ${end.trim()}`);
  if (process.env['UPDATE_DOCS'] === undefined) return text.slice(from + begin.length, to);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text.slice(0, from + begin.length) + content + text.slice(to));
  return content;
}

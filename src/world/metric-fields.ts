import { METRIC_FIELDS } from './metric-field-list.ts';
import type { Path } from './path.ts';

/** The fields of an object. Undefined: a plain value, fields of any name, or a list of these. */
type Fields = Map<string | number, Fields | undefined>;

let known: Fields | undefined;

/**
 * Reports whether the API server keeps what is at a place in a metric of an analysis template: it drops unknown fields,
 * so the controller never sees what is in them.
 *
 * @param path - From the metric on.
 */
export function isKeptInMetric(path: Path): boolean {
  known ??= parsed(METRIC_FIELDS);
  let fields: Fields | undefined = known;
  for (const part of path) {
    // What is in a list has the fields of the list.
    if (typeof part === 'number') continue;
    if (fields === undefined) return true;
    if (!fields.has(part)) return false;
    fields = fields.get(part);
  }
  return true;
}

function parsed(text: string): Fields {
  const root: Fields = new Map();
  const open: Fields[] = [root];
  let last = '';
  for (const word of text.split(' ')) {
    if (word === '}') open.pop();
    else if (word === '{') {
      const inner: Fields = new Map();
      open.at(-1)?.set(last, inner);
      open.push(inner);
    } else open.at(-1)?.set((last = word), undefined);
  }
  return root;
}

import { isObject, type JsonObject } from './read.ts';

/** The fields of a Go struct by their names in lower case. */
export type GoFields = ReadonlyMap<string, string>;

/** Returns the fields of a Go struct that `spellingsOf` looks for. */
export function goFields(...names: readonly string[]): GoFields {
  return new Map(names.map((name) => [name.toLowerCase(), name]));
}

const NONE: ReadonlyMap<string, string> = new Map();

/**
 * Returns the keys of an object that mean a field but are spelled in another case, by field: `httproutes` for
 * `httpRoutes`. Go's encoding/json reads them too. Keys arrive sorted, and of several that mean one field the last
 * counts.
 */
export function spellingsOf(object: JsonObject, fields: GoFields): ReadonlyMap<string, string> {
  let spellings: Map<string, string> | undefined;
  for (const key of Object.keys(object)) {
    const field = fields.get(key.toLowerCase());
    if (field === undefined || field === key) continue;
    spellings ??= new Map();
    const other = spellings.get(field) ?? (Object.hasOwn(object, field) ? field : '');
    if (key > other) spellings.set(field, key);
  }
  return spellings ?? NONE;
}

/** Returns an object with its fields under the names that Go has for them: the object itself if it spells them so. */
export function asGoReads(object: JsonObject, fields: GoFields): JsonObject {
  const spellings = spellingsOf(object, fields);
  if (spellings.size === 0) return object;
  return { ...object, ...Object.fromEntries([...spellings].map(([field, key]) => [field, object[key]])) };
}

const SELECTOR_FIELDS = goFields('matchLabels', 'matchExpressions');
const EXPRESSION_FIELDS = goFields('key', 'operator', 'values');

/** Returns a label selector as `asGoReads` does, with its expressions. */
export function selectorAsGoReads(raw: JsonObject): JsonObject {
  const selector = asGoReads(raw, SELECTOR_FIELDS);
  const expressions = selector['matchExpressions'];
  if (!Array.isArray(expressions)) return selector;
  const read = expressions.map((entry: unknown) => (isObject(entry) ? asGoReads(entry, EXPRESSION_FIELDS) : entry));
  return read.every((entry, index) => entry === expressions[index])
    ? selector
    : { ...selector, matchExpressions: read };
}

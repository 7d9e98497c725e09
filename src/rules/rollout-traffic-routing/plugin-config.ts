import { CONFIG_FIELDS, ROUTE_FIELDS, ROUTE_FORMS } from '../../world/gateway-fields.ts';
import { spellingsOf, type GoFields } from '../../world/go-keys.ts';
import type { Path } from '../../world/path.ts';
import { asArray, isObject, type JsonObject } from '../../world/read.ts';

/** A value that the Gateway API plugin cannot decode, so that it fails whenever it should set a weight. */
export interface Undecodable {
  /** The path in the configuration. */
  readonly path: Path;
  readonly found: string;
  readonly wanted: string;
  /** Whether releases that do not know the field fail too. */
  readonly isCertain: boolean;
}

// What the first release reads. Later fields mean nothing to a release before them.
const FIELDS_OF_ALL = new Set(['httpRoute', 'tcpRoute', 'namespace']);
const LISTS: ReadonlySet<string> = new Set(ROUTE_FORMS.map(({ list }) => list));
const SELECTORS: ReadonlySet<string> = new Set(ROUTE_FORMS.map(({ selector }) => selector));
const SINGLES: ReadonlySet<string> = new Set(ROUTE_FORMS.map(({ single }) => single));
const ROUTES: ReadonlySet<string> = new Set([...LISTS, ...SELECTORS, ...SINGLES]);

const TEXT = { wanted: 'a string', fits: (value: unknown) => typeof value === 'string' };
const NAME = { ...TEXT, wanted: 'a name' };
const BOOLEAN = { wanted: 'true or false', fits: (value: unknown) => typeof value === 'boolean' };
const LIST = { wanted: 'a list of objects with a name', fits: Array.isArray };
const ROUTE = { wanted: 'an object with a name', fits: isObject };
const OBJECT = { wanted: 'an object', fits: isObject };

interface Wanted {
  readonly wanted: string;
  readonly fits: (value: unknown) => boolean;
}

interface Mistake {
  readonly path: Path;
  readonly found: string;
  readonly wanted: string;
}

/**
 * Returns the values of a configuration that the Gateway API plugin cannot decode, the first of each field. Source:
 * Gateway API plugin v0.15.0, `pkg/plugin/types.go` and `plugin.go` (`getGatewayAPITrafficRoutingConfig`).
 */
export function undecodable(config: unknown): readonly Undecodable[] {
  const whole = mistakeIn(config, [], OBJECT);
  if (whole !== undefined) return [{ ...whole, isCertain: true }];
  const fields = isObject(config) ? fieldsOf(config, CONFIG_FIELDS) : [];
  const mistakes = new Map(fields.map((field) => [field, mistakeOfField(field)]));
  // A release that ignores the field may find its routes in another one.
  const namesRoutes = fields.some((field) => mistakes.get(field) === undefined && isRoute(field));
  return [...mistakes].flatMap(([{ name }, mistake]) =>
    mistake === undefined ? [] : [{ ...mistake, isCertain: FIELDS_OF_ALL.has(name) || !namesRoutes }],
  );
}

/** Reports whether a configuration names no route, and every release of the plugin knows that. */
export function namesNoRoute(config: unknown): boolean {
  return (
    isObject(config) &&
    Object.keys(config).every((key) => CONFIG_FIELDS.has(key.toLowerCase()) || key === 'configMap') &&
    !fieldsOf(config, CONFIG_FIELDS).some(isRoute)
  );
}

interface Field {
  readonly name: string;
  readonly key: string;
  readonly value: unknown;
}

/** Returns the fields that are set, in the spelling that counts. null leaves a field of Go as it is. */
function fieldsOf(object: JsonObject, fields: GoFields): readonly Field[] {
  const spellings = spellingsOf(object, fields);
  return [...fields.values()].flatMap((name): Field[] => {
    const key = spellings.get(name) ?? name;
    const value = object[key];
    return value === undefined || value === null ? [] : [{ name, key, value }];
  });
}

function isRoute({ name, value }: Field): boolean {
  return ROUTES.has(name) && value !== '' && !(Array.isArray(value) && value.length === 0);
}

function mistakeOfField({ name, key, value }: Field): Mistake | undefined {
  if (LISTS.has(name)) return mistakeIn(value, [key], LIST) ?? mistakeOfEntries(asArray(value), key);
  if (SELECTORS.has(name)) return mistakeIn(value, [key], OBJECT);
  if (SINGLES.has(name)) return mistakeIn(value, [key], NAME);
  return mistakeIn(value, [key], name === 'disableInProgressLabel' ? BOOLEAN : TEXT);
}

function mistakeOfEntries(entries: readonly unknown[], list: string): Mistake | undefined {
  for (const [index, entry] of entries.entries()) {
    const mistake = mistakeIn(entry, [list, index], ROUTE);
    if (mistake !== undefined) return mistake;
    for (const { name, key, value } of isObject(entry) ? fieldsOf(entry, ROUTE_FIELDS) : []) {
      const within = mistakeIn(value, [list, index, key], name === 'name' ? NAME : BOOLEAN);
      if (within !== undefined) return within;
    }
  }
  return undefined;
}

function mistakeIn(value: unknown, path: Path, { wanted, fits }: Wanted): Mistake | undefined {
  return value === undefined || value === null || fits(value) ? undefined : { path, found: typeOf(value), wanted };
}

function typeOf(value: unknown): string {
  if (typeof value === 'string') return 'a string';
  if (Array.isArray(value)) return 'a list';
  return isObject(value) ? 'an object' : typeof value === 'boolean' ? 'a boolean' : 'a number';
}

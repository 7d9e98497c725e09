import { text, type Draw, type Fields, type Json } from './draw.ts';
import { MISTAKES, type Mistake } from './mistakes.ts';
import type { Bundle } from './rollouts.ts';

type Place = readonly (string | number)[];

/**
 * Returns a copy of a bundle with one mutation: a mistake that people make, a missing object, or a random change. The
 * copy may still be valid.
 */
export function mutated(bundle: Bundle, draw: Draw): Bundle {
  const copy = structuredClone(bundle);
  if (draw.maybe(0.55)) applyMistake(copy, draw);
  else if (draw.maybe(0.06)) objectGone(copy, draw);
  else anywhere(copy, draw);
  return copy;
}

const ATTEMPTS = 6;

// Tries several mistakes and makes the first one that fits.
function applyMistake(bundle: Bundle, draw: Draw): void {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const target = (draw.maybe(0.6) ? bundle[0] : bundle[draw.int(0, bundle.length - 1)]) as Fields;
    const fitting = MISTAKES.get(kindOf(target)) ?? [];
    const [first] = fitting;
    if (first !== undefined && make(target, draw.pick(...fitting), draw)) return;
  }
}

function kindOf({ apiVersion, kind }: Fields): string {
  if (text(kind) === 'VirtualService' && text(apiVersion).startsWith('appmesh')) return 'appmesh VirtualService';
  return text(kind).endsWith('AnalysisTemplate') ? 'template' : text(kind);
}

function make(target: Fields, { path, values }: Mistake, draw: Draw): boolean {
  let holder: Json = target;
  for (const part of path.slice(0, -1)) {
    const next = into(holder, part, draw);
    if (next === undefined) return false;
    holder = next;
  }
  const key = keyIn(holder, (path.at(-1) ?? '').replace('+', ''), draw);
  if (key === undefined) return false;
  put(holder, key, draw.pick(...values));
  return true;
}

// Enters a field, and creates it first if the mistake says so with "+" after the name.
function into(holder: Json, part: string, draw: Draw): Json | undefined {
  if (part.endsWith('+')) {
    const name = part.slice(0, -1);
    if (!isFields(holder)) return undefined;
    holder[name] ??= {};
    return holder[name];
  }
  const key = keyIn(holder, part, draw);
  const next = key === undefined ? undefined : (holder as Fields)[key];
  return typeof next === 'object' && next !== null ? next : undefined;
}

function keyIn(holder: Json, part: string, draw: Draw): string | undefined {
  if (typeof holder !== 'object' || holder === null) return undefined;
  if (part !== '*') return isFields(holder) ? part : undefined;
  const keys = Object.keys(holder);
  return keys.length === 0 ? undefined : keys[draw.int(0, keys.length - 1)];
}

function put(holder: Json, key: string, value: Json | undefined | ((old: Json | undefined) => Json | undefined)): void {
  const list = Array.isArray(holder);
  const map = holder as Fields;
  const next = typeof value === 'function' ? value(map[key]) : structuredClone(value);
  if (next !== undefined) map[key] = next;
  else if (list) holder.splice(Number(key), 1);
  else Reflect.deleteProperty(map, key);
}

function objectGone(bundle: Bundle, draw: Draw): void {
  if (bundle.length > 1) bundle.splice(draw.int(1, bundle.length - 1), 1);
}

// Kinds of which upstream validates every field. In objects of other kinds, only the listed mistakes are made.
const OPEN = new Set(['Rollout', 'AnalysisTemplate', 'ClusterAnalysisTemplate']);

function anywhere(bundle: Bundle, draw: Draw): void {
  const [rollout] = bundle;
  const open = bundle.filter(({ kind }) => OPEN.has(text(kind)));
  const target = rollout !== undefined && draw.maybe(0.7) ? rollout : (open[draw.int(0, open.length - 1)] as Fields);
  const places = placesIn(target['spec'] ?? {}, ['spec']);
  const [first] = places;
  if (first === undefined) return;
  const place = draw.pick(...places);
  const holder = place.slice(0, -1).reduce<Json>((value, part) => (value as Fields)[part] as Json, target);
  const key = String(place.at(-1));
  const old = (holder as Fields)[key] as Json;
  draw.pick(
    () => put(holder, key, undefined),
    () => rename(holder, key, draw),
    () => put(holder, key, retyped(old, draw)),
    () => duplicate(holder, key, draw),
    () => put(holder, key, boundary(old, draw)),
    () => putPlaceholder(holder, key, draw),
  )();
}

function placesIn(value: Json, path: Place): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...placesIn(inner, [...path, key])]);
}

function rename(holder: Json, key: string, draw: Draw): void {
  if (Array.isArray(holder)) return put(holder, key, undefined);
  const map = holder as Fields;
  const value = map[key] as Json;
  Reflect.deleteProperty(map, key);
  map[draw.pick(`${key}s`, key.toLowerCase(), key.slice(0, -1) || 'x')] = value;
}

function retyped(old: Json, draw: Draw): Json {
  if (typeof old === 'number') return draw.pick<Json>(String(old), true, null, [old], {});
  if (typeof old === 'boolean') return draw.pick<Json>(String(old), Number(old), null);
  if (typeof old === 'string') return draw.pick<Json>(1, true, null, [old], {}, 0);
  return draw.pick<Json>(null, 'text', 1, Array.isArray(old) ? {} : []);
}

function duplicate(holder: Json, key: string, draw: Draw): void {
  if (Array.isArray(holder)) holder.push(structuredClone(holder[Number(key)] as Json));
  else put(holder, key, draw.pick<Json>('', 'web'));
}

const TEXTS = ['', ' ', '-', 'Web', 'a.b', 'a_b', 'x'.repeat(64), '1', '{{args.service}}', '{{', '10%', '-1'];

function boundary(old: Json, draw: Draw): Json {
  if (typeof old === 'number') return draw.pick<Json>(0, -1, 1, 100, 101, 65536, 2147483647, 0.5);
  if (typeof old === 'string') return draw.pick<Json>(...TEXTS);
  if (typeof old === 'boolean') return !old;
  return Array.isArray(old) ? [] : {};
}

// Also in the place of a number, and as the name of a field. In a Rollout it is an ordinary text.
function putPlaceholder(holder: Json, key: string, draw: Draw): void {
  const old = (holder as Fields)[key] as Json;
  const placeholder = draw.pick(
    '{{args.service}}',
    '{{ args.threshold }}',
    '{{args.gone}}',
    '{{args.service',
    '{{inputs.service}}',
    '{{templates.one.podTemplateHash}}',
  );
  if (isFields(holder) && draw.maybe(0.1)) holder[placeholder] = old;
  else if (typeof old !== 'object') put(holder, key, typeof old === 'string' ? `${old}${placeholder}` : placeholder);
}

function isFields(value: Json): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

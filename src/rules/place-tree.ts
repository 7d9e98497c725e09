import type { KindId, KubeObject } from '../world/object.ts';
import { BY_FIELD_REF, FIELD_REF_PLACES, isValue, partsOf, type Place } from '../world/place.ts';
import { isObject } from '../world/read.ts';
import type { Rule } from './define.ts';

/** The rules that read a place: in the subject that they check, or in another object. */
export interface Readers {
  readonly subject: ReadonlySet<Rule>;
  readonly others: ReadonlySet<Rule>;
}

/** A place of a kind, and who reads it. */
export interface PlaceNode {
  readonly below: ReadonlyMap<string, PlaceNode>;
  /** Stands for every place below that no rule names. */
  readonly rest: PlaceNode;
  /** The rules that read this place, one above it or one below it. Undefined if there are none. */
  readonly readers: Readers | undefined;
  /** Those of them that may care which text or number is there. */
  readonly ofValue: Readers | undefined;
  /** Whether it is a list of which a rule that reads one field of the items sees only those that have it. */
  readonly byField: boolean;
}

/**
 * Lists with items of several sorts, told apart by the field that they have. A rule that declares such a field
 * (`spec.strategy.canary.steps[*].analysis`) looks at one sort, and items around it mean nothing to it. A rule to which
 * positions or the number of items mean something declares the list.
 */
const BY_FIELD: Readonly<Partial<Record<KindId, readonly Place[]>>> = {
  'Rollout.argoproj.io': ['spec.strategy.canary.steps'],
};

// A rule, as a reader of subjects or of other objects.
interface Reader {
  readonly rule: Rule;
  readonly of: 'subject' | 'others';
}

interface Draft {
  readonly below: Map<string, Draft>;
  readonly whole: Set<Reader>;
  readonly presence: Set<Reader>;
  byField: boolean;
}

/**
 * Returns the places that rules read in objects of a kind, as a tree.
 *
 * @param byFieldRef - Whether it is for Rollouts that read their own fields by `fieldRef`.
 */
export function placeTree(rules: readonly Rule[], kind: KindId, byFieldRef: boolean): PlaceNode {
  const root = draft();
  for (const rule of rules) {
    const { subject, reads } = rule.places;
    for (const [of, places = []] of [
      ['subject', subject[kind]],
      ['others', reads[kind]],
    ] as const) {
      const reader: Reader = { rule, of };
      for (const place of places.flatMap((each) =>
        each === BY_FIELD_REF ? (byFieldRef ? FIELD_REF_PLACES : []) : [each],
      ))
        add(root, place, reader);
    }
  }
  for (const place of BY_FIELD[kind] ?? []) nodeAt(root, partsOf(place).keys).byField = true;
  return nodeFrom(root, new Set(), new Map());
}

function draft(): Draft {
  return { below: new Map(), whole: new Set(), presence: new Set(), byField: false };
}

function add(root: Draft, place: string, reader: Reader): void {
  const { keys, presence } = partsOf(place);
  const node = nodeAt(root, keys);
  (presence ? node.presence : node.whole).add(reader);
}

function nodeAt(root: Draft, keys: readonly string[]): Draft {
  let node = root;
  for (const key of keys) {
    let next = node.below.get(key);
    if (next === undefined) node.below.set(key, (next = draft()));
    node = next;
  }
  return node;
}

// One object for each set of readers, so that sets are compared by identity.
type Known = Map<string, Readers>;

function nodeFrom({ below, whole, presence, byField }: Draft, above: ReadonlySet<Reader>, known: Known): PlaceNode {
  const reading = new Set([...above, ...whole]);
  const inside = [...below.values()].flatMap((node) => [...readersIn(node)]);
  const ofValue = [...reading].filter((reader) => !presence.has(reader) || whole.has(reader));
  return {
    below: new Map([...below].map(([key, node]) => [key, nodeFrom(node, reading, known)])),
    rest: restFrom(readersOf([...reading, ...presence], known)),
    readers: readersOf([...reading, ...presence, ...inside], known),
    ofValue: readersOf([...ofValue, ...inside], known),
    byField,
  };
}

function restFrom(readers: Readers | undefined): PlaceNode {
  const below = new Map<string, PlaceNode>();
  return {
    below,
    readers,
    ofValue: readers,
    byField: false,
    get rest() {
      return this;
    },
  };
}

function readersIn({ below, whole, presence }: Draft): Set<Reader> {
  return new Set([...whole, ...presence, ...[...below.values()].flatMap((node) => [...readersIn(node)])]);
}

function readersOf(readers: readonly Reader[], known: Known): Readers | undefined {
  if (readers.length === 0) return undefined;
  const all = new Set(readers);
  const id = [...all]
    .map(({ rule, of }) => `${rule.id} ${of}`)
    .sort()
    .join(',');
  let found = known.get(id);
  if (found === undefined) {
    const rulesOf = (of: Reader['of']): Set<Rule> =>
      new Set([...all].flatMap((reader) => (reader.of === of ? [reader.rule] : [])));
    known.set(id, (found = { subject: rulesOf('subject'), others: rulesOf('others') }));
  }
  return found;
}

// A Rollout of a few KiB has some hundred values, and the largest that etcd stores a hundred thousand or two.
const MOST_VALUES = 50_000;
// As for request bodies. Manifests have no limit, and recursion over them could overflow the stack.
const MOST_LEVELS = 200;

/**
 * Returns the sets of rules that can see a difference between two versions of an object: no set if no rule can see any.
 * In doubt a rule can. Undefined if the versions have too many values to compare.
 */
export function seenBy(tree: PlaceNode, before: KubeObject, after: KubeObject): readonly Readers[] | undefined {
  const walk: Walk = { seen: [], left: MOST_VALUES };
  compare(walk, tree, before, after, MOST_LEVELS);
  return walk.left < 0 ? undefined : walk.seen;
}

interface Walk {
  readonly seen: Readers[];
  /** How many more values may be compared. */
  left: number;
}

function compare(walk: Walk, node: PlaceNode, before: unknown, after: unknown, levels: number): void {
  const { readers } = node;
  if (before === after || readers === undefined || --walk.left < 0 || walk.seen.includes(readers)) return;
  if (levels === 0) see(walk, readers);
  else if (Array.isArray(before) && Array.isArray(after) && isOfItems(node))
    compareLists(walk, node, before, after, levels - 1);
  else if (isObject(before) && isObject(after) && !node.below.has('*'))
    compareFields(walk, node, before, after, levels - 1);
  else if (typeof before === typeof after && isValue(before) && isValue(after)) see(walk, node.ofValue);
  else see(walk, readers);
}

// Where rules expect a mapping, a list is a mistake that any of them may see.
function isOfItems({ below }: PlaceNode): boolean {
  return below.size === 0 || (below.size === 1 && below.has('*'));
}

function compareLists(
  walk: Walk,
  node: PlaceNode,
  before: readonly unknown[],
  after: readonly unknown[],
  levels: number,
): void {
  if (before.length === after.length) compareItems(walk, node, before, after, levels);
  else if (node.byField) compareByField(walk, node, before, after, levels);
  else see(walk, node.readers);
}

function compareItems(
  walk: Walk,
  node: PlaceNode,
  before: readonly unknown[],
  after: readonly unknown[],
  levels: number,
): void {
  const item = node.below.get('*') ?? node.rest;
  for (let index = 0; index < before.length; index++) compare(walk, item, before[index], after[index], levels);
}

// What is left without the items that no rule can tell apart, at both ends, came or went.
function compareByField(
  walk: Walk,
  node: PlaceNode,
  before: readonly unknown[],
  after: readonly unknown[],
  levels: number,
): void {
  const item = node.below.get('*') ?? node.rest;
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && isUnseen(walk, item, before[start], after[start], levels)) start++;
  let end = 0;
  while (end < shorter - start && isUnseen(walk, item, before.at(-1 - end), after.at(-1 - end), levels)) end++;
  for (const list of [before, after])
    for (const value of list.slice(start, list.length - end)) seeItem(walk, item, value);
}

function isUnseen(walk: Walk, node: PlaceNode, before: unknown, after: unknown, levels: number): boolean {
  const own: Walk = { seen: [], left: walk.left };
  compare(own, node, before, after, levels);
  walk.left = own.left;
  return own.seen.length === 0 && own.left >= 0;
}

function seeItem(walk: Walk, node: PlaceNode, item: unknown): void {
  if (!isObject(item)) {
    see(walk, node.readers);
    return;
  }
  see(walk, node.rest.readers);
  for (const key in item) see(walk, (node.below.get(key) ?? node.rest).readers);
}

function compareFields(
  walk: Walk,
  { below, rest }: PlaceNode,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  levels: number,
): void {
  for (const key in before) {
    const field = below.get(key) ?? rest;
    if (field.readers === undefined) continue;
    if (Object.hasOwn(after, key)) compare(walk, field, before[key], after[key], levels);
    else see(walk, field.readers);
  }
  for (const key in after) if (!Object.hasOwn(before, key)) see(walk, (below.get(key) ?? rest).readers);
}

function see({ seen }: Walk, readers: Readers | undefined): void {
  if (readers !== undefined && !seen.includes(readers)) seen.push(readers);
}

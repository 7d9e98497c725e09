import { kindOf, type KindId, type KubeObject } from '../world/object.ts';
import { isObject, type JsonObject } from '../world/read.ts';

// A place in an object; `*` stands for every item of a list.
type FieldPath = readonly string[];

/** What no rule looks at in objects of a kind. */
interface Unread {
  /** Places where anything may stand, or nothing. */
  readonly anything: readonly FieldPath[];
  /**
   * Places where it matters only that a value is there, and of what type: one text or number may take the place of
   * another.
   */
  readonly values: readonly FieldPath[];
}

const METADATA: Unread = {
  anything: [
    ['metadata', 'managedFields'],
    ['metadata', 'resourceVersion'],
    ['metadata', 'generation'],
  ],
  // Each `kubectl apply` writes it anew.
  values: [['metadata', 'annotations', 'kubectl.kubernetes.io/last-applied-configuration']],
};

const CONTAINER_LISTS = ['containers', 'initContainers'].map((list) => ['spec', 'template', 'spec', list, '*']);
const POD_TEMPLATE: Unread = {
  anything: [],
  values: CONTAINER_LISTS.flatMap((container) => [
    [...container, 'image'],
    [...container, 'args', '*'],
    [...container, 'command', '*'],
    [...container, 'env', '*', 'value'],
  ]),
};

// That a route has a time-out tells it from one the controller wrote; how long it is means nothing.
const VIRTUAL_SERVICE: Unread = { anything: [], values: [['spec', 'http', '*', 'timeout']] };

const SERVICE: Unread = {
  anything: [
    'sessionAffinity',
    'sessionAffinityConfig',
    'externalTrafficPolicy',
    'internalTrafficPolicy',
    'loadBalancerSourceRanges',
    'ipFamilies',
    'ipFamilyPolicy',
  ].map((field) => ['spec', field]),
  values: [],
};

const OF_KIND: Partial<Record<KindId, Unread>> = {
  'Rollout.argoproj.io': POD_TEMPLATE,
  'Deployment.apps': POD_TEMPLATE,
  'VirtualService.networking.istio.io': VIRTUAL_SERVICE,
  Service: SERVICE,
};

/** In: a kind. Out: the places in its objects that no rule looks at, for the test which proves it. */
export function unreadPlaces(kind: KindId): Unread {
  const { anything, values } = OF_KIND[kind] ?? { anything: [], values: [] };
  return { anything: [...METADATA.anything, ...anything], values: [...METADATA.values, ...values] };
}

/** The places of a kind as a tree, so that two objects can be compared along it. */
interface Node {
  readonly below: Map<string, Node>;
  ends: 'anything' | 'value' | undefined;
}

const trees = new Map<KindId, Node>();

function treeOf(kind: KindId): Node {
  let tree = trees.get(kind);
  if (tree === undefined) {
    const { anything, values } = unreadPlaces(kind);
    tree = { below: new Map(), ends: undefined };
    for (const place of anything) leafAt(tree, place).ends = 'anything';
    for (const place of values) leafAt(tree, place).ends = 'value';
    trees.set(kind, tree);
  }
  return tree;
}

function leafAt(tree: Node, place: FieldPath): Node {
  return place.reduce((node, key) => {
    const below = node.below.get(key) ?? { below: new Map<string, Node>(), ends: undefined };
    node.below.set(key, below);
    return below;
  }, tree);
}

/**
 * In: an object before and after a change. Out: whether the change is one that no rule can see: a new image, another
 * time-out. What a rule finds in any subject depends on nothing else that differs between the two worlds, so such a
 * change introduces nothing. In doubt the answer is no.
 */
export function isUnseen(before: KubeObject, after: KubeObject): boolean {
  const kind = kindOf(after);
  return (
    kind !== undefined &&
    kindOf(before) === kind &&
    before.apiVersion === after.apiVersion &&
    looksSame(before, after, treeOf(kind))
  );
}

function looksSame(before: unknown, after: unknown, node: Node | undefined): boolean {
  if (before === after || node?.ends === 'anything') return true;
  if (node?.ends === 'value') return isValue(before) && isValue(after) && typeof before === typeof after;
  if (Array.isArray(before)) return Array.isArray(after) && sameItems(before, after, node?.below.get('*'));
  return isObject(before) && isObject(after) && sameFields(before, after, node);
}

function sameItems(before: readonly unknown[], after: readonly unknown[], node: Node | undefined): boolean {
  return before.length === after.length && before.every((item, index) => looksSame(item, after[index], node));
}

function sameFields(before: JsonObject, after: JsonObject, node: Node | undefined): boolean {
  const mayComeOrGo = (key: string): boolean => node?.below.get(key)?.ends === 'anything';
  const sameThere = (key: string): boolean =>
    Object.hasOwn(after, key) ? looksSame(before[key], after[key], node?.below.get(key)) : mayComeOrGo(key);
  return (
    Object.keys(before).every(sameThere) &&
    Object.keys(after).every((key) => Object.hasOwn(before, key) || mayComeOrGo(key))
  );
}

function isValue(value: unknown): boolean {
  return (typeof value === 'string' && value.trim() !== '') || typeof value === 'number';
}

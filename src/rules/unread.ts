import { visitAnalyses } from '../world/collect-analyses.ts';
import { kindOf, type KindId, type KubeObject } from '../world/object.ts';
import { asArray, asString, dig, isObject, type JsonObject } from '../world/read.ts';

// A path in an object; `*` matches every item of a list.
type FieldPath = readonly string[];

/** The fields that no rule reads in objects of a kind. */
interface Unread {
  /** Paths that may have any value, or none. */
  readonly anything: readonly FieldPath[];
  /**
   * Paths where only the presence and the type of a value matter, so one text or number may replace another.
   */
  readonly values: readonly FieldPath[];
}

const METADATA: Unread = {
  anything: [
    ['metadata', 'managedFields'],
    ['metadata', 'resourceVersion'],
    ['metadata', 'generation'],
  ],
  // Each `kubectl apply` rewrites it.
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

// The presence of a timeout tells a route apart from those of the controller; its length does not matter.
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

/** Returns the paths that no rule reads in objects of a kind. Exported for the test that proves it. */
export function unreadPlaces(kind: KindId): Unread {
  const { anything, values } = OF_KIND[kind] ?? { anything: [], values: [] };
  return { anything: [...METADATA.anything, ...anything], values: [...METADATA.values, ...values] };
}

/** The paths of a kind as a tree, along which two objects are compared. */
interface Node {
  readonly below: Map<string, Node>;
  ends: 'anything' | 'value' | undefined;
}

const trees = new Map<KindId, Node>();

function treeOf(kind: KindId): Node {
  let tree = trees.get(kind);
  if (tree === undefined) trees.set(kind, (tree = treeFrom(unreadPlaces(kind))));
  return tree;
}

function treeFrom({ anything, values }: Unread): Node {
  const tree: Node = { below: new Map(), ends: undefined };
  for (const place of anything) leafAt(tree, place).ends = 'anything';
  for (const place of values) leafAt(tree, place).ends = 'value';
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
 * Returns whether no rule can see a change, such as a new image or another timeout. Such a change introduces nothing,
 * because no finding depends on the fields that differ. In doubt, returns false.
 */
export function isUnseen(before: KubeObject, after: KubeObject): boolean {
  const kind = kindOf(after);
  return (
    kind !== undefined &&
    kindOf(before) === kind &&
    before.apiVersion === after.apiVersion &&
    looksSame(before, after, treeOf(kind)) &&
    (!readsItself(after) || looksSame(before, after, WITHOUT_VALUES))
  );
}

// The fields of a Rollout that an argument of an analysis can read and that no list here has.
const HARMLESS = /^metadata\.(?:name$|namespace$|labels)/;

const WITHOUT_VALUES = treeFrom({ anything: METADATA.anything, values: [] });

// An argument with a fieldRef has the value of any field, so any value may matter to the rules about analyses.
function readsItself(rollout: KubeObject): boolean {
  let reads = false;
  visitAnalyses(rollout, (analysis) => {
    for (const arg of asArray(analysis['args'])) {
      const path = asString(dig(arg, 'valueFrom', 'fieldRef', 'fieldPath'));
      reads ||= path !== '' && !HARMLESS.test(path);
    }
  });
  return reads;
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

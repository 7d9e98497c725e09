import { getOrAdd } from '../world/get-or-add.ts';
import { same, type Reordered } from '../world/json-patch.ts';
import { memo } from '../world/memo.ts';
import type { KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { asArray, asString, dig } from '../world/read.ts';
import { Counterparts } from './shares.ts';

/** A rule of an Ingress with a list of paths. */
interface Rule {
  readonly list: Path;
  readonly host: string;
  readonly paths: readonly unknown[];
  /** The indexes of the paths, by name of the Service. */
  readonly byService: ReadonlyMap<string, readonly number[]>;
}

/** What is restored in the rules of an Ingress. */
export interface PreservedPaths {
  readonly reordered: readonly Reordered[];
  /** Whether the result depends on the order of paths that other Rollouts put in. */
  readonly readsOrder: boolean;
}

interface Index {
  readonly rules: readonly Rule[];
  /** The rules that have a path to a Service, by its name. */
  readonly byService: ReadonlyMap<string, readonly Rule[]>;
}

// Once for all Rollouts of an Ingress.
const indexOf = memo((ingress: KubeObject): Index => {
  const rules = asArray(dig(ingress, 'spec', 'rules')).flatMap((rule, index): Rule[] => {
    const paths = dig(rule, 'http', 'paths');
    if (!Array.isArray(paths)) return [];
    const positions = new Map<string, number[]>();
    for (const [position, path] of asArray(paths).entries())
      getOrAdd(positions, serviceOf(path), () => []).push(position);
    const list = ['spec', 'rules', index, 'http', 'paths'];
    return [{ list, host: asString(dig(rule, 'host')), paths, byService: positions }];
  });
  const byService = new Map<string, Rule[]>();
  for (const rule of rules)
    for (const service of rule.byService.keys()) getOrAdd(byService, service, () => []).push(rule);
  return { rules, byService };
});

function serviceOf(path: unknown): string {
  return asString(dig(path, 'backend', 'service', 'name'));
}

/** Reports whether a rule of an Ingress has a path with a Service. */
export function hasPathTo(ingress: KubeObject, service: string): boolean {
  return indexOf(ingress).byService.has(service);
}

/**
 * Restores the stored paths of header routes, in their order and before all others, in the rules of the same hosts. The
 * controller puts them into every rule. So a rule of a new host gets them if every stored rule has one, unless that would
 * copy more paths than any load balancer takes.
 *
 * @param names - The names of the header routes of the Rollout.
 * @param managed - The names of the header routes of all Rollouts. Their paths may come before these.
 */
export function keepPaths(
  submitted: KubeObject,
  old: KubeObject,
  names: readonly string[],
  managed: ReadonlySet<string>,
): PreservedPaths {
  const { rules, byService } = indexOf(old);
  const having = [...new Set(names.flatMap((name) => byService.get(name) ?? []))];
  const { counterparts, added } = getOrAdd(pairings(submitted), old, () => pair(submitted, old));
  const pairs = having.flatMap((stored) => (counterparts.get(stored) ?? []).map((rule) => ({ rule, stored })));
  const [first] = having;
  if (first !== undefined && having.length === rules.length)
    for (const rule of added) pairs.push({ rule, stored: first });
  const reordered: Reordered[] = [];
  let readsOrder = false;
  for (const { rule, stored } of pairs) {
    const wanted = pathsTo(stored, names);
    const restored = wanted.map((index) => stored.paths[index]);
    const removed = pathsTo(rule, names);
    const isThere = same(
      removed.map((index) => rule.paths[index]),
      restored,
    );
    if (isThere && (removed.at(-1) ?? 0) < firstOther(rule, managed)) continue;
    if (isThere && same(removed, wanted)) readsOrder = true;
    else reordered.push({ list: rule.list, removed, first: restored });
  }
  return { reordered, readsOrder };
}

interface Pairing {
  /** The submitted rules of the same host, by stored rule. */
  readonly counterparts: ReadonlyMap<Rule, readonly Rule[]>;
  /** The submitted rules of new hosts. */
  readonly added: readonly Rule[];
}

const pairings = memo((_submitted: KubeObject) => new WeakMap<KubeObject, Pairing>());

// How many paths may be put into more rules than have them. A load balancer takes a hundred or two.
const MOST_COPIES = 2_000;

function pair(submitted: KubeObject, old: KubeObject): Pairing {
  const stored = indexOf(old).rules;
  const byHost = new Counterparts<Rule>();
  for (const rule of stored) byHost.add(rule.host, rule);
  const counterparts = new Map<Rule, Rule[]>();
  const added: Rule[] = [];
  const longest = stored.reduce((most, { paths }) => Math.max(most, paths.length), 0);
  let copies = 0;
  for (const rule of indexOf(submitted).rules) {
    const counterpart = byHost.next(rule.host);
    const known = counterpart === undefined ? added : getOrAdd(counterparts, counterpart, () => []);
    if (counterpart === undefined || known.length > 0) copies += counterpart?.paths.length ?? longest;
    known.push(rule);
  }
  if (copies <= MOST_COPIES) return { counterparts, added };
  return { counterparts: new Map([...counterparts].map(([rule, rules]) => [rule, rules.slice(0, 1)])), added: [] };
}

function pathsTo({ byService }: Rule, names: readonly string[]): readonly number[] {
  return names.flatMap((name) => byService.get(name) ?? []).sort((a, b) => a - b);
}

/** Returns the index of the first path of a rule that is none of a header route. */
function firstOther(rule: Rule, managed: ReadonlySet<string>): number {
  return getOrAdd(firstOthers(rule), managed, () => {
    const index = rule.paths.findIndex((path) => !managed.has(serviceOf(path)));
    return index < 0 ? rule.paths.length : index;
  });
}

const firstOthers = memo((_rule: Rule) => new WeakMap<ReadonlySet<string>, number>());

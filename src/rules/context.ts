import { CONTROLLER_CONFIGURATION, selectorKey } from '../world/references.ts';
import { getOrAdd } from '../world/get-or-add.ts';
import {
  keyFor,
  keyOf,
  KINDS,
  listIn,
  listKey,
  type KindId,
  type KubeObject,
  type ObjectKey,
} from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { versionsMatching, type OfVersions, type RolloutsVersions } from '../world/rollouts-versions.ts';
import { ofKind, type Lookup, type World } from '../world/world.ts';
import type { Budget } from './budget.ts';
import type { Finding, ObjectPath, Skipped } from './finding.ts';
import type { Message } from './message.ts';

type Placeholders<S extends string> = S extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;

/** The data that a report must supply for a message: a value for each placeholder. */
export type DataOf<M extends Message> = Record<Placeholders<M['text']> | Placeholders<M['fix']>, string | number>;

/** The location and the data of a report. */
export interface Location<Data> {
  /** The object that contains the mistake; the subject by default. */
  readonly object?: KubeObject;
  readonly path: Path;
  /** The name that the finding is about, or the field if nothing there has a name. Never an index. */
  readonly anchor: string;
  readonly data: Data;
  /** The other places that are part of the contradiction. If the admitted object is among them, it is shown there. */
  readonly related?: readonly ObjectPath[];
  /**
   * The releases of Argo Rollouts of which the message is true; all by default. A world that is judged for none of them
   * has no such finding. One that is judged for some of them has advice that names them, whatever the class.
   */
  readonly versions?: OfVersions | undefined;
  /**
   * The namespaces in which one more object could show that the message is wrong, for messages with `refutedBy`. Left
   * out, all lists that the rule has seen count.
   */
  readonly refutedIn?: readonly string[];
}

/** The context in which a rule checks a subject: lookups in one world, and a way to report. */
export interface RuleContext<M extends Record<string, Message>> {
  /**
   * Returns the object, or undefined if it does not exist or is unknown. If it is unknown, the rule is reported as
   * skipped.
   */
  readonly find: (kind: KindId, namespace: string, name: string) => KubeObject | undefined;
  /** Looks up an object with all three answers: present, absent or unknown. Never reports the rule as skipped. */
  lookup(kind: KindId, namespace: string, name: string): Lookup;
  /**
   * Returns all objects of a kind in a namespace. If they are unknown, returns none and reports the rule as skipped.
   */
  list(kind: KindId, namespace: string): readonly KubeObject[];
  /**
   * Returns the objects of kind `from` that refer to the object of the given kind, namespace and name. In one world it is
   * the same list for every subject.
   */
  readonly referrers: (from: KindId, kind: KindId, namespace: string, name: string) => readonly KubeObject[];
  /** Returns the workloads of a kind whose selector has exactly these `matchLabels`. */
  samePods(kind: KindId, namespace: string, matchLabels: ReadonlyMap<string, string>): readonly KubeObject[];
  /** The releases of Argo Rollouts that the world is judged for. */
  readonly versions: RolloutsVersions;
  /** Returns the known ConfigMaps that configure Argo Rollouts controllers, from all namespaces. */
  controllerConfigurations(): readonly KubeObject[];
  /**
   * Returns what `derive` makes of a part of the world: once for all subjects that are checked in it. What it looks up
   * and skips counts for each of them.
   *
   * @param key - Names what is derived.
   * @param part - What it is derived for.
   */
  readonly perWorld: <V>(key: symbol, part: unknown, derive: () => V) => V;
  /**
   * Counts work that no lookup shows: what is done for each pair of things, both of which a user can make large. A lookup
   * or a report is one operation, about a microsecond. To be called before the work.
   */
  readonly spend: (operations: number) => void;
  /** Reports that the rule cannot check the subject, and why. */
  readonly skip: (reason: string) => void;
  /** Reports a finding. */
  report<Id extends keyof M & string>(messageId: Id, location: Location<DataOf<M[Id]>>): void;
}

/** The input and the results of a run of rules. */
export interface Run {
  readonly world: World;
  readonly budget: Budget;
  readonly findings: Finding[];
  readonly skipped: Skipped[];
  readonly lookedUp: Set<ObjectKey>;
  readonly kindsRead: Set<KindId>;
  /** Made by the first check. */
  context?: Context<Record<string, Message>>;
}

// What rules derived once for all subjects, and on what it depends.
interface Derived {
  readonly value: unknown;
  readonly dependsOn: readonly ReadonlySet<ObjectKey>[];
  readonly listed: ReadonlySet<ObjectKey>;
  readonly reasons: ReadonlySet<string>;
}

// By the run in which rules did.
const derivedIn = new WeakMap<Run, Map<symbol, Map<unknown, Derived>>>();

// No field is as deep, but in a plugin there is no limit, and each finding has its own path.
const KEYS_OF_OPERATION = 20;

// Shared, because there may be a hundred thousand findings.
const NO_KINDS: readonly KindId[] = [];
const NO_LISTS: readonly ObjectKey[] = [];
const NOTHING_RELATED: readonly ObjectPath[] = [];

/**
 * The context of the checks of a run, one after the other. There are many, and most of them look up little and report
 * nothing. So there is one object for all, and the fields that only a report needs are created by the first report.
 */
export class Context<M extends Record<string, Message>> implements RuleContext<M> {
  #rule = '';
  #messages: M | undefined;
  readonly #run: Run;
  #subject: KubeObject | undefined;
  #looked: ObjectKey[] = [];
  #shared: ReadonlySet<ObjectKey>[] | undefined;
  #dependencies: { readonly own: Set<ObjectKey>; readonly all: ReadonlySet<ObjectKey>[] } | undefined;
  #reasons: Set<string> | undefined;
  #deriving: { readonly listed: Set<ObjectKey>; readonly reasons: Set<string> } | undefined;
  /** The lists that it has seen, if a message can depend on what is not in them. */
  #listed: Set<ObjectKey> | undefined;

  get versions(): RolloutsVersions {
    return this.#run.world.versions;
  }

  /** Makes the context of a run. */
  constructor(run: Run) {
    this.#run = run;
  }

  /**
   * Begins the check of a subject, and forgets the one before.
   *
   * @param refutable - Whether a message has `refutedBy`.
   */
  begin(rule: string, messages: M, subject: KubeObject, refutable: boolean): void {
    this.#rule = rule;
    this.#messages = messages;
    this.#subject = subject;
    this.#looked.length = 0;
    this.#shared = undefined;
    this.#dependencies = undefined;
    this.#reasons = undefined;
    this.#listed = refutable ? new Set() : undefined;
  }

  get #checked(): KubeObject {
    if (this.#subject === undefined) throw new Error('no check has begun');
    return this.#subject;
  }

  readonly find = (kind: KindId, namespace: string, name: string): KubeObject | undefined => {
    const found = this.lookup(kind, namespace, name);
    if (found.state === 'present') return found.object;
    if (found.state === 'unknown')
      this.skip(
        `${KINDS[kind].kind} ${namespace !== '' && KINDS[kind].namespaced ? `${namespace}/` : ''}${name}: ${found.reason}`,
      );
    return undefined;
  };

  readonly spend = (operations: number): void => {
    this.#run.budget.spend(operations);
  };

  readonly skip = (reason: string): void => {
    this.#deriving?.reasons.add(reason);
    this.#reasons ??= new Set();
    if (this.#reasons.has(reason)) return;
    this.#reasons.add(reason);
    this.#run.skipped.push({ rule: this.#rule, subject: this.#checked, reason });
  };

  readonly perWorld = <V>(key: symbol, part: unknown, derive: () => V): V => {
    const run = getOrAdd(derivedIn, this.#run, () => new Map<symbol, Map<unknown, Derived>>());
    const ofKey = getOrAdd(run, key, () => new Map<unknown, Derived>());
    const derived = ofKey.get(part) ?? this.#derive(derive);
    ofKey.set(part, derived);
    for (const reason of derived.reasons) this.skip(reason);
    for (const list of derived.listed) this.#sawList(list);
    for (const keys of derived.dependsOn) {
      if (keys.size === 0) continue;
      (this.#shared ??= []).push(keys);
      this.#dependencies?.all.push(keys);
    }
    return derived.value as V;
  };

  readonly referrers = (from: KindId, kind: KindId, namespace: string, name: string): readonly KubeObject[] => {
    // Only a cluster-scoped object refers to a namespaced one without its namespace.
    if (namespace !== '' || !KINDS[from].namespaced || !KINDS[kind].namespaced) this.#saw(from, namespace);
    return this.#ofKind(from, this.#run.world.referrers(keyFor(kind, namespace, name)));
  };

  lookup(kind: KindId, namespace: string, name: string): Lookup {
    this.#run.budget.spend(1);
    this.#run.kindsRead.add(kind);
    const found = this.#run.world.get(kind, namespace, name);
    if (found.state === 'present') this.#run.budget.look(found.object);
    // A finding never depends on an unknown object, and reading it again would fail again.
    if (found.state !== 'unknown') {
      const key = found.state === 'present' ? keyOf(found.object) : keyFor(kind, namespace, name);
      this.#run.lookedUp.add(key);
      this.#looked.push(key);
      this.#dependencies?.own.add(key);
    }
    return found;
  }

  list(kind: KindId, namespace: string): readonly KubeObject[] {
    this.#run.kindsRead.add(kind);
    const listing = this.#run.world.list(kind, namespace);
    this.#run.budget.spend(1 + (listing.state === 'known' ? listing.objects.length : 0));
    if (listing.state === 'known') {
      this.#saw(kind, namespace);
      return listing.objects;
    }
    this.skip(`${KINDS[kind].plural}: ${listing.reason}`);
    return [];
  }

  samePods(kind: KindId, namespace: string, matchLabels: ReadonlyMap<string, string>): readonly KubeObject[] {
    this.#saw(kind, namespace);
    return this.#ofKind(kind, this.#run.world.referrers(selectorKey(namespace, matchLabels)));
  }

  controllerConfigurations(): readonly KubeObject[] {
    this.#saw('ConfigMap', '');
    return this.#ofKind('ConfigMap', this.#run.world.referrers(CONTROLLER_CONFIGURATION));
  }

  report<Id extends keyof M & string>(messageId: Id, location: Location<DataOf<M[Id]>>): void {
    const message = this.#messages?.[messageId];
    if (message === undefined) throw new Error(`rule ${this.#rule} has no message ${messageId}`);
    this.#run.budget.spend(1 + Math.floor(location.path.length / KEYS_OF_OPERATION));
    const { versions } = location;
    const matching = versionsMatching(this.versions, versions);
    if (matching === 'none') return;
    this.#dependencies ??= this.#dependenciesNow();
    // What was found by its references was not looked up by its name.
    const { related = NOTHING_RELATED } = location;
    for (const { object } of related) {
      const key = keyOf(object);
      this.#run.lookedUp.add(key);
      this.#dependencies.own.add(key);
    }
    const absentFrom = this.#listsOf(message.refutedBy ?? NO_KINDS, location.refutedIn);
    for (const list of absentFrom) this.#run.lookedUp.add(list);
    const finding: Finding = {
      rule: this.#rule,
      messageId,
      class: matching === 'all' ? message.class : 'advice',
      versions: matching === 'all' ? undefined : versions,
      subject: this.#checked,
      object: location.object ?? this.#checked,
      path: location.path,
      related,
      anchor: location.anchor,
      message,
      data: location.data,
      dependsOn: this.#dependencies.all,
    };
    this.#run.findings.push(absentFrom.length === 0 ? finding : { ...finding, absentFrom });
  }

  #saw(kind: KindId, namespace: string): void {
    // What is derived here may be used by a rule that has such messages.
    if (this.#listed !== undefined || this.#deriving !== undefined) this.#sawList(listKey(kind, namespace));
  }

  #sawList(list: ObjectKey): void {
    this.#listed?.add(list);
    this.#deriving?.listed.add(list);
  }

  #listsOf(kinds: readonly KindId[], namespaces: readonly string[] | undefined): readonly ObjectKey[] {
    if (kinds.length === 0) return NO_LISTS;
    return [...(this.#listed ?? [])].filter((list) => {
      const listed = listIn(list);
      if (listed === undefined || !kinds.includes(listed.kind)) return false;
      return namespaces === undefined || listed.namespace === '' || namespaces.includes(listed.namespace);
    });
  }

  #dependenciesNow(): { readonly own: Set<ObjectKey>; readonly all: ReadonlySet<ObjectKey>[] } {
    const own = new Set(this.#looked);
    return { own, all: [own, ...(this.#shared ?? [])] };
  }

  #derive(derive: () => unknown): Derived {
    const outer = { looked: this.#looked, shared: this.#shared, deriving: this.#deriving };
    const deriving = { listed: new Set<ObjectKey>(), reasons: new Set<string>() };
    this.#looked = [];
    this.#shared = undefined;
    this.#deriving = deriving;
    try {
      const value = derive();
      return { value, dependsOn: this.#dependenciesNow().all, ...deriving };
    } finally {
      this.#looked = outer.looked;
      this.#shared = outer.shared;
      this.#deriving = outer.deriving;
    }
  }

  #ofKind(kind: KindId, objects: readonly KubeObject[]): readonly KubeObject[] {
    this.#run.budget.spend(1);
    this.#run.kindsRead.add(kind);
    return ofKind(objects, kind);
  }
}

import { CONTROLLER_CONFIGURATION, selectorKey } from '../world/references.ts';
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
import type { Places } from '../world/place.ts';
import { versionsMatching, type OfVersions, type RolloutsVersions } from '../world/rollouts-versions.ts';
import { ofKind, type Lookup, type World } from '../world/world.ts';
import type { Budget } from './budget.ts';
import type { Finding, ObjectPath, Skipped } from './finding.ts';
import type { Message } from './message.ts';

export type { Message } from './message.ts';

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
  /** Reports that the rule cannot check the subject, and why. */
  readonly skip: (reason: string) => void;
  /** Reports a finding. */
  report<Id extends keyof M & string>(messageId: Id, location: Location<DataOf<M[Id]>>): void;
}

/** Why a message is right to deny what Argo Rollouts accepts, and which tests see that it accepts it. */
export interface StricterThanUpstream {
  /** What happens if it is admitted: printed on the rule's page and in docs/agreement.md. */
  readonly why: string;
  /**
   * `agreement`: the generated bundles of the agreement run make the mistake, and upstream's validation accepts it.
   * `e2e`: the real controller runs a fixture of the rule. Neither: only the fixtures show the mistake.
   */
  readonly seenBy: readonly ('agreement' | 'e2e')[];
  /**
   * What upstream says where it refuses a bundle for the same reason all the same. Any other refusal is a mistake that
   * Rollgate must find itself.
   */
  readonly refusal?: RegExp;
}

/** The set-up of a rule between objects that docs/messages.md shows. */
export interface Example {
  /** The name of a fixture. */
  readonly fixture: `bad-${string}.yaml`;
  /** The object that the other one refers to, as `Kind name`. */
  readonly referenced?: string;
  /** What is wrong in the YAML of the referenced object, and what was there before it went wrong. */
  readonly before?: readonly (readonly [wrong: string | RegExp, right: string])[];
}

/** The definition of a rule. */
export interface RuleDefinition<M extends Record<string, Message>> {
  /** Permanent, kebab-case; never reused once retired. */
  readonly id: string;
  /** One sentence for the table of rules. */
  readonly summary: string;
  /**
   * A paragraph for the page of the rule: what happens without it, and the upstream source (project, version, package).
   */
  readonly explanation: string;
  /**
   * The kinds that the rule checks, and the places that it reads in the object that it checks. The engine itself reads
   * `metadata.deletionTimestamp` of that object.
   */
  readonly subject: Places;
  /** Whether only lint and the dry run use the rule, because its advice is about manifests, not requests. */
  readonly lintOnly?: boolean;
  /**
   * The kinds of which the rule looks up other objects, and the places that it reads there. It has a kind of `subject`
   * too, if the rule compares objects of one kind. No place is needed for the existence of an object, nor for its
   * apiVersion, kind, namespace and name. Tests check that `subject` and `reads` are exact.
   */
  readonly reads: Places;
  /**
   * The messages that deny what Argo Rollouts accepts, and why. The agreement run and the end-to-end tests hold every
   * other message of class `invalid` to upstream's own verdict.
   */
  readonly stricterThanUpstream?: { readonly [Id in keyof NoInfer<M>]?: StricterThanUpstream };
  /**
   * When Argo Rollouts rejects what the rule denies, if it does so only after it has started the Rollout. Ends the
   * sentence "Argo Rollouts rejects this later, ...".
   */
  readonly upstreamRefusesLater?: string;
  /** Left out, the first fixture that two objects make stands for the rule, and docs/messages.md does not name it. */
  readonly example?: Example;
  readonly messages: M;
  /** Checks one subject and reports findings. Pure: no I/O, no clock, no state between calls, no change of the subject. */
  check(context: RuleContext<M>, subject: KubeObject): void;
}

/** The input and the results of a run of rules. */
export interface Run {
  readonly world: World;
  readonly budget: Budget;
  readonly findings: Finding[];
  readonly skipped: Skipped[];
  readonly lookedUp: Set<ObjectKey>;
  readonly kindsRead: Set<KindId>;
}

/** A rule that is ready to run. */
export interface Rule {
  readonly id: string;
  readonly summary: string;
  readonly explanation: string;
  readonly lintOnly: boolean;
  /** The kinds that the rule checks. */
  readonly subject: readonly KindId[];
  /** The kinds of which it looks up other objects. */
  readonly reads: readonly KindId[];
  /** The places that it reads, in the object that it checks (`subject`) and in others (`reads`). */
  readonly places: { readonly subject: Places; readonly reads: Places };
  readonly stricterThanUpstream: Readonly<Record<string, StricterThanUpstream>>;
  readonly upstreamRefusesLater: string | undefined;
  readonly example: Example | undefined;
  readonly messages: Readonly<Record<string, Message>>;
  /**
   * Checks a subject of one of the kinds of the rule, and adds findings and skips to the run.
   *
   * @throws what the check of the rule throws
   * @throws BudgetSpentError - If the check costs too much. What it has added to the run so far is to be ignored.
   */
  run(run: Run, subject: KubeObject): void;
}

/** Makes a rule from its definition. The compiler checks message ids and their data. */
export function defineRule<const M extends Record<string, Message>>(definition: RuleDefinition<M>): Rule {
  const { id, messages } = definition;
  const refutable = Object.values<Message>(messages).some(({ refutedBy }) => refutedBy !== undefined);
  return {
    id,
    summary: definition.summary,
    explanation: definition.explanation,
    lintOnly: definition.lintOnly ?? false,
    subject: Object.keys(definition.subject) as KindId[],
    reads: Object.keys(definition.reads) as KindId[],
    places: { subject: definition.subject, reads: definition.reads },
    stricterThanUpstream: { ...definition.stricterThanUpstream } as Readonly<Record<string, StricterThanUpstream>>,
    upstreamRefusesLater: definition.upstreamRefusesLater,
    example: definition.example,
    messages,
    run(run, subject) {
      definition.check(new Context<M>(id, messages, run, subject, refutable), subject);
    },
  };
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

// There is one context for each rule and subject, and most of them look up little and report nothing. So the fields that
// only a report needs are created by the first report.
class Context<M extends Record<string, Message>> implements RuleContext<M> {
  readonly #rule: string;
  readonly #messages: M;
  readonly #run: Run;
  readonly #subject: KubeObject;
  #looked: ObjectKey[] = [];
  #shared: ReadonlySet<ObjectKey>[] | undefined;
  #rests: { readonly own: Set<ObjectKey>; readonly all: ReadonlySet<ObjectKey>[] } | undefined;
  #reasons: Set<string> | undefined;
  #deriving: { readonly listed: Set<ObjectKey>; readonly reasons: Set<string> } | undefined;
  /** The lists that it has seen, if a message can rest on what is not in them. */
  readonly #listed: Set<ObjectKey> | undefined;

  get versions(): RolloutsVersions {
    return this.#run.world.versions;
  }

  /** @param refutable - Whether a message has `refutedBy`. */
  constructor(rule: string, messages: M, run: Run, subject: KubeObject, refutable: boolean) {
    this.#rule = rule;
    this.#messages = messages;
    this.#run = run;
    this.#subject = subject;
    this.#listed = refutable ? new Set() : undefined;
  }

  readonly find = (kind: KindId, namespace: string, name: string): KubeObject | undefined => {
    const found = this.lookup(kind, namespace, name);
    if (found.state === 'present') return found.object;
    if (found.state === 'unknown')
      this.skip(`${KINDS[kind].kind} ${namespace === '' ? '' : `${namespace}/`}${name}: ${found.reason}`);
    return undefined;
  };

  readonly skip = (reason: string): void => {
    this.#deriving?.reasons.add(reason);
    this.#reasons ??= new Set();
    if (this.#reasons.has(reason)) return;
    this.#reasons.add(reason);
    this.#run.skipped.push({ rule: this.#rule, subject: this.#subject, reason });
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
      this.#rests?.all.push(keys);
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
    // A finding never depends on an unknown object, and reading it again would fail again.
    if (found.state !== 'unknown') {
      const key = found.state === 'present' ? keyOf(found.object) : keyFor(kind, namespace, name);
      this.#run.lookedUp.add(key);
      this.#looked.push(key);
      this.#rests?.own.add(key);
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
    const message = this.#messages[messageId];
    if (message === undefined) throw new Error(`rule ${this.#rule} has no message ${messageId}`);
    this.#run.budget.spend(1);
    const { versions } = location;
    const matching = versions === undefined ? 'all' : versionsMatching(this.versions, versions);
    if (matching === 'none') return;
    this.#rests ??= this.#restsNow();
    // What was found by its references was not looked up by its name.
    for (const { object } of location.related ?? []) {
      const key = keyOf(object);
      this.#run.lookedUp.add(key);
      this.#rests.own.add(key);
    }
    if (message.refutedBy !== undefined) this.#restOnLists(message.refutedBy);
    this.#run.findings.push({
      rule: this.#rule,
      messageId,
      class: matching === 'all' ? message.class : 'advice',
      versions: matching === 'all' ? undefined : versions,
      subject: this.#subject,
      object: location.object ?? this.#subject,
      path: location.path,
      related: location.related ?? [],
      anchor: location.anchor,
      message,
      data: location.data,
      dependsOn: this.#rests.all,
    });
  }

  #saw(kind: KindId, namespace: string): void {
    if (this.#listed !== undefined) this.#sawList(listKey(kind, namespace));
  }

  #sawList(list: ObjectKey): void {
    this.#listed?.add(list);
    this.#deriving?.listed.add(list);
  }

  #restOnLists(kinds: readonly KindId[]): void {
    for (const list of this.#listed ?? []) {
      const kind = listIn(list)?.kind;
      if (kind === undefined || !kinds.includes(kind)) continue;
      this.#run.lookedUp.add(list);
      this.#rests?.own.add(list);
    }
  }

  #restsNow(): { readonly own: Set<ObjectKey>; readonly all: ReadonlySet<ObjectKey>[] } {
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
      return { value, dependsOn: this.#restsNow().all, ...deriving };
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

function getOrAdd<K, V>(map: { get(key: K): V | undefined; set(key: K, value: V): unknown }, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

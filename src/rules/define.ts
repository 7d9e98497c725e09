import { CONTROLLER_CONFIGURATION, selectorKey } from '../world/references.ts';
import { keyFor, kindOf, KINDS, type KindId, type KubeObject, type ObjectKey } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import type { Lookup, World } from '../world/world.ts';
import type { Finding, FindingClass, Place, Skipped } from './finding.ts';

/** One thing a rule can say. In `text` and `fix`, `{name}` stands for a value that the report supplies. */
export interface Message {
  readonly class: FindingClass;
  /** What is wrong. Starts lower-case unless with a name; no full stop. */
  readonly text: string;
  /** How to put it right, as an instruction. */
  readonly fix: string;
}

type Placeholders<S extends string> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholders<Rest> : never;

/** What a report must supply for a message: a value for each placeholder. */
export type DataOf<M extends Message> = Record<Placeholders<M['text']> | Placeholders<M['fix']>, string | number>;

/** Where and about what a rule reports. */
export interface Location<Data> {
  /** The object in which the mistake stands; the subject by default. */
  readonly object?: KubeObject;
  readonly path: Path;
  /** The name it is about, never an index. */
  readonly anchor: string;
  readonly data: Data;
  /** The other places that the contradiction is made of; an admitted object among them is where it is shown. */
  readonly related?: readonly Place[];
}

/** What a rule sees: one world, its subject, and a way to report. */
export interface RuleContext<M extends Record<string, Message>> {
  /** In: a kind and a place. Out: the object; undefined if it is not there, or if that cannot be known: then the rule is reported as skipped. */
  find(this: void, kind: KindId, namespace: string, name: string): KubeObject | undefined;
  /** The same with all three answers; nothing is reported as skipped. */
  lookup(kind: KindId, namespace: string, name: string): Lookup;
  /** In: a kind and a namespace. Out: all objects there; none if that cannot be known: then the rule is reported as skipped. */
  list(kind: KindId, namespace: string): readonly KubeObject[];
  /** In: a kind of referrer, and a kind and place. Out: the objects of the first kind that refer to that object. */
  referrers(from: KindId, kind: KindId, namespace: string, name: string): readonly KubeObject[];
  /** In: a kind, a namespace and `matchLabels`. Out: the workloads of that kind whose selector has exactly these labels. */
  samePods(kind: KindId, namespace: string, matchLabels: ReadonlyMap<string, string>): readonly KubeObject[];
  /** Out: the ConfigMaps that configure Argo Rollouts controllers, as far as they are known, whatever their namespace. */
  controllerConfigurations(): readonly KubeObject[];
  /** Says that the rule cannot judge, and why. */
  skip(reason: string): void;
  /** Reports a finding. */
  report<Id extends keyof M & string>(messageId: Id, location: Location<DataOf<M[Id]>>): void;
}

/** A rule as it is written. */
export interface RuleDefinition<M extends Record<string, Message>> {
  /** Permanent, kebab-case; never reused once retired. */
  readonly id: string;
  /** One sentence for the table of rules. */
  readonly summary: string;
  /** A paragraph for its page: what happens without it, and the source of what was taken from upstream (project, version, package). */
  readonly explanation: string;
  /** The kinds it judges. */
  readonly subject: readonly KindId[];
  /** Whether it is judged by the linter and the dry run only: what it advises concerns manifests, not requests. */
  readonly lintOnly?: boolean;
  /** The other kinds it looks at: exactly those, the tests prove it. */
  readonly reads: readonly KindId[];
  readonly messages: M;
  /** Looks at one subject and reports. Pure: no I/O, no clock, nothing kept between calls, the subject left as it is. */
  check(context: RuleContext<M>, subject: KubeObject): void;
}

/** What one run of a rule is given, and leaves behind. */
export interface Run {
  readonly world: World;
  readonly findings: Finding[];
  readonly skipped: Skipped[];
  readonly consulted: Set<ObjectKey>;
  readonly touched: Set<KindId>;
}

/** A rule, ready to run. */
export interface Rule {
  readonly id: string;
  readonly summary: string;
  readonly explanation: string;
  readonly lintOnly: boolean;
  readonly subject: readonly KindId[];
  readonly reads: readonly KindId[];
  readonly messages: Readonly<Record<string, Message>>;
  /** In: a run and a subject of one of the rule's kinds. Out: nothing; findings and skips are added to the run. Throws what the rule throws. */
  run(run: Run, subject: KubeObject): void;
}

/** In: a rule as it is written; message ids and their data are checked by the compiler. Out: the rule, ready to run. */
export function defineRule<const M extends Record<string, Message>>(definition: RuleDefinition<M>): Rule {
  const { id, messages } = definition;
  return {
    id,
    summary: definition.summary,
    explanation: definition.explanation,
    lintOnly: definition.lintOnly ?? false,
    subject: definition.subject,
    reads: definition.reads,
    messages,
    run(run, subject) {
      definition.check(contextFor<M>(id, messages, run, subject), subject);
    },
  };
}

function contextFor<M extends Record<string, Message>>(rule: string, messages: M, run: Run, subject: KubeObject): RuleContext<M> {
  const { world } = run;
  const reasons = new Set<string>();
  const rests = new Set<ObjectKey>();
  const skip = (reason: string): void => {
    if (reasons.has(reason)) return;
    reasons.add(reason);
    run.skipped.push({ rule, subject, reason });
  };
  const lookup = (kind: KindId, namespace: string, name: string): Lookup => {
    run.touched.add(kind);
    const found = world.get(kind, namespace, name);
    // What cannot be known is no ground for a finding, and reading it anew would fail again.
    if (found.state !== 'unknown') {
      const key = keyFor(kind, namespace, name);
      rests.add(key);
      run.consulted.add(key);
    }
    return found;
  };
  const ofKind = (kind: KindId, objects: readonly KubeObject[]): KubeObject[] => {
    run.touched.add(kind);
    return objects.filter((object) => kindOf(object) === kind);
  };
  return {
    lookup,
    skip,
    find(kind, namespace, name) {
      const found = lookup(kind, namespace, name);
      if (found.state === 'present') return found.object;
      if (found.state === 'unknown') skip(`${KINDS[kind].kind} ${namespace === '' ? '' : `${namespace}/`}${name}: ${found.reason}`);
      return undefined;
    },
    list(kind, namespace) {
      run.touched.add(kind);
      const listing = world.list(kind, namespace);
      if (listing.state === 'known') return listing.objects;
      skip(`${KINDS[kind].plural}: ${listing.reason}`);
      return [];
    },
    referrers: (from, kind, namespace, name) => ofKind(from, world.referrers(keyFor(kind, namespace, name))),
    samePods: (kind, namespace, matchLabels) => ofKind(kind, world.referrers(selectorKey(namespace, matchLabels))),
    controllerConfigurations: () => ofKind('ConfigMap', world.referrers(CONTROLLER_CONFIGURATION)),
    report(messageId, location) {
      const message = messages[messageId];
      if (message === undefined) throw new Error(`rule ${rule} has no message ${messageId}`);
      run.findings.push({
        rule,
        messageId,
        class: message.class,
        subject,
        object: location.object ?? subject,
        path: location.path,
        related: location.related ?? [],
        anchor: location.anchor,
        message: fill(message.text, location.data),
        fix: fill(message.fix, location.data),
        rests,
      });
    },
  };
}

// Values come from manifests: control characters in them would break the lines of a report and have the API server drop the warning.
const CONTROL = /[\u0000-\u001f\u007f\u2028\u2029]+/g;

/** In: a text with placeholders, and values. Out: it, filled in, each value on one line and no longer than 300 characters. */
export function fill(template: string, data: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (placeholder, name: string) => {
    const value = data[name];
    return value === undefined ? placeholder : String(value).slice(0, 600).replace(CONTROL, ' ').slice(0, 300);
  });
}

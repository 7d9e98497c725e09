import type { KindId, KubeObject } from '../world/object.ts';
import type { Places } from '../world/place.ts';
import { Context, type RuleContext, type Run } from './context.ts';
import type { Message } from './message.ts';

export type { DataOf, Location, RuleContext, Run } from './context.ts';
export type { Message } from './message.ts';

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

/** A table on the page of a rule. */
export interface RuleTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
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
  /** What the page of the rule lists after the messages. */
  readonly table?: RuleTable;
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

/** A rule that is ready to run. */
export interface Rule {
  readonly id: string;
  readonly summary: string;
  readonly explanation: string;
  readonly table: RuleTable | undefined;
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
    table: definition.table,
    lintOnly: definition.lintOnly ?? false,
    subject: Object.keys(definition.subject) as KindId[],
    reads: Object.keys(definition.reads) as KindId[],
    places: { subject: definition.subject, reads: definition.reads },
    stricterThanUpstream: { ...definition.stricterThanUpstream } as Readonly<Record<string, StricterThanUpstream>>,
    upstreamRefusesLater: definition.upstreamRefusesLater,
    example: definition.example,
    messages,
    run(run, subject) {
      const context = (run.context ??= new Context(run));
      context.begin(id, messages, subject, refutable);
      definition.check(context, subject);
    },
  };
}

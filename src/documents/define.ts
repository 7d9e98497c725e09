import type { DataOf, Message, Rule } from '../rules/define.ts';
import type { Finding } from '../rules/finding.ts';
import type { DuplicateKey, SourceObject } from '../world/manifests.ts';
import type { Path } from '../world/path.ts';
import type { Inspection } from './models.ts';

/** The input of a document check. */
export interface Documents {
  readonly sources: readonly SourceObject[];
  /** The keys that appear twice in one mapping, each with the object that contains it. */
  readonly duplicateKeys: readonly { readonly source: SourceObject; readonly duplicate: DuplicateKey }[];
  /** Checks one of the sources against the schema of its kind. Returns undefined if its apiVersion has no schema. */
  readonly inspect: (source: SourceObject) => Inspection | 'too large' | undefined;
}

interface Located<Data> {
  readonly source: SourceObject;
  readonly path: Path;
  /** The name that the finding is about, never an index. */
  readonly anchor: string;
  readonly data: Data;
}

/** Adds a finding. */
export type ReportDocument<M extends Record<string, Message>> = <Id extends keyof M & string>(
  messageId: Id,
  location: Located<DataOf<M[Id]>>,
) => void;

/**
 * The definition of a document check. It checks the text of manifests, which an API server never sees, so it does not
 * run at admission.
 */
export interface DocumentCheckDefinition<M extends Record<string, Message>> {
  readonly id: string;
  readonly summary: string;
  readonly explanation: string;
  readonly messages: M;
  /** Checks the documents and reports findings. Must not change the documents. */
  check(documents: Documents, report: ReportDocument<M>): void;
}

/** The part of a document check that the documentation and the policy use: the same as of a rule. */
export type DocumentRule = Pick<Rule, 'id' | 'summary' | 'explanation' | 'messages'>;

/** A document check, ready to run. */
export interface DocumentCheck extends DocumentRule {
  /** Runs the check and returns its findings. */
  run(documents: Documents): Finding[];
}

/** The limit for findings of one class about one object. Nobody reads more than that. */
export const MAX_FINDINGS = 1_000;

/**
 * Turns a definition into a check that can run. The compiler checks message ids and their data. The check reports at
 * most {@link MAX_FINDINGS} findings of a class about one object.
 */
export function defineDocumentCheck<const M extends Record<string, Message>>(
  definition: DocumentCheckDefinition<M>,
): DocumentCheck {
  const { id, summary, explanation, messages } = definition;
  return {
    id,
    summary,
    explanation,
    messages,
    run(documents) {
      const findings: Finding[] = [];
      const counts = {
        invalid: new Map<SourceObject, number>(),
        missing: new Map<SourceObject, number>(),
        advice: new Map<SourceObject, number>(),
      };
      definition.check(documents, (messageId, { source, path, anchor, data }) => {
        const message: Message | undefined = messages[messageId];
        if (message === undefined) throw new Error(`check ${id} has no message ${messageId}`);
        const count = counts[message.class].get(source) ?? 0;
        if (count >= MAX_FINDINGS) return;
        counts[message.class].set(source, count + 1);
        findings.push({
          rule: id,
          messageId,
          class: message.class,
          subject: source.object,
          object: source.object,
          path,
          related: [],
          anchor,
          message,
          data,
          dependsOn: [],
        });
      });
      return findings;
    },
  };
}

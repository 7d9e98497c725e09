import { fill, type DataOf, type Message, type Rule } from '../rules/define.ts';
import type { Finding } from '../rules/finding.ts';
import type { DuplicateKey, SourceObject } from '../world/manifests.ts';
import type { Path } from '../world/path.ts';
import type { Inspection } from './models.ts';

/** What a check of documents sees. */
export interface Documents {
  readonly sources: readonly SourceObject[];
  /** The keys that are written twice, each with the object that it stands in. */
  readonly duplicateKeys: readonly { readonly source: SourceObject; readonly duplicate: DuplicateKey }[];
  /**
   * In: one of the sources. Out: what the compiled schema of its kind says to it; undefined where there is none for its
   * apiVersion.
   */
  readonly inspect: (source: SourceObject) => Inspection | 'too large' | undefined;
}

interface Located<Data> {
  readonly source: SourceObject;
  readonly path: Path;
  /** The name it is about, never an index. */
  readonly anchor: string;
  readonly data: Data;
}

/** In: which message, about what. Adds the finding. */
export type ReportDocument<M extends Record<string, Message>> = <Id extends keyof M & string>(
  messageId: Id,
  location: Located<DataOf<M[Id]>>,
) => void;

/**
 * A check as it is written. It looks at what stands in the texts, which an API server never sees; so there is no
 * admission of it.
 */
export interface DocumentCheckDefinition<M extends Record<string, Message>> {
  readonly id: string;
  readonly summary: string;
  readonly explanation: string;
  readonly messages: M;
  /** Looks at the documents and reports. Nothing is changed. */
  check(documents: Documents, report: ReportDocument<M>): void;
}

/** What the documentation and the policy know of a check of documents: the same as of a rule. */
export type DocumentRule = Pick<Rule, 'id' | 'summary' | 'explanation' | 'messages'>;

/** A check, ready to run. */
export interface DocumentCheck extends DocumentRule {
  /** In: the documents. Out: what is wrong with them. Throws what the check throws. */
  run(documents: Documents): Finding[];
}

/** Of one class about one object; a person stops reading long before. */
export const MAX_FINDINGS = 1_000;

/**
 * In: a check as it is written; message ids and their data are checked by the compiler. Out: the check, ready to run;
 * it tells no more than a thousand findings of a class about one object.
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
          message: fill(message.text, data),
          fix: fill(message.fix, data),
          dependsOn: new Set(),
        });
      });
      return findings;
    },
  };
}

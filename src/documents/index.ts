import type { Finding } from '../rules/finding.ts';
import type { Manifests, SourceObject } from '../world/manifests.ts';
import type { KubeObject } from '../world/object.ts';
import type { DocumentCheck, DocumentRule, Documents } from './define.ts';
import { duplicateKey } from './duplicate-key.ts';
import { duplicateObject } from './duplicate-object.ts';
import { inspect, schemaOf, type Inspection } from './models.ts';
import { schema } from './schema.ts';
import { unknownField } from './unknown-field.ts';

export type { DocumentRule } from './define.ts';

const CHECKS: readonly DocumentCheck[] = [duplicateKey, duplicateObject, schema, unknownField];

/** The checks of documents, sorted by id, as the documentation and the policy know them. */
export const DOCUMENT_RULES: readonly DocumentRule[] = CHECKS;

/**
 * In: manifests as they were read, and their objects as they are judged, in the same order. Out: what is wrong with the
 * documents themselves: what an API server would refuse or drop before any admission, so that it is found in texts
 * only. Each finding is about the very object in `sources`. Never throws for what is in the manifests.
 */
export function documentFindings(manifests: Manifests, sources: readonly SourceObject[]): Finding[] {
  const documents = documentsOf(manifests, sources);
  return CHECKS.flatMap((check) => check.run(documents));
}

function documentsOf(manifests: Manifests, sources: readonly SourceObject[]): Documents {
  const judged = new Map<KubeObject, SourceObject>();
  for (const [index, { object }] of manifests.objects.entries()) {
    const source = sources[index];
    if (source !== undefined) judged.set(object, source);
  }
  const inspected = new Map<SourceObject, Inspection | 'too large' | undefined>();
  return {
    sources,
    duplicateKeys: manifests.duplicateKeys.flatMap((duplicate) => {
      const source = duplicate.object === undefined ? undefined : judged.get(duplicate.object);
      return source === undefined ? [] : [{ source, duplicate }];
    }),
    inspect: (source) => {
      if (inspected.has(source)) return inspected.get(source);
      const known = schemaOf(source.object.apiVersion, source.object.kind);
      const result = known === undefined ? undefined : (inspect(known, source.object) ?? 'too large');
      inspected.set(source, result);
      return result;
    },
  };
}

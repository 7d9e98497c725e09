import type { Finding } from '../rules/finding.ts';
import { NO_INSTALLED_FIELDS, type FieldTree, type InstalledFields } from '../world/field-tree.ts';
import type { Manifests, SourceObject } from '../world/manifests.ts';
import type { KubeObject } from '../world/object.ts';
import type { DocumentCheck, DocumentRule, Documents } from './define.ts';
import { duplicateKey } from './duplicate-key.ts';
import { duplicateObject } from './duplicate-object.ts';
import { gatewayExists } from './gateway-exists.ts';
import { inspect, schemaOf, type Inspection } from './models.ts';
import { schema } from './schema.ts';
import { unknownField } from './unknown-field.ts';

export type { DocumentRule } from './define.ts';

const CHECKS: readonly DocumentCheck[] = [duplicateKey, duplicateObject, gatewayExists, schema, unknownField];

/** The document rules for the documentation and the policy, sorted by id. */
export const DOCUMENT_RULES: readonly DocumentRule[] = CHECKS;

/**
 * Returns the problems of the documents themselves: what an API server rejects or drops before admission, so that only
 * the text of a manifest shows it. Never throws because of the content of the manifests.
 *
 * @param sources - The objects of `manifests` after defaulting of namespaces, in the same order. The findings refer to
 *   these very objects.
 * @param installed - The fields that the cluster has installed, as far as they are known.
 */
export function documentFindings(
  manifests: Manifests,
  sources: readonly SourceObject[],
  installed: InstalledFields = NO_INSTALLED_FIELDS,
): Finding[] {
  const documents = documentsOf(manifests, sources, installed);
  return CHECKS.flatMap((check) => check.run(documents));
}

function documentsOf(manifests: Manifests, sources: readonly SourceObject[], installed: InstalledFields): Documents {
  const checked = new Map<KubeObject, SourceObject>();
  for (const [index, { object }] of manifests.objects.entries()) {
    const source = sources[index];
    if (source !== undefined) checked.set(object, source);
  }
  const inspected = new Map<SourceObject, Inspection | 'too large' | undefined>();
  return {
    sources,
    duplicateKeys: manifests.duplicateKeys.flatMap((duplicate) => {
      const source = duplicate.object === undefined ? undefined : checked.get(duplicate.object);
      return source === undefined ? [] : [{ source, duplicate }];
    }),
    inspect: (source) => {
      if (inspected.has(source)) return inspected.get(source);
      const { apiVersion, kind } = source.object;
      const known = schemaOf(apiVersion, kind);
      const result =
        known === undefined
          ? undefined
          : slimmed(inspect(known, source.object), installed.get(`${apiVersion}/${kind}`));
      inspected.set(source, result);
      return result;
    },
  };
}

// Both checks of a schema look at each object in turn, so what is known of all of them is kept until the end. Most fields
// are known, and of these there is nothing to say.
function slimmed(inspection: Inspection | undefined, installed: FieldTree | undefined): Inspection | 'too large' {
  if (inspection === undefined) return 'too large';
  const visited = inspection.visited.filter(({ value, known }) =>
    Object.keys(value).some((field) => !known.has(field)),
  );
  return { ...inspection, visited, ...(installed === undefined ? {} : { installed }) };
}

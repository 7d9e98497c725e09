import type { Finding } from '../rules/finding.ts';
import { NO_INSTALLED_FIELDS, type InstalledFields } from '../world/field-tree.ts';
import type { Manifests, SourceObject } from '../world/manifests.ts';
import { memo } from '../world/memo.ts';
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
  return {
    sources,
    duplicateKeys: manifests.duplicateKeys.flatMap((duplicate) => {
      const source = duplicate.object === undefined ? undefined : checked.get(duplicate.object);
      return source === undefined ? [] : [{ source, duplicate }];
    }),
    inspect: ({ object }) => {
      const inspection = inspected(object);
      if (inspection === 'no schema') return undefined;
      const fields = installed.get(`${object.apiVersion}/${object.kind}`);
      return inspection === 'too large' || fields === undefined ? inspection : { ...inspection, installed: fields };
    },
  };
}

// Two checks look at each object, and an editor asks about it again after each edit of another one.
const inspected = memo((object: KubeObject): Inspection | 'too large' | 'no schema' => {
  const known = schemaOf(object.apiVersion, object.kind);
  if (known === undefined) return 'no schema';
  const inspection = inspect(known, object);
  return inspection === undefined ? 'too large' : slimmed(inspection);
});

// Most fields are known, and of these there is nothing to say.
function slimmed(inspection: Inspection): Inspection {
  const visited = inspection.visited.filter(({ value, known }) =>
    Object.keys(value).some((field) => !known.has(field)),
  );
  return { ...inspection, visited };
}

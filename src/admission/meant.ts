import type { Finding } from '../rules/finding.ts';
import { withOperations } from '../world/json-patch.ts';
import type { SourceObject } from '../world/manifests.ts';
import { at, pointer } from '../world/path.ts';

/**
 * Returns the objects as their authors mean them: where a document check asks for quotes, with the text that the
 * quotes would contain. `name: on` is one mistake, so it is one finding. To the rules, the argument has its name.
 *
 * @param found - What the document checks found in these very objects.
 * @returns The same list, if nothing lacks quotes.
 */
export function asMeant(sources: readonly SourceObject[], found: readonly Finding[]): readonly SourceObject[] {
  const lacking = Map.groupBy(
    found.filter(({ rule, messageId }) => rule === 'schema' && messageId === 'unquoted'),
    ({ object }) => object,
  );
  if (lacking.size === 0) return sources;
  return sources.map((source): SourceObject => {
    const { object } = source;
    const operations = (lacking.get(object) ?? []).map(({ path }) => ({
      op: 'replace' as const,
      path: pointer(path),
      value: source.written?.(path) ?? String(at(object, path)),
    }));
    return operations.length === 0 ? source : { ...source, object: withOperations(object, operations) };
  });
}

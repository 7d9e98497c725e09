import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { asArray, dig, optionalString } from '../world/read.ts';

const KUSTOMIZATION = /(^|[/\\])kustomization\.ya?ml$/;

/**
 * Returns the files that the kustomizations among these paths name as patches and the like. A patch has the kind and name
 * of what it changes and little else: by itself it is a broken object.
 *
 * @param paths - Absolute, as those that are returned.
 */
export function patchesNamedBy(paths: readonly string[]): ReadonlySet<string> {
  return new Set(paths.filter((path) => KUSTOMIZATION.test(path)).flatMap(patchesOf));
}

function patchesOf(kustomization: string): string[] {
  let content: unknown;
  try {
    content = parse(readFileSync(kustomization, 'utf8'), { logLevel: 'silent', maxAliasCount: 100 });
  } catch {
    // Reported when it is read as a manifest, where it was named.
    return [];
  }
  const listed = (field: string): readonly unknown[] => asArray(dig(content, field));
  const files = [
    // Kustomize refuses a path alone in `patches`. It is a patch nevertheless.
    ...['patches', 'patchesJson6902', 'replacements'].flatMap((field) =>
      listed(field).map((entry) => optionalString(entry) ?? dig(entry, 'path')),
    ),
    ...['patchesStrategicMerge', 'configurations', 'transformers', 'generators', 'validators'].flatMap(listed),
  ];
  // A patch may also be written out in place, over several lines.
  return files
    .flatMap((file) => optionalString(file) ?? [])
    .filter((file) => !file.includes('\n'))
    .map((file) => resolve(kustomization, '..', file));
}

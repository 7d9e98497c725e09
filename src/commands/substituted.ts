import { parseManifests, type Manifests } from '../world/manifests.ts';
import { isKubeObject, type KubeObject } from '../world/object.ts';
import { isObject } from '../world/read.ts';

const IN_BRACES = /\$\{([A-Za-z_][^\s{}⟨⟩]*)\}/g;
const IN_BRACKETS = /\$⟨([^⟨⟩]*)⟩/g;

/**
 * Parses manifests, also those with `${NAME}` inside of brackets, which YAML cannot read before it is replaced. Other
 * brackets of the same length take the place of its braces meanwhile, so all positions stay.
 */
export function parseUnsubstituted(text: string, file: string): Manifests {
  const manifests = parseManifests(text, file);
  if (manifests.errors.length === 0 || !text.includes('${') || text.includes('$⟨')) return manifests;
  const again = parseManifests(textInBrackets(text), file);
  return again.errors.length < manifests.errors.length ? withBraces(again) : manifests;
}

function withBraces({ objects, errors, duplicateKeys }: Manifests): Manifests {
  const read = new Map<KubeObject | undefined, KubeObject>();
  return {
    errors: errors.map((error) => ({ ...error, message: textInBraces(error.message) })),
    objects: objects.map((source) => {
      const object = inBraces(source.object);
      if (!isKubeObject(object)) return source;
      read.set(source.object, object);
      return { ...source, object, position: (inside) => source.position(inside.map(partInBrackets)) };
    }),
    duplicateKeys: duplicateKeys.map((repeated) => ({
      ...repeated,
      object: read.get(repeated.object) ?? repeated.object,
      path: repeated.path.map((part) => (typeof part === 'string' ? textInBraces(part) : part)),
      key: textInBraces(repeated.key),
    })),
  };
}

function textInBraces(text: string): string {
  return text.replaceAll(IN_BRACKETS, '$${$1}');
}

function partInBrackets(part: string | number): string | number {
  return typeof part === 'string' ? textInBrackets(part) : part;
}

function textInBrackets(text: string): string {
  return text.replaceAll(IN_BRACES, '$$⟨$1⟩');
}

function inBraces(value: unknown): unknown {
  if (typeof value === 'string') return textInBraces(value);
  if (Array.isArray(value)) return value.map(inBraces);
  // Not by assignment: a key may be `__proto__`.
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [textInBraces(key), inBraces(inner)]))
    : value;
}

import type { EvaluatedBundle } from '../admission/bundle.ts';
import type { Finding } from '../rules/finding.ts';
import { parseManifests, type Manifests } from '../world/manifests.ts';
import { at } from '../world/path.ts';

// envsubst and the postBuild of Flux write ${NAME}, the vars of Kustomize $(NAME). `$(command args)` is of a shell.
const SUBSTITUTED = /\$\{[A-Za-z_][^{}\n]*\}|\$\([A-Za-z_][^\s()]*\)/;
const IN_BRACES = /\$\{([A-Za-z_][^\s{}]*)\}/g;

// They are wrong whatever the value is.
const ABOUT_KEYS: ReadonlySet<string> = new Set(['duplicate-key', 'unknown-field']);

/** Reports whether a finding is about a text that another tool replaces before it is applied, so that it may be right. */
export function isSubstituted({ rule, object, path }: Finding): boolean {
  const value = at(object, path);
  return !ABOUT_KEYS.has(rule) && typeof value === 'string' && SUBSTITUTED.test(value);
}

/**
 * Parses manifests, also those with `${NAME}` inside of brackets, which YAML cannot read before it is replaced. There
 * `$(NAME)` takes its place: it has the same length, so all positions stay.
 */
export function parseUnsubstituted(text: string, file: string): Manifests {
  const manifests = parseManifests(text, file);
  if (manifests.errors.length === 0 || !SUBSTITUTED.test(text)) return manifests;
  const again = parseManifests(text.replaceAll(IN_BRACES, '$$($1)'), file);
  return again.errors.length < manifests.errors.length ? again : manifests;
}

const SHOWN = 3;

/** Returns a sentence about the findings that were left out, none if there are none. */
export function noteOnSubstituted({ leftOut }: EvaluatedBundle): string[] {
  const places = [...new Set(leftOut.map(({ file, line }) => `${file}:${line}`))];
  const [first] = places;
  if (first === undefined) return [];
  const more = places.length > SHOWN ? ` and ${places.length - SHOWN} more` : '';
  return [
    `skipped what is substituted later (${places.slice(0, SHOWN).join(', ')}${more}): envsubst < FILE | rollgate lint -`,
  ];
}

import type { EvaluatedBundle } from '../admission/bundle.ts';
import type { Finding } from '../rules/finding.ts';
import { at, type Path } from '../world/path.ts';
import { urlProblem } from '../world/go-url.ts';

// envsubst and the postBuild of Flux replace ${NAME}, the vars of Kustomize $(NAME). `$(command args)` is of a shell.
const IN_BRACES = /\$\{[A-Za-z_][^{}\n]*\}/g;
const IN_BRACKETS = /\$\([A-Za-z_][^\s()]*\)/g;

/** The commands that substitute values before they are linted. */
const COMMANDS = {
  envsubst: 'envsubst < FILE | rollgate lint -',
  kustomize: 'kustomize build DIRECTORY | rollgate lint -',
} as const;

/** A tool that substitutes values. */
export type Substituter = keyof typeof COMMANDS;

/** Returns the tool that replaces what a finding is about before it is applied, so that it may be right. */
export function substituterOf(finding: Finding): Substituter | undefined {
  if (isWrongAnyway(finding)) return undefined;
  const texts = textsOf(finding).filter((text) => typeof text === 'string');
  if (texts.some((text) => text.search(IN_BRACES) >= 0)) return 'envsubst';
  // Kubernetes replaces them there itself.
  if (isInContainerText(finding.path)) return undefined;
  return texts.some((text) => text.search(IN_BRACKETS) >= 0) ? 'kustomize' : undefined;
}

/** Returns the texts of manifests that decide whether a finding is right. */
function textsOf({ rule, object, path, data }: Finding): readonly unknown[] {
  // They are right whatever else is in the text.
  if (rule === 'analysis-placeholders') return [data['tag']];
  return [at(object, path)];
}

function isWrongAnyway(finding: Finding): boolean {
  const { rule, messageId, object, path } = finding;
  if (messageId === 'duplicate' || rule === 'duplicate-key' || rule === 'unknown-field') return true;
  const value = at(object, path);
  if (typeof value !== 'string') return false;
  // Whatever is put into it, it is neither a number nor a boolean.
  if (rule === 'schema' && messageId === 'type') return !/^[-+.\w]*$/.test(filledIn(value).trim());
  return rule === 'analysis-provider' && messageId === 'address' && isWrongUrl(value);
}

function filledIn(text: string): string {
  return text.replaceAll(IN_BRACES, '1').replaceAll(IN_BRACKETS, '1');
}

// What is substituted after :// is the host, the port or a part of the path.
function isWrongUrl(value: string): boolean {
  const [scheme = '', rest] = value.split('://', 2);
  if (rest === undefined || scheme.includes('$')) return false;
  return urlProblem(filledIn(value)) !== undefined;
}

const CONTAINER_LISTS: ReadonlySet<unknown> = new Set(['containers', 'initContainers', 'ephemeralContainers']);
const CONTAINER_TEXTS: ReadonlySet<unknown> = new Set(['args', 'command', 'env']);

function isInContainerText(path: Path): boolean {
  const list = path.findIndex((part) => CONTAINER_LISTS.has(part));
  const field = path[list + 2];
  return list >= 0 && CONTAINER_TEXTS.has(field) && (field !== 'env' || path.at(-1) === 'value');
}

const SHOWN = 3;

/** Returns a sentence about the findings that were left out because of these tools, none if there are none. */
export function noteOnSubstituted({ leftOut }: EvaluatedBundle, by: ReadonlySet<Substituter>): string[] {
  const places = [...new Set(leftOut.map(({ file, line }) => `${file}:${line}`))];
  const [first] = places;
  if (first === undefined) return [];
  const more = places.length > SHOWN ? ` and ${places.length - SHOWN} more` : '';
  const commands = [...by].sort().map((tool) => COMMANDS[tool]);
  return [`skipped what is substituted later (${places.slice(0, SHOWN).join(', ')}${more}): ${commands.join(', or ')}`];
}

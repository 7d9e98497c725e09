import type { EvaluatedBundle } from '../admission/bundle.ts';
import type { Finding } from '../rules/finding.ts';
import { at, type Path } from '../world/path.ts';
import { decidingTexts } from './deciding-texts.ts';
import { urlProblem } from '../world/go-url.ts';

// envsubst and the postBuild of Flux replace ${NAME}, the vars of Kustomize $(NAME). `$(command args)` is of a shell.
const IN_BRACES = /\$\{[A-Za-z_][^{}\n]*\}/g;
const IN_BRACKETS = /\$\([A-Za-z_][^\s()]*\)/g;

// As a number or boolean it is certainly not meant. In a text it may be of a shell, or a regular expression.
const BARE = /^\s*\$[A-Za-z_]\w*\s*$/;

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
  const texts = decidingTexts(finding);
  if (texts.some((text) => text.search(IN_BRACES) >= 0)) return 'envsubst';
  if (isAboutNumbers(finding) && texts.some((text) => BARE.test(text))) return 'envsubst';
  // Kubernetes replaces them there itself.
  if (isInContainerText(finding.path)) return undefined;
  return texts.some((text) => text.search(IN_BRACKETS) >= 0) ? 'kustomize' : undefined;
}

const ABOUT_NUMBERS: ReadonlySet<string> = new Set([
  'analysis-metrics',
  'analysis-terminates',
  'rollout-counts',
  'rollout-steps',
]);

function isAboutNumbers({ rule, messageId, data }: Finding): boolean {
  if (rule === 'schema') return /number|true or false/.test(String(data['expected']));
  return ABOUT_NUMBERS.has(rule) || messageId === 'duration';
}

function isWrongAnyway(finding: Finding): boolean {
  const { rule, messageId, object, path } = finding;
  if (messageId === 'duplicate' || rule === 'duplicate-key') return true;
  const value = at(object, path);
  if (typeof value !== 'string') return false;
  // Whatever is put into it, it is neither a number nor a boolean.
  if (rule === 'schema' && messageId === 'type') return !/^[-+.\w]*$/.test(filledIn(value).trim()) && !BARE.test(value);
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

import type { Reconciler } from '../policy/reconcilers.ts';
import { pathIn, renderFix, renderMessage, type Finding } from '../rules/finding.ts';
import { keyOf, namespaceOf, refOf, type KubeObject } from '../world/object.ts';
import { renderPath } from '../world/path.ts';
import { isMidUpdate } from '../world/rollout.ts';
import { about, nameOf, RULE_TAG, ruleTag } from './attribution.ts';
import type { Request } from './review.ts';

/** A finding as the user who submitted an object reads it. */
export interface RenderedFinding {
  /** Where in the submitted object; empty for the whole of it. */
  readonly field: string;
  /** What is wrong, how to fix it, and the rule. It does not repeat the field. */
  readonly text: string;
  /** The object that the text is about; where that is not the submitted one, the text begins with its name. */
  readonly object: KubeObject;
}

/** In which circumstances a finding is rendered. */
export interface RenderOptions {
  /** Whether it spans namespaces that do not trust each other. */
  readonly foreign: boolean;
  /** What is done to the submitted object. */
  readonly operation: Request['operation'];
  /** Whether that is denied, or only warned about. */
  readonly denied: boolean;
  /** The tool whose way to go on it names, if it denies what several objects contradict. */
  readonly tool?: Reconciler['tool'];
}

/**
 * Renders a finding for the user who submitted an object. Where another object was evaluated, the text begins with its
 * kind and name and, if the change is denied, names the order of changes that works. Across namespaces it reveals no
 * more than that the other object exists.
 */
export function renderFinding(
  finding: Finding,
  submitted: KubeObject,
  { foreign, operation, denied, tool }: RenderOptions,
): RenderedFinding {
  // Without a field kubectl prints a colon with nothing before it.
  const field = renderPath(pathIn(finding, refOf(submitted))?.path ?? ['spec']);
  const { subject, rule } = finding;
  const ofSubject = keyOf(subject) === keyOf(submitted);
  const rendered = (object: KubeObject, text: string): RenderedFinding => ({
    field,
    text: `${text} ${ruleTag(rule)}`,
    object,
  });
  if (foreign) {
    const other = ofSubject
      ? (finding.related.find(({ object }) => namespaceOf(object) !== namespaceOf(submitted))?.object ?? finding.object)
      : subject;
    const name = `${other.kind} "${namespaceOf(other)}/${other.metadata.name}"`;
    return rendered(
      submitted,
      `does not fit ${name} of another namespace (who may read that is told why): ask its owner, or lint both together`,
    );
  }
  const message = renderMessage(finding);
  const fix = renderFix(finding);
  if (ofSubject) return rendered(submitted, `${message}: ${fix}${tool === undefined ? '' : wayOf(tool, finding)}`);
  // A user who deletes an object on purpose is not told to create it.
  if (operation === 'DELETE') {
    const way = `change the ${subject.kind} ${denied ? 'first' : 'too'}`;
    return rendered(submitted, `deleting this breaks ${nameOf(subject)}: ${message}: ${way}`);
  }
  const order = operation === 'UPDATE' && denied ? orderOfChanges(finding) : '';
  return rendered(subject, about(subject, `${message}: ${fix}${order}`));
}

function wayOf(tool: NonNullable<Reconciler['tool']>, { subject, object, related }: Finding): string {
  const key = keyOf(subject);
  const others = [object, ...related.map((place) => place.object)].filter((other) => keyOf(other) !== key);
  const other = others[0]?.kind ?? 'other object';
  if (tool === 'argo-cd')
    return isMidUpdate(subject)
      ? ` (an update of the ${subject.kind} is in progress: sync again when it has ended, or set syncPolicy.retry.limit to -1)`
      : ` (if the same sync changes the ${other}: give that an earlier sync wave, or set syncPolicy.retry)`;
  return isMidUpdate(subject)
    ? ` (an update of the ${subject.kind} is in progress: Flux tries again, and this passes when it has ended)`
    : ` (Flux stops here: change the ${other} in an earlier commit, or in a Kustomization that this one lists in dependsOn)`;
}

function orderOfChanges({ subject, class: findingClass }: Finding): string {
  if (findingClass !== 'invalid') return '';
  return isMidUpdate(subject)
    ? ` (an update of the ${subject.kind} is in progress: to change both, wait until it ends)`
    : ` (to change both: add what is new here, change the ${subject.kind}, then remove what is old)`;
}

/**
 * The most characters of a warning. The API server may cut longer ones. Kubernetes recommends 120, but a warning without
 * its fix sends people searching.
 */
export const LONGEST_WARNING = 256;
// What the API server accepts over all webhooks of a request; the room for "and N more" is kept free.
const ALL_WARNINGS = 4096 - 64;

/**
 * Returns a rendered finding as a warning. It begins with the kind and name of the object, since in an apply of many
 * objects kubectl does not say whose warning it is. It has the fix where 256 characters have room for it.
 */
export function warningText({ text, object }: RenderedFinding, finding: Finding): string {
  const full = about(object, text);
  return full.length <= LONGEST_WARNING ? full : full.replace(`: ${renderFix(finding)}`, '');
}

/**
 * Returns warnings as the API server passes them on: without repetition, each on one line of at most 256 characters, at
 * most 4096 in all. The last one counts those that do not fit.
 *
 * @param more - How many more there are.
 */
export function fitWarnings(texts: readonly string[], more = 0): string[] {
  const unique = [...new Set(texts.map((text) => cut(text.replaceAll(/\s+/g, ' ').trim())))];
  const fitting: string[] = [];
  let size = 0;
  for (const text of unique) {
    const bytes = Buffer.byteLength(text);
    if (size + bytes > ALL_WARNINGS) break;
    size += bytes;
    fitting.push(text);
  }
  const left = unique.length - fitting.length + more;
  return left === 0 ? fitting : [...fitting, `and ${left} more`];
}

function cut(text: string): string {
  if (text.length <= LONGEST_WARNING) return text;
  const tag = RULE_TAG.exec(text)?.[0] ?? '';
  return `${text.slice(0, LONGEST_WARNING - tag.length - 1)}…${tag}`;
}

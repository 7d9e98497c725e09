import { renderText, pathIn, type Finding } from '../rules/finding.ts';
import { keyOf, namespaceOf, refOf, type KubeObject } from '../world/object.ts';
import { renderPath } from '../world/path.ts';
import { isMidUpdate } from '../world/rollout.ts';

/** A finding as it is told to whoever submitted an object. */
export interface RenderedFinding {
  /** Where in the submitted object; empty for the whole of it. */
  readonly field: string;
  /** What is wrong, how to mend it, and the rule; the field is not repeated in it. */
  readonly text: string;
}

/** In which circumstances a finding is told. */
export interface RenderOptions {
  /** Whether it spans namespaces that do not trust each other. */
  readonly foreign: boolean;
  /** Whether it refuses a change of an object that was there before. */
  readonly refusesChange: boolean;
  /** Whether the submitted object is to be deleted. */
  readonly deleted: boolean;
}

/**
 * In: a finding, the submitted object, and the circumstances. Out: what the person is told. Where the submitted object
 * is not the one that was judged, the text says for which one it matters, and, where its change is refused, the order
 * of changes that works; across namespaces it says no more than that the other object exists.
 */
export function renderFinding(
  finding: Finding,
  submitted: KubeObject,
  { foreign, refusesChange, deleted }: RenderOptions,
): RenderedFinding {
  // Without a field kubectl prints a colon with nothing before it.
  const field = renderPath(pathIn(finding, refOf(submitted))?.path ?? ['spec']);
  const { kind, metadata } = finding.subject;
  const ofSubject = keyOf(finding.subject) === keyOf(submitted);
  if (foreign) {
    const other = ofSubject
      ? (finding.related.find(({ object }) => namespaceOf(object) !== namespaceOf(submitted))?.object ?? finding.object)
      : finding.subject;
    return {
      field,
      text: `does not fit ${other.kind} "${namespaceOf(other)}/${other.metadata.name}" of another namespace: ask its owner, or lint both together [${finding.rule}]`,
    };
  }
  if (ofSubject) return { field, text: renderText(finding) };
  const subject = `${kind} "${metadata.name}"`;
  // Whoever deletes a thing on purpose is not to be told to create it.
  if (deleted)
    return {
      field,
      text: `with this gone, ${finding.message}, and ${subject} refers to it: change the ${kind} first [${finding.rule}]`,
    };
  const whose = finding.message.includes(subject) ? '' : `${subject}: `;
  return {
    field,
    text: `${whose}${finding.message}: ${finding.fix}${refusesChange ? wayRound(finding) : ''} [${finding.rule}]`,
  };
}

function wayRound({ subject, class: findingClass }: Finding): string {
  if (findingClass !== 'invalid') return '';
  const order = `add the new one here, switch the ${subject.kind}, then remove the old one`;
  return isMidUpdate(subject)
    ? ` (an update of the ${subject.kind} is under way: wait for its end, or ${order})`
    : ` (to change both: ${order})`;
}

const GOOD_WARNING = 120;
// The API server may cut longer ones.
const LONGEST_WARNING = 256;
// What the API server accepts over all webhooks of a request; the room for "and N more" is kept free.
const ALL_WARNINGS = 4096 - 64;

/**
 * In: warnings in order. Out: them without repetition, on one line each, of at most 256 characters, within the 4096
 * characters that the API server passes on; what does not fit is counted in a last one.
 */
export function fitWarnings(texts: readonly string[]): string[] {
  const unique = [...new Set(texts.map((text) => cut(text.replaceAll(/\s+/g, ' ').trim())))];
  const kept: string[] = [];
  let size = 0;
  for (const text of unique) {
    const bytes = Buffer.byteLength(text);
    if (size + bytes > ALL_WARNINGS) break;
    size += bytes;
    kept.push(text);
  }
  const left = unique.length - kept.length;
  return left === 0 ? kept : [...kept, `and ${left} more; the dry run shows all of them`];
}

/**
 * In: a finding as told, and the finding. Out: it as a warning: with the way to mend it where 120 characters, or else
 * 256, have room for it; the rule comes last.
 */
export function warningText(told: RenderedFinding, finding: Finding): string {
  const short = told.text.replace(`: ${finding.fix}`, '');
  if (told.text.length <= GOOD_WARNING) return told.text;
  return told.text.length <= LONGEST_WARNING ? told.text : short;
}

function cut(text: string): string {
  if (text.length <= LONGEST_WARNING) return text;
  const id = / \[[a-z0-9-]+\]$/.exec(text)?.[0] ?? '';
  return `${text.slice(0, LONGEST_WARNING - id.length - 1)}…${id}`;
}

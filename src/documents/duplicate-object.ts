import { isDeepStrictEqual } from 'node:util';
import { getOrAdd } from '../world/get-or-add.ts';
import type { SourceObject } from '../world/manifests.ts';
import { keyOf, kindOf } from '../world/object.ts';
import { defineDocumentCheck } from './define.ts';

/** Reports objects that are defined more than once. */
export const duplicateObject = defineDocumentCheck({
  id: 'duplicate-object',
  summary: 'Every object is defined only once.',
  explanation:
    'If two manifests define the same object, the one that is applied last wins. Which one that is depends on the ' +
    'file names and on the tool. In a folder of alternatives this is intended; then lint each of them alone, or ' +
    'lint the output of kustomize. Findings of other rules about such an object are warnings, because it is not ' +
    'known which manifest is meant. The finding is at the last copy, once for all objects whose last copies are in one ' +
    'file, or in one folder where the others are in another one.',
  messages: {
    differs: {
      class: 'advice',
      text: 'also in {others}, with different content: {objects}',
      fix: 'keep one of them, or lint the alternatives one by one',
    },
    same: {
      class: 'advice',
      text: 'also in {others}, with the same content: {objects}',
      fix: 'keep only one of them',
    },
  },
  check({ sources }, report) {
    const named = sources.filter(
      ({ object }) =>
        kindOf(object) !== undefined &&
        object.metadata.name !== '' &&
        object.metadata.name !== object.metadata['generateName'],
    );
    const repeated = [...Map.groupBy(named, ({ object }) => keyOf(object)).values()]
      .filter((group) => group.length > 1)
      .map((group): Repeated => {
        const copies = group.map((source) => ({ source, line: source.position([]).line })).sort(inReadingOrder);
        return { copies, same: group.every(({ object }) => isDeepStrictEqual(object, group[0]?.object)) };
      })
      .sort(byFirstCopy);
    // Files or folders with the same objects are one mistake, however many objects that are.
    for (const group of Map.groupBy(repeated, groupOf).values()) {
      const differing = group.filter(({ same }) => !same);
      const [named] = differing.length > 0 ? differing : group;
      const last = named?.copies.at(-1);
      if (named === undefined || last === undefined) continue;
      const { kind, metadata } = last.source.object;
      const more = (differing.length > 0 ? differing : group).length - 1;
      const equal = differing.length > 0 ? group.length - differing.length : 0;
      report(named.same ? 'same' : 'differs', {
        source: last.source,
        path: [],
        anchor: metadata.name,
        data: {
          objects:
            `${kind} "${metadata.name}"${more === 0 ? '' : ` and ${more} more`}` +
            (equal === 0 ? '' : `, and ${equal} with the same content`),
          others: others([named, ...group].map(({ copies }) => copies.slice(0, -1))),
        },
      });
    }
  },
});

interface Copy {
  readonly source: SourceObject;
  readonly line: number;
}

function inReadingOrder(a: Copy, b: Copy): number {
  return a.source.file === b.source.file ? a.line - b.line : a.source.file < b.source.file ? -1 : 1;
}

/** The copies of one object, in reading order. */
interface Repeated {
  readonly copies: readonly Copy[];
  readonly same: boolean;
}

function folderOf(file: string): string {
  return file.slice(0, Math.max(file.lastIndexOf('/'), 0));
}

function byFirstCopy({ copies: [a] }: Repeated, { copies: [b] }: Repeated): number {
  return a === undefined || b === undefined ? 0 : inReadingOrder(a, b);
}

// In one file the lines matter, and there is one finding for each sort of copies.
function groupOf({ copies, same }: Repeated): string {
  const files = new Set(copies.map(({ source }) => source.file));
  const folders = new Set([...files].map(folderOf));
  const last = copies.at(-1)?.source.file ?? '';
  return JSON.stringify([
    folders.size > 1 ? folderOf(last) : last,
    folders.size,
    files.size > 1 || same,
    files.size > 1,
  ]);
}

const MAX_NAMED = 3;

// The most of it that a message shows.
const MAX_LENGTH = 300;

// A file is named once, with the first of the objects that it repeats. Instead of many files, their folders are named.
function others([copies = [], ...more]: readonly (readonly Copy[])[]): string {
  const first = new Map<string, Copy>();
  for (const copy of [copies, ...more].flat()) getOrAdd(first, copy.source.file, () => copy);
  const listed = (first.size > 1 ? [...first.values()] : copies).map(({ source, line }) => `${source.file}:${line}`);
  const folders = [...new Set([...first.keys()].map(folderOf))];
  return list(first.size > MAX_NAMED && folders.length <= MAX_NAMED && !folders.includes('') ? folders : listed);
}

function list(places: readonly string[], shown = MAX_NAMED): string {
  const named = places.slice(0, shown);
  const left = places.length - named.length;
  const text = left > 0 ? `${named.join(', ')} and ${left} more` : named.join(' and ');
  return text.length > MAX_LENGTH && shown > 1 ? list(places, shown - 1) : text;
}

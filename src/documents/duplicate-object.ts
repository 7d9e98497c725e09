import { isDeepStrictEqual } from 'node:util';
import type { SourceObject } from '../world/manifests.ts';
import { keyOf } from '../world/object.ts';
import { defineDocumentCheck } from './define.ts';

/** Reports objects that are defined more than once. */
export const duplicateObject = defineDocumentCheck({
  id: 'duplicate-object',
  summary: 'Every object is defined only once.',
  explanation:
    'If two manifests define the same object, the one that is applied last wins. Which one that is depends on the ' +
    'file names and on the tool. In a folder of alternatives this is intended; then lint each of them alone, or ' +
    'lint the output of kustomize. Findings of other rules about such an object are warnings, because it is not ' +
    'known which manifest is meant. The finding is at the last copy, once for all objects that the same files repeat.',
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
      ({ object: { metadata } }) => metadata.name !== '' && metadata.name !== metadata['generateName'],
    );
    const repeated = [...Map.groupBy(named, ({ object }) => keyOf(object)).values()]
      .filter((group) => group.length > 1)
      .map((group): Repeated => {
        const copies = group.map((source) => ({ source, line: source.position([]).line })).sort(inReadingOrder);
        return { copies, same: group.every(({ object }) => isDeepStrictEqual(object, group[0]?.object)) };
      })
      .sort(byFirstCopy);
    // Two files with the same objects are one mistake, however many objects that are.
    for (const [first, ...more] of Map.groupBy(repeated, filesOf).values()) {
      const last = first?.copies.at(-1);
      if (first === undefined || last === undefined) continue;
      const { kind, metadata } = last.source.object;
      report(first.same ? 'same' : 'differs', {
        source: last.source,
        path: [],
        anchor: metadata.name,
        data: {
          objects: `${kind} "${metadata.name}"${more.length === 0 ? '' : ` and ${more.length} more`}`,
          others: others(first.copies.slice(0, -1)),
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

function byFirstCopy({ copies: [a] }: Repeated, { copies: [b] }: Repeated): number {
  return a === undefined || b === undefined ? 0 : inReadingOrder(a, b);
}

function filesOf({ copies, same }: Repeated): string {
  return JSON.stringify([same, ...copies.map(({ source }) => source.file)]);
}

const MAX_NAMED = 3;

function others(copies: readonly Copy[]): string {
  const named = copies.slice(0, MAX_NAMED).map(({ source, line }) => `${source.file}:${line}`);
  const left = copies.length - named.length;
  return left > 0 ? `${named.join(', ')} and ${left} more` : named.join(' and ');
}

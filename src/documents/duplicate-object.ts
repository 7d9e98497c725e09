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
    'known which manifest is meant.',
  messages: {
    differs: {
      class: 'advice',
      text: '{kind} "{name}" is also defined in {others}, with different content',
      fix: 'keep one of them, or lint the alternatives one by one',
    },
    same: {
      class: 'advice',
      text: '{kind} "{name}" is also defined in {others}, with the same content',
      fix: 'keep only one of them',
    },
  },
  check({ sources }, report) {
    const named = sources.filter(
      ({ object: { metadata } }) => metadata.name !== '' && metadata.name !== metadata['generateName'],
    );
    for (const group of Map.groupBy(named, ({ object }) => keyOf(object)).values()) {
      if (group.length < 2) continue;
      const same = group.every(({ object }) => isDeepStrictEqual(object, group[0]?.object));
      const copies = group.map((source) => ({ source, line: source.position([]).line })).sort(inReadingOrder);
      const places = copies.map(({ source, line }) => `${source.file}:${line}`);
      for (const [index, { source }] of copies.entries()) {
        const { kind, metadata } = source.object;
        report(same ? 'same' : 'differs', {
          source,
          path: [],
          anchor: metadata.name,
          data: { kind, name: metadata.name, others: others(places, index) },
        });
      }
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

const MAX_NAMED = 3;

// Reads only a few of the places, so that the cost of a thousand copies does not grow with the square of their number.
function others(places: readonly string[], own: number): string {
  const named = places
    .slice(0, MAX_NAMED + 1)
    .filter((_, index) => index !== own)
    .slice(0, MAX_NAMED);
  const left = places.length - 1 - named.length;
  return left > 0 ? `${named.join(', ')} and ${left} more` : named.join(' and ');
}

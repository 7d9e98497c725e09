import { isDeepStrictEqual } from 'node:util';
import type { SourceObject } from '../world/manifests.ts';
import { keyOf } from '../world/object.ts';
import { defineDocumentCheck } from './define.ts';

/** One object, written more than once. */
export const duplicateObject = defineDocumentCheck({
  id: 'duplicate-object',
  summary: 'Every object is written once.',
  explanation:
    'Of two manifests of one object the one that is applied last wins, and which one that is depends on the names of the files and on the tool. In a folder of alternatives this is meant; then lint each of ' +
    'them alone, or what kustomize makes of them. What the other rules find about such an object is a warning, since nobody can know which of the manifests is meant.',
  messages: {
    differs: {
      class: 'advice',
      text: '{kind} "{name}" is also written in {others}, and differs',
      fix: 'keep one of them, or lint the alternatives one by one',
    },
    same: {
      class: 'advice',
      text: '{kind} "{name}" is also written in {others}, word for word',
      fix: 'remove one of them',
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

const TOLD = 3;

// Only a few of the places are looked at, so that a thousand copies cost no more than a thousand sentences.
function others(places: readonly string[], own: number): string {
  const told = places
    .slice(0, TOLD + 1)
    .filter((_, index) => index !== own)
    .slice(0, TOLD);
  const left = places.length - 1 - told.length;
  return left > 0 ? `${told.join(', ')} and ${left} more` : told.join(' and ');
}

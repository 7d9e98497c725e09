import type { SourceObject } from '../world/manifests.ts';
import { renderPath } from '../world/path.ts';
import { defineDocumentCheck, type Documents } from './define.ts';

/** Keys that stand twice in one mapping. */
export const duplicateKey = defineDocumentCheck({
  id: 'duplicate-key',
  summary: 'No key is written twice in one mapping.',
  explanation:
    'Tools differ in what they make of it. kubectl apply -f, Helm and plain folders of Argo CD take the last value without a word (they turn the text into JSON, so that the API server cannot object); kustomize, and with it ' +
    'kubectl apply -k and Flux, refuses the whole file. So two different values are a contradiction: one of them is lost, or the file is refused. The same value twice is advice. Where kind and metadata are both ' +
    'repeated, the line --- between two objects is missing, and only the second one would be applied.',
  messages: {
    differs: {
      class: 'invalid',
      text: '"{key}" is written twice in {place} with different values, first in line {line}: some tools take the last, others refuse the file',
      fix: 'remove the one that is not meant',
    },
    repeated: {
      class: 'advice',
      text: '"{key}" is written twice in {place} with the same value, first in line {line}: kustomize and Flux refuse the file',
      fix: 'remove one of them',
    },
    merged: {
      class: 'invalid',
      text: 'a second object begins here in the document of the first, whose {key} is in line {line}: only the last value of each field counts',
      fix: 'put a line --- between the two',
    },
  },
  check({ duplicateKeys }, report) {
    const merged = mergedIn(duplicateKeys);
    const told = new Set<SourceObject>();
    for (const { source, duplicate } of duplicateKeys) {
      const { key, path, first, same } = duplicate;
      const at = { source, path, anchor: path.filter((part) => typeof part === 'string').join('.') };
      const parent = path.slice(0, -1);
      if (parent.length === 0 && merged.has(source)) {
        if (!told.has(source)) report('merged', { ...at, anchor: '', data: { key, line: first.line } });
        told.add(source);
        continue;
      }
      const place = parent.length === 0 ? `this ${source.object.kind}` : renderPath(parent);
      report(same ? 'repeated' : 'differs', { ...at, data: { key, place, line: first.line } });
    }
  },
});

function mergedIn(duplicateKeys: Documents['duplicateKeys']): ReadonlySet<SourceObject> {
  const repeating = (key: string): SourceObject[] =>
    duplicateKeys
      .filter(({ duplicate }) => duplicate.path.length === 1 && duplicate.key === key)
      .map(({ source }) => source);
  const kinds = new Set(repeating('kind'));
  return new Set(repeating('metadata').filter((source) => kinds.has(source)));
}

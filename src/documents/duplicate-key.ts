import type { SourceObject } from '../world/manifests.ts';
import { groupOf, kindOf, type KubeObject } from '../world/object.ts';
import { renderPath } from '../world/path.ts';
import { defineDocumentCheck, type Documents } from './define.ts';

/** Reports keys that appear twice in one mapping. */
export const duplicateKey = defineDocumentCheck({
  id: 'duplicate-key',
  summary: 'No key appears twice in one mapping.',
  explanation:
    'Tools treat duplicate keys differently. kubectl apply -f, Helm and plain folders of Argo CD silently take ' +
    'the last value; they convert the text to JSON, so the API server cannot object. kustomize rejects the whole ' +
    'file, and so do kubectl apply -k and Flux, which use it. Two different values are therefore invalid: either ' +
    'one of them is lost, or the file is rejected. The same value twice is advice, and so are an empty value beside ' +
    'another and any kind that has nothing to do with the traffic of Rollouts. If kind and metadata are both ' +
    'repeated, the line --- between two objects is missing, and only the second object would be applied.',
  messages: {
    differs: {
      class: 'invalid',
      text: '"{key}" appears twice in {place} with different values (first on line {line}), so some tools use the last one and others reject the file',
      fix: 'remove the wrong one',
    },
    lastWins: {
      class: 'advice',
      text: '"{key}" appears twice in {place} with different values (first on line {line}), so kubectl uses the last one and kustomize rejects the file',
      fix: 'remove one of them',
    },
    repeated: {
      class: 'advice',
      text: '"{key}" appears twice in {place} with the same value (first on line {line}), so kustomize and Flux reject the file',
      fix: 'remove one of them',
    },
    merged: {
      class: 'invalid',
      text: 'a second object starts here in the document of the first ({key} is already on line {line}), so only the last value of each field counts',
      fix: 'put a line --- between the two objects',
    },
  },
  check({ duplicateKeys }, report) {
    const merged = mergedIn(duplicateKeys);
    const reported = new Set<SourceObject>();
    for (const { source, duplicate } of duplicateKeys) {
      const { key, path, first, same, empty } = duplicate;
      const at = { source, path, anchor: path.filter((part) => typeof part === 'string').join('.') };
      const parent = path.slice(0, -1);
      if (parent.length === 0 && merged.has(source)) {
        if (!reported.has(source)) report('merged', { ...at, anchor: '', data: { key, line: first.line } });
        reported.add(source);
        continue;
      }
      const place = parent.length === 0 ? `this ${source.object.kind}` : renderPath(parent);
      const isHarmful = !empty && isOfTraffic(source.object);
      report(same ? 'repeated' : isHarmful ? 'differs' : 'lastWins', { ...at, data: { key, place, line: first.line } });
    }
  },
});

// Gateways have no rules of their own, but traffic comes through them.
const TRAFFIC_GROUPS: ReadonlySet<string> = new Set(['gateway.networking.k8s.io', 'networking.istio.io']);

// Rollgate only asks whether these exist.
const NAMED_ONLY: ReadonlySet<string> = new Set(['ConfigMap', 'Secret', 'ServiceAccount', 'PersistentVolumeClaim']);

// Whether any other kind is harmed, nobody can tell here.
function isOfTraffic(object: KubeObject): boolean {
  const kind = kindOf(object);
  return (kind !== undefined && !NAMED_ONLY.has(kind)) || TRAFFIC_GROUPS.has(groupOf(object.apiVersion));
}

function mergedIn(duplicateKeys: Documents['duplicateKeys']): ReadonlySet<SourceObject> {
  const repeating = (key: string): SourceObject[] =>
    duplicateKeys
      .filter(({ duplicate }) => duplicate.path.length === 1 && duplicate.key === key)
      .map(({ source }) => source);
  const kinds = new Set(repeating('kind'));
  return new Set(repeating('metadata').filter((source) => kinds.has(source)));
}

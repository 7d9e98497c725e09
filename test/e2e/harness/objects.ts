import { parseAllDocuments } from 'yaml';
import { isKubeObject, type KubeObject } from '../../../src/world/object.ts';

/** In: YAML. Out: the objects in it. Throws where a document is no object. */
export function objectsOf(yaml: string): KubeObject[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as unknown)
    .filter((value) => value !== null && value !== undefined)
    .map((value) => {
      if (!isKubeObject(value)) throw new Error(`no object: ${JSON.stringify(value).slice(0, 200)}`);
      return value;
    });
}

/** In: an object and a namespace. Out: it, in that namespace. */
export function inNamespace(object: KubeObject, namespace: string): KubeObject {
  return { ...object, apiVersion: object.apiVersion, kind: object.kind, metadata: { ...object.metadata, namespace } };
}

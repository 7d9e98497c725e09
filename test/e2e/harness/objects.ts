import { parseAllDocuments } from 'yaml';
import { isKubeObject, type KubeObject } from '../../../src/world/object.ts';

/**
 * Returns the objects in a YAML text.
 *
 * @throws Error - If a document is no object.
 */
export function objectsOf(yaml: string): KubeObject[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as unknown)
    .filter((value) => value !== null && value !== undefined)
    .map((value) => {
      if (!isKubeObject(value)) throw new Error(`no object: ${JSON.stringify(value).slice(0, 200)}`);
      return value;
    });
}

/** Returns an object with another namespace. */
export function inNamespace(object: KubeObject, namespace: string): KubeObject {
  return { ...object, apiVersion: object.apiVersion, kind: object.kind, metadata: { ...object.metadata, namespace } };
}

import type { ServerResponse } from 'node:http';
import type { KubeObject } from '../../../src/world/object.ts';
import { dig, type JsonObject } from '../../../src/world/read.ts';

/** The objects that a request selects, and the form in which it wants them. */
export interface View {
  readonly apiVersion: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly labels: readonly (readonly [string, string])[];
  readonly metadataOnly: boolean;
}

/** The parts of an API path. */
export interface PathTarget {
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly name: string | undefined;
}

/** Returns the parts of an API path, or undefined if it names no resource. */
export function parsePath(path: string): PathTarget | undefined {
  const match =
    /^\/(?:api\/([^/]+)|apis\/([^/]+)\/([^/]+))(?:\/namespaces\/([^/]+)(?=\/[^/]))?\/([^/]+)(?:\/([^/]+))?$/.exec(path);
  if (match === null) return undefined;
  const [, core, group, version, namespace, plural, name] = match;
  return {
    group: group ?? '',
    version: core ?? version ?? '',
    namespace: namespace === undefined ? undefined : decodeURIComponent(namespace),
    plural: plural ?? '',
    name: name === undefined ? undefined : decodeURIComponent(name),
  };
}

/** Returns the verb of a GET request. */
export function verbOf(target: PathTarget, query: URLSearchParams): 'list' | 'watch' | 'get' {
  if (query.get('watch') === 'true') return 'watch';
  return target.name === undefined ? 'list' : 'get';
}

/** Returns whether a request selects an object. */
export function inView(object: KubeObject, view: View): boolean {
  if (view.namespace !== undefined && object.metadata.namespace !== view.namespace) return false;
  if (view.name !== undefined && object.metadata.name !== view.name) return false;
  return view.labels.every(([key, value]) => dig(object.metadata, 'labels', key) === value);
}

/**
 * Returns a stored object in the form that a request wants.
 *
 * @param named - Whether it includes `apiVersion` and `kind`.
 */
export function shown(object: KubeObject, view: View, named: boolean): JsonObject {
  if (view.metadataOnly)
    return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
  const { apiVersion: _, kind, ...rest } = object;
  return named ? { apiVersion: view.apiVersion, kind, ...rest } : rest;
}

/** Returns a Status as the API server writes it. */
export function statusOf(code: number, reason: string, message: string, details?: JsonObject): JsonObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code,
    ...(details === undefined ? {} : { details }),
  };
}

/** Answers with a Status that reports a failure. */
export function refuse(
  response: ServerResponse,
  code: number,
  reason: string,
  message: string,
  details?: JsonObject,
): void {
  response
    .writeHead(code, { 'content-type': 'application/json' })
    .end(JSON.stringify(statusOf(code, reason, message, details)));
}

/** Answers 200 with a JSON body. */
export function reply(response: ServerResponse, body: JsonObject): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

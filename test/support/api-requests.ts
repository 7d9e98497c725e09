import type { ServerResponse } from 'node:http';
import type { KubeObject } from '../../src/world/object.ts';
import { dig, type JsonObject } from '../../src/world/read.ts';

/** What of a resource a request is about, and in which form. */
export interface View {
  readonly apiVersion: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly labels: readonly (readonly [string, string])[];
  readonly metadataOnly: boolean;
}

/** What a path of the API names. */
export interface PathTarget {
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly name: string | undefined;
}

/** In: a path. Out: what it names; undefined where it names no resource. */
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

/** In: what a path names, and the query. Out: what is asked for. */
export function verbOf(target: PathTarget, query: URLSearchParams): 'list' | 'watch' | 'get' {
  if (query.get('watch') === 'true') return 'watch';
  return target.name === undefined ? 'list' : 'get';
}

/** Whether a request is about an object. */
export function inView(object: KubeObject, view: View): boolean {
  if (view.namespace !== undefined && object.metadata.namespace !== view.namespace) return false;
  if (view.name !== undefined && object.metadata.name !== view.name) return false;
  return view.labels.every(([key, value]) => dig(object.metadata, 'labels', key) === value);
}

/** In: a stored object, how it is wanted, and whether it says what it is. Out: it as it goes out. */
export function shown(object: KubeObject, view: View, named: boolean): JsonObject {
  if (view.metadataOnly)
    return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
  const { apiVersion: _, kind, ...rest } = object;
  return named ? { apiVersion: view.apiVersion, kind, ...rest } : rest;
}

/** In: the parts of a Status. Out: it, as the API server writes it. */
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

/** Answers with a Status that says no. */
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

/** Answers with a body. */
export function reply(response: ServerResponse, body: JsonObject): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

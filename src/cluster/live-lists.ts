import { listIn, type KubeObject, type ObjectKey } from '../world/object.ts';
import { asString, dig } from '../world/read.ts';
import type { ApiClient } from './client.ts';
import { pathOf, type Served } from './discovery.ts';
import type { Locate } from './fetch.ts';
import { CONTROLLER_CONFIG, NAME_ONLY, trim } from './trim.ts';

/** The outcome of a live list. */
export type Listed = readonly KubeObject[] | 'unreadable';

// One request needs few: a rule lists a kind or two.
const MAX_LISTS = 8;
// Reading more would take longer than a request may, and all of them are in memory until it is answered.
const MAX_OBJECTS = 500;
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * Reads lists live, each once, and returns the objects as the cache holds them. Of ConfigMaps it reads those of the
 * controllers. A list is `unreadable` if the read was denied, failed or timed out, if its kind is not served, if it has
 * more than 500 objects or 8 MiB, or if it is not among the first eight. Resolves by the deadline and never rejects.
 *
 * @param keys - Made by `listKey`.
 * @param deadline - Milliseconds since the epoch.
 */
export async function fetchLists(
  keys: readonly ObjectKey[],
  locate: Locate,
  deadline: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<ObjectKey, Listed>> {
  const answers = new Map<ObjectKey, Listed>();
  for (const key of keys) answers.set(key, 'unreadable');
  // A timer of 0 ms fires after a quick answer from this machine: what is late already is not asked at all.
  if (signal.aborted || Date.now() >= deadline) return answers;
  const late = new AbortController();
  const end = (): void => late.abort();
  const timer = setTimeout(end, deadline - Date.now());
  signal.addEventListener('abort', end, { once: true });
  const { promise: lapsed, resolve } = Promise.withResolvers<void>();
  late.signal.addEventListener('abort', () => resolve(), { once: true });
  const work = Promise.all(
    [...answers.keys()].slice(0, MAX_LISTS).map(async (key) => {
      const listed = await fetchList(key, locate, late.signal);
      answers.set(key, listed);
    }),
  );
  // Credentials come from programs that no signal can stop.
  await Promise.race([work, lapsed]);
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
  return new Map(answers);
}

async function fetchList(key: ObjectKey, locate: Locate, signal: AbortSignal): Promise<Listed> {
  const wanted = listIn(key);
  const places = wanted === undefined ? [] : locate(wanted.kind);
  if (wanted === undefined || places.length === 0) return 'unreadable';
  const lists = await Promise.all(places.map(({ client, served }) => read(client, served, wanted.namespace, signal)));
  return lists.includes('unreadable') ? 'unreadable' : lists.flatMap((list) => (list === 'unreadable' ? [] : list));
}

async function read(client: ApiClient, served: Served, namespace: string, signal: AbortSignal): Promise<Listed> {
  const ofControllers = served.kind === 'ConfigMap';
  const metadataOnly = NAME_ONLY.has(served.kind) && !ofControllers;
  const accept = metadataOnly ? 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' : 'application/json';
  const query = {
    limit: String(MAX_OBJECTS),
    ...(ofControllers ? { fieldSelector: `metadata.name=${CONTROLLER_CONFIG}` } : {}),
  };
  const objects: KubeObject[] = [];
  const tooMuch = new AbortController();
  let bytes = 0;
  let complete = true;
  try {
    const path = pathOf(served, namespace === '' ? undefined : namespace);
    const request = { path, query, accept, signal: AbortSignal.any([signal, tooMuch.signal]) };
    const page = await client.list(request, (item) => {
      bytes += item.bytes;
      const object = item.whole ? trim(served.kind, served.apiVersion, item.value) : undefined;
      if (object === undefined) complete = false;
      else objects.push(object);
      if (bytes > MAX_BYTES) tooMuch.abort();
    });
    return complete && asString(dig(page, 'metadata', 'continue')) === '' ? objects : 'unreadable';
  } catch {
    return 'unreadable';
  }
}

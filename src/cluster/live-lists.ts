import { listIn, type KubeObject, type ObjectKey } from '../world/object.ts';
import { asString, dig } from '../world/read.ts';
import { weightOf } from './bounded-json.ts';
import { byDeadline } from './by-deadline.ts';
import type { ApiClient } from './client.ts';
import { pathOf, type Served } from './discovery.ts';
import type { Locate } from './fetch.ts';
import type { LiveListRoom } from './live-list-room.ts';
import { CONTROLLER_CONFIG, NAME_ONLY, trim } from './trim.ts';

/** The outcome of a live list. */
export type Listed = readonly KubeObject[] | 'unreadable';

// One request needs few: a rule lists a kind or two. What its own namespace shows comes first: others choose how many
// namespaces their routes send to.
const MAX_LISTS = 8;
// Reading more would take longer than a request may, and all of them are in memory until it is answered.
const MAX_OBJECTS = 500;
// The text of a list, whatever it becomes in memory.
const MAX_BYTES = 8 * 1024 * 1024;

/** For whom lists are read. */
export interface Payer {
  /** The namespace of the request; empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly room: LiveListRoom;
}

/**
 * Reads lists live, each once, and returns the objects as the cache holds them. Of ConfigMaps it reads those of the
 * controllers. A list is `unreadable` if the read was denied, failed or timed out, if its kind is not served, if it has
 * more than 500 objects or 8 MiB, if there is no room for it in memory, or if it is not among the first
 * eight, those of the namespace of the request before others. Resolves
 * by the deadline and never rejects.
 *
 * @param keys - Made by `listKey`.
 * @param deadline - Milliseconds since the epoch.
 */
export async function fetchLists(
  keys: readonly ObjectKey[],
  locate: Locate,
  deadline: number,
  signal: AbortSignal,
  { namespace, room }: Payer,
): Promise<ReadonlyMap<ObjectKey, Listed>> {
  const answers = new Map<ObjectKey, Listed>();
  for (const key of keys) answers.set(key, 'unreadable');
  const fits = (weight: number): boolean => room.take(namespace, weight, deadline);
  await byDeadline(deadline, signal, (late) =>
    room.inTurn(namespace, late, async () => {
      for (const key of inOrder([...answers.keys()], namespace).slice(0, MAX_LISTS)) {
        if (late.aborted) return;
        answers.set(key, await fetchList(key, locate, late, fits));
      }
    }),
  );
  return new Map(answers);
}

function inOrder(keys: readonly ObjectKey[], own: string): readonly ObjectKey[] {
  const isOwn = (key: ObjectKey): boolean => listIn(key)?.namespace === own;
  return [...keys.filter(isOwn), ...keys.filter((key) => !isOwn(key))];
}

/**
 * Reads one list.
 *
 * @param fits - Returns whether an object with that weight in memory still fits.
 */
async function fetchList(
  key: ObjectKey,
  locate: Locate,
  signal: AbortSignal,
  fits: (weight: number) => boolean,
): Promise<Listed> {
  const wanted = listIn(key);
  const places = wanted === undefined ? [] : locate(wanted.kind);
  if (wanted === undefined || places.length === 0) return 'unreadable';
  const lists = await Promise.all(
    places.map(({ client, served }) => read(client, { served, namespace: wanted.namespace }, signal, fits)),
  );
  return lists.includes('unreadable') ? 'unreadable' : lists.flatMap((list) => (list === 'unreadable' ? [] : list));
}

async function read(
  client: ApiClient,
  { served, namespace }: { readonly served: Served; readonly namespace: string },
  signal: AbortSignal,
  fits: (weight: number) => boolean,
): Promise<Listed> {
  const ofControllers = served.kind === 'ConfigMap';
  const metadataOnly = NAME_ONLY.has(served.kind) && !ofControllers;
  const accept = metadataOnly ? 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' : 'application/json';
  const query = {
    limit: String(MAX_OBJECTS),
    ...(ofControllers ? { fieldSelector: `metadata.name=${CONTROLLER_CONFIG}` } : {}),
  };
  const objects: KubeObject[] = [];
  let bytes = 0;
  try {
    const path = pathOf(served, namespace === '' ? undefined : namespace);
    const page = await client.listNow({ path, query, accept, signal }, (item) => {
      bytes += item.bytes;
      // Leaving the loop that reads the response ends it.
      if (bytes > MAX_BYTES || !fits(weightOf(item.text))) throw new RangeError('the list is too large');
      const object = item.whole ? trim(served.kind, served.apiVersion, item.value) : undefined;
      if (object === undefined) throw new RangeError('an object of the list is too large');
      objects.push(object);
    });
    return asString(dig(page, 'metadata', 'continue')) === '' ? objects : 'unreadable';
  } catch {
    return 'unreadable';
  }
}

import { isKindId, KINDS, type KindId, type KubeObject, type ObjectKey } from '../world/object.ts';
import { weightOf } from './bounded-json.ts';
import { byDeadline } from './by-deadline.ts';
import { ApiError, type ApiClient } from './client.ts';
import { pathOf, type Served } from './discovery.ts';
import { CONTROLLER_CONFIG, NAME_ONLY, trim, whole } from './trim.ts';

/** The outcome of a live read; undefined means that the object does not exist. */
export type Fetched = KubeObject | undefined | 'unreadable';

/** Returns where to read a kind; empty if that is not known. */
export type Locate = (kind: KindId) => readonly { readonly client: ApiClient; readonly served: Served }[];

const CONCURRENT_READS = 16;
// The objects that one request reads are all in memory until it is answered.
const MAX_WEIGHT = 32 * 1024 * 1024;

/** What the objects of one call may still take in memory, in bytes. */
interface Room {
  left: number;
}

// Anything else is not a valid object name, and must not become part of a path.
const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.:]{0,251}[A-Za-z0-9])?$/;

/**
 * Reads objects live, each once. An object is complete, unless only its name is read for its kind. An object is
 * `unreadable` if the read was denied, failed or timed out, if its kind is not served, or if the objects together would
 * take more than 32 MiB of memory. Resolves by the deadline and never rejects.
 * @param deadline - Milliseconds since the epoch.
 */
export async function fetchObjects(
  keys: readonly ObjectKey[],
  locate: Locate,
  deadline: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<ObjectKey, Fetched>> {
  const answers = new Map<ObjectKey, Fetched>();
  for (const key of keys) answers.set(key, 'unreadable');
  const waiting = [...answers.keys()];
  const room: Room = { left: MAX_WEIGHT };
  await byDeadline(deadline, signal, (late) => {
    const worker = async (): Promise<void> => {
      for (let key = waiting.shift(); key !== undefined && !late.aborted; key = waiting.shift())
        answers.set(key, await fetchOne(key, locate, room, late));
    };
    return Promise.all(Array.from({ length: Math.min(CONCURRENT_READS, waiting.length) }, worker));
  });
  return new Map(answers);
}

async function fetchOne(key: ObjectKey, locate: Locate, room: Room, signal: AbortSignal): Promise<Fetched> {
  const [kind = '', namespace = '', name = '', ...more] = key.split('/');
  if (!isKindId(kind) || name === '*') return 'unreadable';
  const { namespaced } = KINDS[kind];
  if (more.length > 0 || !NAME.test(name) || (namespaced && !NAME.test(namespace))) return undefined;
  const places = locate(kind);
  const answers = await Promise.all(
    places.map(({ client, served }) => read(client, { served, namespace, name }, room, signal)),
  );
  const present = answers.find((answer) => answer !== undefined && answer !== 'unreadable');
  if (present !== undefined) return present;
  return answers.length === 0 || answers.includes('unreadable') ? 'unreadable' : undefined;
}

async function read(
  client: ApiClient,
  { served, namespace, name }: { readonly served: Served; readonly namespace: string; readonly name: string },
  room: Room,
  signal: AbortSignal,
): Promise<Fetched> {
  const metadataOnly = NAME_ONLY.has(served.kind) && !(served.kind === 'ConfigMap' && name === CONTROLLER_CONFIG);
  const accept = metadataOnly ? 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' : 'application/json';
  try {
    const text = await client.text({ path: pathOf(served, namespace, name), accept, signal });
    const weight = weightOf(text);
    if (weight > room.left) return 'unreadable';
    room.left -= weight;
    return (metadataOnly ? trim : whole)(served.kind, served.apiVersion, JSON.parse(text)) ?? 'unreadable';
  } catch (error) {
    // A 404 without an object name is about the kind: its definition was deleted.
    return error instanceof ApiError && error.objectNotFound ? undefined : 'unreadable';
  }
}

import { isKindId, KINDS, type KindId, type KubeObject, type ObjectKey } from '../world/object.ts';
import { ApiError, type ApiClient } from './client.ts';
import { pathOf, type Served } from './discovery.ts';
import { CONTROLLER_CONFIG, NAME_ONLY, trim, whole } from './trim.ts';

/** What a live read of an object came to; undefined: it does not exist. */
export type Fetched = KubeObject | undefined | 'unreadable';

/** In: a kind. Out: where it is to be read, and from whom; nowhere if that is not known. */
export type Locate = (kind: KindId) => readonly { readonly client: ApiClient; readonly served: Served }[];

const AT_A_TIME = 16;

// Anything else is the name of no object, and must not become part of a path.
const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.:]{0,251}[A-Za-z0-9])?$/;

/**
 * In: keys, how to find their kinds, until when (milliseconds since the epoch), and a signal. Out: for each key once,
 * the object as it is now, whole unless its kind is known by name only; undefined if there is none; `unreadable` if
 * that cannot be told: refused, failed, not in time, of a kind not served. Resolves within the time; never rejects.
 */
export async function fetchObjects(
  keys: readonly ObjectKey[],
  locate: Locate,
  deadline: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<ObjectKey, Fetched>> {
  const answers = new Map<ObjectKey, Fetched>();
  for (const key of keys) answers.set(key, 'unreadable');
  // A timer of 0 ms fires after a quick answer from this machine: what is late already is not asked at all.
  if (signal.aborted || Date.now() >= deadline) return answers;
  const late = new AbortController();
  const end = (): void => late.abort();
  const timer = setTimeout(end, deadline - Date.now());
  signal.addEventListener('abort', end, { once: true });
  const waiting = [...answers.keys()];
  const worker = async (): Promise<void> => {
    for (let key = waiting.shift(); key !== undefined && !late.signal.aborted; key = waiting.shift()) {
      answers.set(key, await fetchOne(key, locate, late.signal));
    }
  };
  const work = Promise.all(Array.from({ length: Math.min(AT_A_TIME, waiting.length) }, worker));
  const { promise: lapsed, resolve } = Promise.withResolvers<void>();
  late.signal.addEventListener('abort', () => resolve(), { once: true });
  // Credentials come from programs that no signal ends.
  await Promise.race([work, lapsed]);
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
  return new Map(answers);
}

async function fetchOne(key: ObjectKey, locate: Locate, signal: AbortSignal): Promise<Fetched> {
  const [kind = '', namespace = '', name = '', ...more] = key.split('/');
  if (!isKindId(kind) || name === '*') return 'unreadable';
  const { namespaced } = KINDS[kind];
  if (more.length > 0 || !NAME.test(name) || (namespaced && !NAME.test(namespace))) return undefined;
  const places = locate(kind);
  const answers = await Promise.all(places.map(({ client, served }) => read(client, served, namespace, name, signal)));
  const present = answers.find((answer) => answer !== undefined && answer !== 'unreadable');
  if (present !== undefined) return present;
  return answers.length === 0 || answers.includes('unreadable') ? 'unreadable' : undefined;
}

async function read(
  client: ApiClient,
  served: Served,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Fetched> {
  const metadataOnly = NAME_ONLY.has(served.kind) && !(served.kind === 'ConfigMap' && name === CONTROLLER_CONFIG);
  const accept = metadataOnly ? 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' : 'application/json';
  try {
    const raw = await client.get({ path: pathOf(served, namespace, name), accept, signal });
    return (metadataOnly ? trim : whole)(served.kind, served.apiVersion, raw) ?? 'unreadable';
  } catch (error) {
    // A 404 that names no object is about the kind: its definition has gone.
    return error instanceof ApiError && error.objectNotFound ? undefined : 'unreadable';
  }
}

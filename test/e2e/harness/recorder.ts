import type { KubeObject } from '../../../src/world/object.ts';
import { asString } from '../../../src/world/read.ts';
import type { Api, WatchEvent } from './api.ts';
import { pathOf } from './paths.ts';
import { until } from './program.ts';

/** Which object is recorded. */
interface Recorded {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Records every version of an object from its start on; it misses none. */
export class Recorder {
  readonly events: WatchEvent[] = [];
  readonly #stopped = new AbortController();
  readonly #current: () => Promise<KubeObject | undefined>;

  private constructor(current: () => Promise<KubeObject | undefined>) {
    this.#current = current;
  }

  /** Starts to record an object, which need not exist yet. */
  static async start(api: Api, at: Recorded): Promise<Recorder> {
    const recorder = new Recorder(() => api.get(at.apiVersion, at.kind, at.namespace, at.name));
    const query = `fieldSelector=metadata.name%3D${at.name}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`;
    await api.watch(
      `${pathOf({ ...at, name: undefined })}?${query}`,
      (event) => recorder.events.push(event),
      recorder.#stopped.signal,
      () => {
        recorder.events.push({
          type: 'ERROR',
          object: { apiVersion: 'v1', kind: 'Status', metadata: { name: 'the watch ended' } },
        });
      },
    );
    return recorder;
  }

  /**
   * Ends the recording. Returns the versions of the object up to the one that is stored now, oldest first. A watch may
   * be behind what was read elsewhere, so this waits until it has brought that version.
   *
   * @throws Error - If the watch was cut, because versions may be missing then, or if it stays behind.
   */
  async stop(): Promise<KubeObject[]> {
    const stored = versionOf(await this.#current());
    await until('the watch brings the stored version', () =>
      this.events.some(({ type, object }) => type === 'ERROR' || (type !== 'BOOKMARK' && versionOf(object) >= stored)),
    );
    this.#stopped.abort();
    if (this.events.some(({ type }) => type === 'ERROR')) throw new Error('the watch was cut');
    return this.versions;
  }

  /** The versions so far, oldest first. */
  get versions(): KubeObject[] {
    return this.events.filter(({ type }) => type === 'ADDED' || type === 'MODIFIED').map(({ object }) => object);
  }
}

/**
 * Returns the version of an object, which is a revision of etcd: a whole number that grows. Of an object that is gone, any
 * version will do.
 */
export function versionOf(object: KubeObject | undefined): bigint {
  return object === undefined ? 0n : BigInt(asString(object?.metadata['resourceVersion']));
}

/**
 * Returns the version of a recorded object, as `versionOf` does.
 *
 * @throws Error - If there is no such object.
 */
export function recordedVersion(object: KubeObject | undefined): bigint {
  if (object === undefined) throw new Error('no such version was recorded');
  return versionOf(object);
}

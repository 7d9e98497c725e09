import type { KubeObject } from '../../../src/world/object.ts';
import type { Api, WatchEvent } from './api.ts';
import { pathOf } from './paths.ts';

/** Records every version of an object from its start on; it misses none. */
export class Recorder {
  readonly events: WatchEvent[] = [];
  readonly #stopped = new AbortController();

  /** Starts to record an object, which need not exist yet. */
  static async start(
    api: Api,
    at: { apiVersion: string; kind: string; namespace: string; name: string },
  ): Promise<Recorder> {
    const recorder = new Recorder();
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
   * Ends the recording. Returns the versions of the object, oldest first.
   *
   * @throws Error - If the watch was cut, because versions may be missing then.
   */
  stop(): KubeObject[] {
    this.#stopped.abort();
    if (this.events.some(({ type }) => type === 'ERROR')) throw new Error('the watch was cut');
    return this.versions;
  }

  /** The versions so far, oldest first. */
  get versions(): KubeObject[] {
    return this.events.filter(({ type }) => type === 'ADDED' || type === 'MODIFIED').map(({ object }) => object);
  }
}

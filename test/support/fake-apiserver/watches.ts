import type { ServerResponse } from 'node:http';
import { inView, shown, statusOf, type View } from './requests.ts';
import { titleOf } from './resources.ts';
import type { Event, Table } from './store.ts';

/** How watches behave. Tests change this while the server runs, so it is read each time. */
export interface WatchSettings {
  readonly watchDelay: number;
  readonly bookmarkEvery: number;
  readonly chunk: number | undefined;
}

interface Watcher {
  readonly response: ServerResponse;
  readonly table: Table;
  readonly view: View;
  /** The resource version that the client has seen. */
  version: number;
  silent: boolean;
  /** Ends when the last line is written. Each line waits for it, so that pieces of lines do not mix. */
  tail: Promise<void>;
  readonly timers: Set<NodeJS.Timeout>;
}

/** The open watches of the server. */
export class Watches {
  readonly #settings: WatchSettings;
  readonly #newestVersion: () => number;
  readonly #watchers = new Set<Watcher>();
  #oldest = 0;
  #paused = false;

  constructor(settings: WatchSettings, newestVersion: () => number) {
    this.#settings = settings;
    this.#newestVersion = newestVersion;
  }

  /** Answers a watch request: sends the changes since its `resourceVersion`, then those to come. */
  open(table: Table, view: View, query: URLSearchParams, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const version = Number(query.get('resourceVersion') ?? 0);
    if (version < this.#oldest) {
      const status = statusOf(410, 'Expired', `too old resource version: ${version} (${this.#oldest})`);
      response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
      return;
    }
    const watcher: Watcher = {
      response,
      table,
      view,
      version,
      silent: false,
      tail: Promise.resolve(),
      timers: new Set(),
    };
    this.#watchers.add(watcher);
    const seconds = Number(query.get('timeoutSeconds') ?? 1800);
    later(watcher, seconds * 1000, () => {
      if (!watcher.silent) response.end();
    });
    const bookmarks =
      query.get('allowWatchBookmarks') === 'true'
        ? setInterval(() => this.#sendBookmark(watcher), this.#settings.bookmarkEvery)
        : undefined;
    response.once('close', () => {
      clearInterval(bookmarks);
      for (const timer of watcher.timers) clearTimeout(timer);
      this.#watchers.delete(watcher);
    });
    if (this.#settings.watchDelay === 0) this.#catchUp(watcher);
    else later(watcher, this.#settings.watchDelay, () => this.#catchUp(watcher));
  }

  /** Reports a change to the watches of its resource, at once or after `watchDelay`. */
  report(table: Table, event: Event): void {
    for (const watcher of this.#watchers) {
      if (watcher.table !== table) continue;
      if (this.#settings.watchDelay === 0) this.#catchUp(watcher);
      else later(watcher, this.#settings.watchDelay, () => this.#catchUp(watcher, event.version));
    }
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const watcher of this.#watchers) this.#catchUp(watcher);
  }

  /** Answers watches from before the newest version with 410 from now on. */
  compact(): void {
    this.#oldest = this.#newestVersion();
  }

  cut(): void {
    for (const { response } of this.#watchers) response.destroy();
  }

  silence(): void {
    for (const watcher of this.#watchers) watcher.silent = true;
  }

  /** Ends the watches of a resource in the regular way. */
  end(table: Table): void {
    for (const watcher of this.#watchers) if (watcher.table === table) watcher.response.end();
  }

  bookmark(): void {
    for (const watcher of this.#watchers) this.#sendBookmark(watcher);
  }

  sendRaw(resource: string, text: string): void {
    for (const watcher of this.#watchers) if (titleOf(watcher.table.resource) === resource) this.#write(watcher, text);
  }

  count(resource: string | undefined): number {
    return [...this.#watchers].filter(
      (watcher) => resource === undefined || titleOf(watcher.table.resource) === resource,
    ).length;
  }

  /** Sends a watch the changes after the version that the client has seen, up to a version. */
  #catchUp(watcher: Watcher, upTo = Infinity): void {
    if (this.#paused) return;
    const { history } = watcher.table;
    const seen = watcher.version;
    for (const event of history.slice(history.findLastIndex(({ version }) => version <= seen) + 1)) {
      if (event.version > upTo) return;
      watcher.version = event.version;
      if (inView(event.object, watcher.view))
        this.#write(
          watcher,
          `${JSON.stringify({ type: event.type, object: shown(event.object, watcher.view, true) })}\n`,
        );
    }
  }

  #sendBookmark(watcher: Watcher): void {
    // A real API server advances bookmarks of quiet resources, too. With a delay or a pause, changes may still be unsent.
    if (!this.#paused && this.#settings.watchDelay === 0)
      watcher.version = Math.max(watcher.version, this.#newestVersion());
    const { apiVersion, metadataOnly } = watcher.view;
    const head = metadataOnly
      ? { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata' }
      : { apiVersion, kind: watcher.table.resource.kind };
    const object = { ...head, metadata: { resourceVersion: String(watcher.version), creationTimestamp: null } };
    this.#write(watcher, `${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  #write(watcher: Watcher, text: string): void {
    if (watcher.silent) return;
    const bytes = Buffer.from(text);
    const size = this.#settings.chunk ?? bytes.length;
    watcher.tail = watcher.tail.then(async () => {
      for (let start = 0; start < bytes.length && !watcher.silent && !watcher.response.writableEnded; start += size) {
        watcher.response.write(bytes.subarray(start, start + size));
        if (size < bytes.length) await new Promise((resolve) => setImmediate(resolve));
      }
    });
  }
}

function later(watcher: Watcher, milliseconds: number, act: () => void): void {
  const timer = setTimeout(() => {
    watcher.timers.delete(timer);
    act();
  }, milliseconds);
  watcher.timers.add(timer);
}

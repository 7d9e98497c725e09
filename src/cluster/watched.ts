import type { InstalledFields } from '../world/field-tree.ts';
import { KINDS, type KindId, type KubeObject, type ObjectKey } from '../world/object.ts';
import type { ObjectStore } from '../world/store.ts';
import type { CacheLimit } from './cache-limit.ts';
import type { ApiClient } from './client.ts';
import { Definitions, DEFINITIONS } from './definitions.ts';
import { DiscoverySchedule } from './discovery-schedule.ts';
import { definitionsOf, discover, type Discovered, type Served } from './discovery.ts';
import type { NameOnlyReason } from './held.ts';
import { Reflector, type Logger } from './reflector.ts';
import { Source, type SourceContext, type WatchScope } from './source.ts';
import type { Timing } from './timing.ts';
import { messageOf } from '../world/error.ts';

// A kind is removed after it was missing this many times in a row: an API server that starts serves custom resources a
// little later than the rest.
const MISSES_UNTIL_REMOVED = 2;

const NAME_ONLY_REASONS: Readonly<
  Record<NameOnlyReason, (kind: string, namespace: string, name: string | undefined) => string>
> = {
  controlled: () => 'ReplicaSets of a controller are not cached',
  'too large': (kind, namespace, name) =>
    name === undefined
      ? `a ${kind} in namespace ${namespace} is too large for the cache`
      : `${kind} "${name}" is too large for the cache`,
  'no room': (kind, namespace) =>
    `the cache is full, and namespace ${namespace} uses the most: it has no room for some ${kind} objects`,
};

/** Options of `WatchedCluster`. */
export interface WatchedClusterOptions {
  readonly client: ApiClient;
  readonly kinds: readonly KindId[];
  /** The namespaces to watch; undefined means all. */
  readonly namespaces: readonly string[] | undefined;
  readonly store: ObjectStore;
  readonly limit: CacheLimit;
  readonly timing: Timing;
  readonly log: Logger;
  /** Called after an object in the store has changed. */
  readonly changed: (key: ObjectKey) => void;
  /** Called when `fields` may have changed. */
  readonly fieldsChanged: () => void;
}

/**
 * One API server. Discovers how it serves the kinds, now and whenever CustomResourceDefinitions change, and runs a
 * source for each.
 */
export class WatchedCluster {
  readonly client: ApiClient;
  readonly kinds: ReadonlySet<KindId>;
  readonly #options: WatchedClusterOptions;
  readonly #context: SourceContext;
  readonly #definitions: Definitions;
  readonly #definitionWatch: Reflector<KubeObject>;
  readonly #stop = new AbortController();
  readonly #sources = new Map<string, Source>();
  #byKind: ReadonlyMap<KindId, readonly Source[]> = new Map();
  readonly #missing = new Map<string, number>();
  readonly #withheld = new Map<KindId, string>();
  #running: Promise<void> = Promise.resolve();
  #found: Discovered | undefined;
  #error = '';
  #failures = 0;
  #startedAt = 0;
  readonly #schedule: DiscoverySchedule;
  #wake = new AbortController();

  constructor(options: WatchedClusterOptions) {
    const { client, kinds, store, limit, timing, log, changed } = options;
    this.#options = options;
    this.client = client;
    this.#schedule = new DiscoverySchedule(timing);
    this.kinds = new Set(kinds);
    this.#context = {
      store,
      limit,
      timing,
      log,
      changed,
      unserved: () => {
        if (!this.#schedule.changeIsDue) this.#discoverSoon();
      },
      find: (kind, namespace, name) => this.#find(kind, namespace, name),
    };
    this.#definitions = new Definitions({
      client,
      names: definitionsOf(kinds),
      log,
      signal: this.#stop.signal,
      changed: () => this.#discoverSoon(),
      fieldsChanged: options.fieldsChanged,
    });
    const target = { path: DEFINITIONS, query: {}, metadataOnly: true, label: DEFINITIONS };
    this.#definitionWatch = new Reflector(client, target, this.#definitions, timing, log);
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#definitionWatch.start();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await Promise.all([
      this.#running,
      this.#definitionWatch.stop(),
      this.#definitions.refresh(),
      ...this.sources().map((source) => source.reflector.stop()),
    ]);
    this.client.close();
  }

  /** Why API discovery has no result yet; empty once it has. */
  get discoveryError(): string {
    if (this.#found !== undefined) return '';
    return this.#error === '' ? 'API discovery has not run yet' : `API discovery failed: ${this.#error}`;
  }

  /** Reports whether API discovery has failed for so long that startup must not wait for it. */
  gaveUp(): boolean {
    return this.discoveryError !== '' && performance.now() - this.#startedAt > this.#options.timing.giveUpWaiting;
  }

  /** Returns the current sources, or those of a kind. */
  sources(kind?: KindId): readonly Source[] {
    return kind === undefined ? [...this.#sources.values()] : (this.#byKind.get(kind) ?? []);
  }

  /** Returns how a kind is served; empty if it is not served or that is unknown. */
  served(kind: KindId): readonly Served[] {
    return [...new Map(this.sources(kind).map(({ scope }) => [scope.served.apiVersion, scope.served])).values()];
  }

  /** Marks kinds as unknown, for a reason; undefined removes the mark. */
  withhold(kinds: readonly KindId[], reason: string | undefined): void {
    for (const kind of kinds) {
      if (reason === undefined) this.#withheld.delete(kind);
      else this.#withheld.set(kind, reason);
    }
    if (this.#found !== undefined) this.#apply(this.#found, 0);
    this.#options.fieldsChanged();
  }

  /** Returns the known fields of the installed custom resources, except of kinds whose objects are elsewhere. */
  get fields(): InstalledFields {
    const kinds = [...this.kinds].filter((kind) => !this.#withheld.has(kind));
    return new Map([...definitionsOf(kinds)].flatMap((name) => [...(this.#definitions.fields(name) ?? [])]));
  }

  /** Reports whether an attempt was made to read the fields of all definitions. */
  get fieldsAreSettled(): boolean {
    const { state } = this.#definitionWatch;
    return state === 'known' ? this.#definitions.isSettled : state !== 'reading';
  }

  /**
   * Returns why it is unknown whether an object exists; undefined if it is known.
   * @param namespace - Empty means all.
   * @param name - Undefined means any.
   */
  whyUnknown(kind: KindId, namespace: string, name: string | undefined): string | undefined {
    const notSynced = this.whyNotSynced(kind, namespace, name);
    if (notSynced !== undefined) return notSynced;
    for (const source of this.sources(kind)) {
      const reason = source.whyNameOnly(namespace, name);
      if (reason !== undefined) return NAME_ONLY_REASONS[reason](KINDS[kind].kind, namespace, name);
    }
    return undefined;
  }

  /** Returns why objects have not been read; undefined if they have. Parameters as for `whyUnknown`. */
  whyNotSynced(kind: KindId, namespace: string, name: string | undefined): string | undefined {
    const { namespaces } = this.#options;
    const { plural, group, namespaced } = KINDS[kind];
    const title = group === '' ? plural : `${plural}.${group}`;
    if (this.discoveryError !== '') return this.discoveryError;
    const withheld = this.#withheld.get(kind);
    if (withheld !== undefined) return withheld;
    const sources = this.sources(kind);
    if (sources.length === 0) {
      return this.#found?.has(kind) === true
        ? `the cluster does not serve ${title}`
        : `API discovery failed for ${title}`;
    }
    if (namespaced && namespaces !== undefined && !namespaces.includes(namespace)) {
      return namespace === ''
        ? `${title} are watched only in some namespaces`
        : `namespace ${namespace} is not watched`;
    }
    for (const source of sources) {
      if (!source.covers(namespace, name)) continue;
      const reason = whyReflectorUnknown(source.reflector, title);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const wait = this.#schedule.next - performance.now();
      if (wait > 0) {
        this.#wake = new AbortController();
        await this.client.pause(wait, this.#wake.signal);
        continue;
      }
      this.#schedule.started(performance.now());
      await this.#discover();
      this.#schedule.ended(performance.now(), this.#failures, this.#definitionWatch.state === 'known');
      void this.#definitions.refresh();
    }
  }

  async #discover(): Promise<void> {
    try {
      const found = await discover(this.client, [...this.kinds], this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#apply(found, 1);
      this.#found = new Map([...(this.#found ?? []), ...found]);
      if (this.#failures > 2) this.#options.log.info({}, 'API discovery recovered');
      this.#failures = 0;
      this.#error = '';
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#error = messageOf(error);
      this.#failures++;
      if (this.#failures === 3) this.#options.log.warn({ error: this.#error }, 'API discovery failed; trying again');
    }
  }

  #discoverSoon(): void {
    this.#schedule.changed(performance.now());
    this.#wake.abort();
  }

  /**
   * Starts and stops sources to match a result of API discovery.
   * @param misses - What this result counts for a kind that it lacks.
   */
  #apply(found: Discovered, misses: number): void {
    const wanted = new Map<string, WatchScope>();
    for (const [kind, places] of found) {
      if (this.#withheld.has(kind)) continue;
      for (const served of places) for (const scope of this.#scopes(served)) wanted.set(scopeKey(scope), scope);
    }
    for (const [key, scope] of wanted) {
      this.#missing.delete(key);
      if (this.#sources.has(key)) continue;
      const source = new Source(this.client, scope, this.#context);
      this.#sources.set(key, source);
      source.reflector.start();
    }
    for (const [key, source] of this.#sources) {
      const { kind } = source.scope.served;
      if (wanted.has(key) || !found.has(kind)) continue;
      const missing = (this.#missing.get(key) ?? 0) + misses;
      this.#missing.set(key, missing);
      if (missing < MISSES_UNTIL_REMOVED && !this.#withheld.has(kind)) continue;
      this.#missing.delete(key);
      this.#sources.delete(key);
      this.#index();
      void source.reflector.stop();
      source.forget();
    }
    this.#index();
  }

  #index(): void {
    this.#byKind = Map.groupBy(this.#sources.values(), ({ scope }) => scope.served.kind);
  }

  #scopes(served: Served): readonly WatchScope[] {
    const { namespaces } = this.#options;
    return (served.namespaced ? (namespaces ?? [undefined]) : [undefined]).flatMap((namespace): WatchScope[] => {
      const scope = { served, namespace, controllerConfig: false };
      return served.kind === 'ConfigMap' ? [scope, { ...scope, controllerConfig: true }] : [scope];
    });
  }

  #find(kind: KindId, namespace: string, name: string): KubeObject | undefined {
    for (const source of this.sources(kind)) {
      const object = source.get(namespace, name);
      if (object !== undefined) return object;
    }
    return undefined;
  }
}

function scopeKey({ served, namespace, controllerConfig }: WatchScope): string {
  return [served.apiVersion, served.plural, namespace ?? '', controllerConfig].join(' ');
}

function whyReflectorUnknown(
  reflector: Pick<Reflector<unknown>, 'state' | 'error'>,
  title: string,
): string | undefined {
  const because = reflector.error === '' ? '' : `: ${reflector.error}`;
  switch (reflector.state) {
    case 'known':
      return undefined;
    case 'reading':
      return `${title} have not been read yet${because}`;
    case 'forbidden':
      return `no permission to list and watch ${title}`;
    case 'unserved':
      return `the cluster does not serve ${title}`;
    case 'failing':
      return `${title} cannot be read${because}`;
  }
}

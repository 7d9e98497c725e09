import { KINDS, type KindId, type KubeObject, type ObjectKey } from '../world/object.ts';
import { dig, asString } from '../world/read.ts';
import type { ObjectStore } from '../world/store.ts';
import type { ApiClient } from './client.ts';
import { definitionsOf, discover, type Discovered, type Served } from './discovery.ts';
import { Reflector, type Logger, type Sink } from './reflector.ts';
import { Source, type Feed, type WatchScope } from './source.ts';
import type { Timing } from './timing.ts';
import { messageOf } from '../world/error.ts';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

// A kind is gone when it is missing this many times in a row: an API server that starts serves custom resources a
// little later than the rest.
const LOOKS_UNTIL_GONE = 2;

/** What a WatchedCluster is made of. */
export interface WatchedClusterOptions {
  readonly client: ApiClient;
  readonly kinds: readonly KindId[];
  /** The namespaces to watch; undefined: all. */
  readonly namespaces: readonly string[] | undefined;
  readonly store: ObjectStore;
  readonly timing: Timing;
  readonly log: Logger;
  /** Called after an object in the store has changed. */
  readonly changed: (key: ObjectKey) => void;
}

/**
 * One API server: finds out where it serves the kinds, now and whenever CustomResourceDefinitions come and go, and
 * keeps a source for each.
 */
export class WatchedCluster {
  readonly client: ApiClient;
  readonly kinds: ReadonlySet<KindId>;
  readonly #options: WatchedClusterOptions;
  readonly #feed: Feed;
  readonly #definitions: Reflector;
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
  #due: readonly number[] = [];
  #lookAt = 0;
  #wake = new AbortController();

  constructor(options: WatchedClusterOptions) {
    const { client, kinds, store, timing, log, changed } = options;
    this.#options = options;
    this.client = client;
    this.kinds = new Set(kinds);
    this.#feed = {
      store,
      timing,
      log,
      changed,
      unserved: () => {
        if (this.#due.length === 0) this.#lookSoon();
      },
      held: (kind, namespace, name) => this.#held(kind, namespace, name),
    };
    const sink = new DefinitionNames(definitionsOf(kinds), () => this.#lookSoon());
    const target = { path: DEFINITIONS, query: {}, metadataOnly: true, label: DEFINITIONS };
    this.#definitions = new Reflector(client, target, sink, timing, log);
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#definitions.start();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await Promise.all([
      this.#running,
      this.#definitions.stop(),
      ...this.sources().map((source) => source.reflector.stop()),
    ]);
    this.client.close();
  }

  /** Why it is not known what the API server serves; empty once it is. */
  get discoveryError(): string {
    if (this.#found !== undefined) return '';
    return this.#error === ''
      ? 'the API server has not been asked yet'
      : `the API server cannot be asked what it serves: ${this.#error}`;
  }

  /** Out: whether it has been blind for so long that nobody should wait for it. */
  gaveUp(): boolean {
    return this.discoveryError !== '' && performance.now() - this.#startedAt > this.#options.timing.giveUpWaiting;
  }

  /** Out: the sources there are now, or those of a kind. */
  sources(kind?: KindId): readonly Source[] {
    return kind === undefined ? [...this.#sources.values()] : (this.#byKind.get(kind) ?? []);
  }

  /** In: a kind. Out: where it is served; empty if it is not, or that is not known. */
  served(kind: KindId): readonly Served[] {
    return [...new Map(this.sources(kind).map(({ scope }) => [scope.served.apiVersion, scope.served])).values()];
  }

  /** In: kinds, and why nothing is to be known of them here; undefined takes that back. */
  withhold(kinds: readonly KindId[], reason: string | undefined): void {
    for (const kind of kinds) {
      if (reason === undefined) this.#withheld.delete(kind);
      else this.#withheld.set(kind, reason);
    }
    if (this.#found !== undefined) this.#apply(this.#found, 0);
  }

  /**
   * In: a kind, a namespace (empty: all), a name (undefined: any). Out: why it cannot be known whether there is such an
   * object; undefined: it can.
   */
  whyUnknown(kind: KindId, namespace: string, name: string | undefined): string | undefined {
    const reason = this.whyNotSynced(kind, namespace, name);
    if (reason !== undefined || !this.sources(kind).some((source) => source.passedOver(namespace, name))) return reason;
    return 'ReplicaSets that a controller made are not looked at';
  }

  /** The same, of what stands in the way of reading it. */
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
        : `the API server does not say whether it serves ${title}`;
    }
    if (namespaced && namespaces !== undefined && !namespaces.includes(namespace)) {
      return namespace === ''
        ? `of ${title} only some namespaces are watched`
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
      const wait = this.#lookAt - performance.now();
      if (wait > 0) {
        this.#wake = new AbortController();
        await this.client.pause(wait, this.#wake.signal);
        continue;
      }
      const began = performance.now();
      await this.#look();
      this.#schedule(began);
    }
  }

  async #look(): Promise<void> {
    try {
      const found = await discover(this.client, [...this.kinds], this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#apply(found, 1);
      this.#found = new Map([...(this.#found ?? []), ...found]);
      if (this.#failures > 2) this.#options.log.info({}, 'the API server says again what it serves');
      this.#failures = 0;
      this.#error = '';
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#error = messageOf(error);
      this.#failures++;
      if (this.#failures === 3)
        this.#options.log.warn({ error: this.#error }, 'the API server does not say what it serves; trying again');
    }
  }

  /** In: when the last look began: what fell due since then was not in it. */
  #schedule(began: number): void {
    const { discovery, backoff } = this.#options.timing;
    const now = performance.now();
    this.#due = this.#due.filter((time) => time > began);
    const period = discovery[this.#definitions.state === 'known' ? 1 : 0];
    const pause =
      this.#failures === 0
        ? period
        : Math.min(backoff[1], backoff[0] * 2 ** (this.#failures - 1)) * (0.5 + Math.random() / 2);
    this.#lookAt = Math.min(now + pause, ...this.#due);
  }

  #lookSoon(): void {
    const now = performance.now();
    this.#due = this.#options.timing.discoveryAfterChange.map((delay) => now + delay);
    this.#lookAt = Math.min(this.#lookAt, ...this.#due);
    this.#wake.abort();
  }

  /** In: where the kinds are served, and how many looks that counts for. Starts and ends sources accordingly. */
  #apply(found: Discovered, looks: number): void {
    const wanted = new Map<string, WatchScope>();
    for (const [kind, places] of found) {
      if (this.#withheld.has(kind)) continue;
      for (const served of places) for (const scope of this.#scopes(served)) wanted.set(scopeKey(scope), scope);
    }
    for (const [key, scope] of wanted) {
      this.#missing.delete(key);
      if (this.#sources.has(key)) continue;
      const source = new Source(this.client, scope, this.#feed);
      this.#sources.set(key, source);
      source.reflector.start();
    }
    for (const [key, source] of this.#sources) {
      const { kind } = source.scope.served;
      if (wanted.has(key) || !found.has(kind)) continue;
      const missing = (this.#missing.get(key) ?? 0) + looks;
      this.#missing.set(key, missing);
      if (missing < LOOKS_UNTIL_GONE && !this.#withheld.has(kind)) continue;
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

  #held(kind: KindId, namespace: string, name: string): KubeObject | undefined {
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

function whyReflectorUnknown(reflector: Reflector, title: string): string | undefined {
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

/** Tells when one of some CustomResourceDefinitions comes, changes or goes; of their content nothing is kept. */
class DefinitionNames implements Sink {
  readonly #names: ReadonlySet<string>;
  readonly #changed: () => void;
  #known = '';

  constructor(names: ReadonlySet<string>, changed: () => void) {
    this.#names = names;
    this.#changed = changed;
  }

  accept(raw: unknown): KubeObject | undefined {
    const name = asString(dig(raw, 'metadata', 'name'));
    return this.#names.has(name)
      ? { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name } }
      : undefined;
  }

  replace(objects: readonly KubeObject[]): void {
    const names = objects
      .map(({ metadata }) => metadata.name)
      .sort()
      .join(' ');
    if (names !== this.#known) this.#changed();
    this.#known = names;
  }

  put(): void {
    this.#changed();
  }

  remove(_namespace: string, name: string): void {
    if (this.#names.has(name)) this.#changed();
  }

  forget(): void {
    this.#known = '';
  }

  unserved(): void {
    this.#known = '';
  }
}

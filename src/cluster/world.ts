import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { CLUSTER_KINDS, KINDS, type KindId, type ObjectKey } from '../world/object.ts';
import { ObjectStore } from '../world/store.ts';
import type { RolloutsVersions } from '../world/rollouts-versions.ts';
import type { World } from '../world/world.ts';
import { CacheLimit } from './cache-limit.ts';
import { ApiClient } from './client.ts';
import { LiveListRoom } from './live-list-room.ts';
import { fetchLists, type Listed } from './live-lists.ts';
import { fetchObjects, type Fetched, type Locate } from './fetch.ts';
import { hasPrimaryCluster, MESH_KINDS } from './primary.ts';
import type { Logger } from './reflector.ts';
import { TIMING, type Timing } from './timing.ts';
import { WatchedCluster } from './watched.ts';
import { messageOf } from '../world/error.ts';

/** Options of `ClusterWorld`. */
export interface ClusterWorldOptions {
  readonly kubeConfig: KubeConfig;
  readonly logger: Logger;
  /** The primary cluster of an Istio mesh, from which VirtualServices and DestinationRules are read. */
  readonly istioKubeConfig?: KubeConfig;
  /** The namespaces to watch; all by default. Objects elsewhere are unknown. */
  readonly namespaces?: readonly string[];
  /**
   * Returns the namespaces of the Rollouts controllers that the policy names. Only there a Secret may say that the Istio
   * objects are in another cluster: elsewhere any user could turn off the rules about them.
   */
  readonly controllerNamespaces: () => readonly string[];
  /** Returns the releases of Argo Rollouts that the cluster is judged for; by default all that are supported. Called often. */
  readonly versions?: (world: World) => RolloutsVersions;
  /** The most that the objects may take in memory, in estimated bytes; unlimited by default. */
  readonly maxBytes?: number;
  /** Called after an object was added, changed or deleted. */
  readonly onChange?: (key: ObjectKey) => void;
  /** Shortened times for tests. */
  readonly timing?: Partial<Timing>;
}

/** Whether the gate is ready, and if not, why. */
export interface Readiness {
  readonly ok: boolean;
  readonly reasons: readonly string[];
}

const ROLLOUT: KindId = 'Rollout.argoproj.io';
const UNDETERMINED = 'it is not known yet whether the Istio objects are in a primary cluster';
const ELSEWHERE = 'the Istio objects are in the primary cluster of the mesh, and Rollgate has no kubeconfig for it';

/**
 * The live cluster as a world: a cache fed by watches. It never throws and never waits. Before `start` nothing is
 * known.
 */
export class ClusterWorld {
  /** The current state. It stays the same object and changes by itself. */
  readonly world: World;
  readonly #options: ClusterWorldOptions;
  readonly #timing: Timing;
  readonly #main: WatchedCluster;
  readonly #clusters: readonly WatchedCluster[] = [];
  readonly #limit: CacheLimit;
  readonly #room = new LiveListRoom();
  readonly #stop = new AbortController();
  readonly #locate: Locate = (kind) =>
    this.#clusters.flatMap((cluster) => cluster.served(kind).map((served) => ({ client: cluster.client, served })));
  #refilling: NodeJS.Timeout | undefined;
  #meshSettled: boolean;
  #locating: Promise<void> = Promise.resolve();

  constructor(options: ClusterWorldOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    const { versions } = options;
    const store: ObjectStore = new ObjectStore(
      (kind, namespace, name) => this.#clusterOf(kind).whyUnknown(kind, namespace, name),
      versions === undefined ? undefined : () => versions(store),
    );
    this.world = store;
    this.#limit = new CacheLimit(options.maxBytes ?? Infinity);
    const cluster = (kubeConfig: KubeConfig, kinds: readonly KindId[]): WatchedCluster =>
      new WatchedCluster({
        client: new ApiClient(kubeConfig, this.#timing),
        kinds,
        namespaces: options.namespaces,
        store,
        limit: this.#limit,
        timing: this.#timing,
        log: options.logger,
        changed: (key) => this.#changed(key),
        fieldsChanged: () => this.#mergeFields(store),
      });
    const { istioKubeConfig } = options;
    this.#meshSettled = istioKubeConfig !== undefined;
    if (istioKubeConfig === undefined) {
      this.#main = cluster(options.kubeConfig, CLUSTER_KINDS);
      this.#main.withhold(MESH_KINDS, UNDETERMINED);
      this.#clusters = [this.#main];
    } else {
      this.#main = cluster(
        options.kubeConfig,
        CLUSTER_KINDS.filter((kind) => !MESH_KINDS.includes(kind)),
      );
      this.#clusters = [this.#main, cluster(istioKubeConfig, MESH_KINDS)];
    }
  }

  /** Starts to read and watch, and continues until `stop` despite all failures. */
  start(): void {
    for (const cluster of this.#clusters) cluster.start();
    this.#refilling = setInterval(() => this.#refill(), this.#timing.refill);
    this.#refilling.unref();
    if (!this.#meshSettled) this.#locating = this.#locateMesh();
  }

  /** Aborts all requests. Resolves when nothing will change any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    clearInterval(this.#refilling);
    await Promise.all([this.#locating, ...this.#clusters.map((cluster) => cluster.stop())]);
  }

  /**
   * Reports whether everything that can be read has been read. What is still unknown is forbidden, is not served, or
   * has failed for too long to wait for it.
   */
  synced(): boolean {
    return this.#notReadyReasons().length === 0;
  }

  /** Waits up to that many milliseconds and returns whether it is synced. */
  async waitForSync(milliseconds: number): Promise<boolean> {
    const end = performance.now() + milliseconds;
    while (!this.synced() && performance.now() < end && !this.#stop.signal.aborted) await sleep(20);
    return this.synced();
  }

  /** Waits up to that many milliseconds until the fields of the installed custom resources have been read. */
  async waitForFields(milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds;
    const isSettled = (): boolean => this.#clusters.every(({ fieldsAreSettled }) => fieldsAreSettled);
    while (!isSettled() && performance.now() < end && !this.#stop.signal.aborted) await sleep(20);
  }

  /** Returns the estimated bytes of all objects in memory. */
  get cacheBytes(): number {
    return this.#limit.bytes;
  }

  /** Returns the number of objects of each watched kind of which only the name is kept, for want of room. */
  nameOnly(): ReadonlyMap<KindId, number> {
    const counts = new Map<KindId, number>();
    for (const { scope, unfit } of this.#clusters.flatMap((cluster) => cluster.sources()))
      counts.set(scope.served.kind, (counts.get(scope.served.kind) ?? 0) + unfit);
    return counts;
  }

  /** Returns the seconds since the last data from the API server, for each watched kind. */
  staleness(): ReadonlyMap<KindId, number> {
    const seconds = new Map<KindId, number>();
    for (const { scope, reflector } of this.#clusters.flatMap((cluster) => cluster.sources())) {
      if (reflector.state !== 'known' && reflector.state !== 'reading') continue;
      const { kind } = scope.served;
      seconds.set(kind, Math.max(seconds.get(kind) ?? 0, reflector.silence() / 1000));
    }
    return seconds;
  }

  /** Returns the kinds that have not been read in the watched namespaces, and why. */
  unknown(): ReadonlyMap<KindId, string> {
    const reasons = new Map<KindId, string>();
    for (const kind of CLUSTER_KINDS) {
      const [reason] = this.#whyNotSynced(kind);
      if (reason !== undefined) reasons.set(kind, reason);
    }
    return reasons;
  }

  /**
   * Reports whether enough is known to make decisions: everything that can be read has been read and is fresh, and
   * Rollouts, if the cluster serves them, are known. Other kinds whose reads fail are unknown, and rules that need them
   * are skipped: a failing conversion webhook of a CRD, or another cluster, must not stop the gate.
   */
  ready(): Readiness {
    const reasons = this.#notReadyReasons();
    for (const { scope, reflector } of this.#main.sources()) {
      const { plural } = scope.served;
      if (reflector.state === 'known' && reflector.isStale())
        reasons.push(`no data about ${plural} from the API server for ${Math.round(reflector.silence() / 1000)} s`);
    }
    const why = reasons.length === 0 && this.#main.sources(ROLLOUT).length > 0 ? this.#whyNotSynced(ROLLOUT) : reasons;
    return { ok: why.length === 0, reasons: why };
  }

  /**
   * Reads objects live, as `fetchObjects` does. Never rejects.
   * @param deadline - Milliseconds since the epoch.
   */
  fetch(keys: readonly ObjectKey[], deadline: number): Promise<ReadonlyMap<ObjectKey, Fetched>> {
    return fetchObjects(keys, this.#locate, deadline, this.#stop.signal);
  }

  /**
   * Lists objects live, as `fetchLists` does. Never rejects.
   * @param deadline - Milliseconds since the epoch.
   * @param namespace - The one of the request that needs them.
   */
  list(keys: readonly ObjectKey[], deadline: number, namespace: string): Promise<ReadonlyMap<ObjectKey, Listed>> {
    return fetchLists(keys, this.#locate, deadline, this.#stop.signal, { namespace, room: this.#room });
  }

  #clusterOf(kind: KindId): WatchedCluster {
    return this.#clusters.find(({ kinds }) => kinds.has(kind)) ?? this.#main;
  }

  /** Returns why a kind has not been read in the watched namespaces. */
  #whyNotSynced(kind: KindId): readonly string[] {
    const cluster = this.#clusterOf(kind);
    const namespaces = KINDS[kind].namespaced ? (this.#options.namespaces ?? ['']) : [''];
    return namespaces
      .map((namespace) => cluster.whyNotSynced(kind, namespace, undefined))
      .filter((reason) => reason !== undefined);
  }

  #notReadyReasons(): string[] {
    const reasons: string[] = [];
    const notRead = new Map<string, string>();
    if (this.#main.discoveryError !== '') reasons.push(this.#main.discoveryError);
    for (const cluster of this.#clusters) {
      if (cluster !== this.#main && cluster.discoveryError !== '' && !cluster.gaveUp())
        reasons.push(`primary cluster: ${cluster.discoveryError}`);
      for (const { scope, reflector } of cluster.sources()) {
        const waiting = reflector.state === 'reading' || reflector.state === 'failing';
        if (waiting && (!reflector.gaveUp() || scope.served.kind === ROLLOUT))
          notRead.set(scope.served.plural, reflector.error);
      }
    }
    if (notRead.size > 0)
      reasons.push(
        `not read yet: ${[...notRead].map(([plural, error]) => (error === '' ? plural : `${plural} (${error})`)).join(', ')}`,
      );
    if (!this.#meshSettled && this.#main.discoveryError === '') reasons.push(UNDETERMINED);
    return reasons;
  }

  /** Determines, repeatedly, whether the Istio objects of this cluster are the ones that count. */
  async #locateMesh(): Promise<void> {
    const { signal } = this.#stop;
    const [first, longest] = this.#timing.backoff;
    let pause = first / 5;
    let elsewhere: boolean | undefined;
    let failingSince: number | undefined;
    while (!signal.aborted) {
      const found = await this.#hasPrimaryCluster();
      if (found !== 'failed') {
        failingSince = undefined;
        if (found !== elsewhere) this.#main.withhold(MESH_KINDS, found ? ELSEWHERE : undefined);
        if (found && elsewhere !== true) this.#options.logger.info({}, ELSEWHERE);
        elsewhere = found;
        this.#meshSettled = true;
      } else {
        failingSince ??= performance.now();
        if (performance.now() - failingSince > this.#timing.giveUpWaiting) this.#meshSettled = true;
      }
      await this.#main.client.pause(found === 'failed' ? pause : this.#timing.discovery[0], signal);
      if (found === 'failed') pause = Math.min(longest, pause * 2);
    }
  }

  async #hasPrimaryCluster(): Promise<boolean | 'failed'> {
    try {
      return await hasPrimaryCluster(this.#main.client, this.#options.controllerNamespaces(), this.#stop.signal);
    } catch {
      return 'failed';
    }
  }

  /** Reads the lists again of which objects were dropped, once they fit. */
  #refill(): void {
    if (!this.#limit.hasRoom) return;
    this.#limit.readAgain();
    for (const source of this.#clusters.flatMap((cluster) => cluster.sources()))
      if (source.hasDropped) source.reflector.relist();
  }

  #mergeFields(store: ObjectStore): void {
    store.fields = new Map(this.#clusters.flatMap(({ fields }) => [...fields]));
  }

  #changed(key: ObjectKey): void {
    try {
      this.#options.onChange?.(key);
    } catch (error) {
      this.#options.logger.error({ key, error: messageOf(error) }, 'a change listener failed');
    }
  }
}

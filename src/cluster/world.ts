import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { KINDS, type KindId, type ObjectKey } from '../world/object.ts';
import { ObjectStore } from '../world/store.ts';
import type { World } from '../world/world.ts';
import { ApiClient } from './client.ts';
import { controllerNamespaces } from './controllers.ts';
import { fetchObjects, type Fetched, type Locate } from './fetch.ts';
import { hasPrimaryCluster, MESH_KINDS } from './primary.ts';
import type { Logger } from './reflector.ts';
import { TIMING, type Timing } from './timing.ts';
import { WatchedCluster } from './watched.ts';
import { messageOf } from '../world/error.ts';

export interface ClusterWorldOptions {
  readonly kubeConfig: KubeConfig;
  readonly logger: Logger;
  /** The primary cluster of an Istio mesh: VirtualServices and DestinationRules are read there. */
  readonly istioKubeConfig?: KubeConfig;
  /** The namespaces to watch; all by default. Elsewhere nothing is known. */
  readonly namespaces?: readonly string[];
  /**
   * The namespaces in which Rollouts controllers run, where one may be told by a Secret that the Istio objects are
   * elsewhere; found by their Deployments by default.
   */
  readonly controllerNamespaces?: readonly string[];
  /** Called after an object came, changed or went. */
  readonly onChange?: (key: ObjectKey) => void;
  /** Tests shorten some. */
  readonly timing?: Partial<Timing>;
}

/** Whether the gate may answer, and if not, why. */
export interface Readiness {
  readonly ok: boolean;
  readonly reasons: readonly string[];
}

const ALL = Object.keys(KINDS) as KindId[];
const ROLLOUT: KindId = 'Rollout.argoproj.io';
const UNDETERMINED = 'it is not known yet whether a primary cluster holds the Istio objects';
const ELSEWHERE = 'the Istio objects are in the primary cluster of the mesh, which Rollgate has no kubeconfig for';

/**
 * The live cluster as a world: a cache fed by watches. It never throws and never waits; before `start` nothing is
 * known.
 */
export class ClusterWorld {
  /** What is known now. It stays the same object and changes by itself. */
  readonly world: World;
  readonly #options: ClusterWorldOptions;
  readonly #timing: Timing;
  readonly #main: WatchedCluster;
  readonly #clusters: readonly WatchedCluster[];
  readonly #stop = new AbortController();
  #meshSettled: boolean;
  #locating: Promise<void> = Promise.resolve();

  constructor(options: ClusterWorldOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    const store = new ObjectStore((kind, namespace, name) => this.#clusterOf(kind).whyUnknown(kind, namespace, name));
    this.world = store;
    const cluster = (kubeConfig: KubeConfig, kinds: readonly KindId[]): WatchedCluster =>
      new WatchedCluster({
        client: new ApiClient(kubeConfig, this.#timing),
        kinds,
        namespaces: options.namespaces,
        store,
        timing: this.#timing,
        log: options.logger,
        changed: (key) => this.#changed(key),
      });
    const { istioKubeConfig } = options;
    this.#meshSettled = istioKubeConfig !== undefined;
    if (istioKubeConfig === undefined) {
      this.#main = cluster(options.kubeConfig, ALL);
      this.#main.withhold(MESH_KINDS, UNDETERMINED);
      this.#clusters = [this.#main];
    } else {
      this.#main = cluster(
        options.kubeConfig,
        ALL.filter((kind) => !MESH_KINDS.includes(kind)),
      );
      this.#clusters = [this.#main, cluster(istioKubeConfig, MESH_KINDS)];
    }
  }

  /** Begins to read and to watch, and goes on until `stop`, whatever fails. */
  start(): void {
    for (const cluster of this.#clusters) cluster.start();
    if (!this.#meshSettled) this.#locating = this.#locateMesh();
  }

  /** Ends all requests; resolves when nothing will change any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#locating, ...this.#clusters.map((cluster) => cluster.stop())]);
  }

  /**
   * Out: whether all that can be read has been read. What is still unknown is refused, not served, or has failed for
   * too long to wait for it.
   */
  synced(): boolean {
    return this.#unsettled().length === 0;
  }

  /** In: milliseconds. Out: whether it was synced within them. */
  async waitForSync(milliseconds: number): Promise<boolean> {
    const end = performance.now() + milliseconds;
    while (!this.synced() && performance.now() < end && !this.#stop.signal.aborted) await sleep(20);
    return this.synced();
  }

  /** Out: for each kind that is watched, the seconds since the API server last gave a sign of life about it. */
  staleness(): ReadonlyMap<KindId, number> {
    const seconds = new Map<KindId, number>();
    for (const { scope, reflector } of this.#clusters.flatMap((cluster) => cluster.sources())) {
      if (reflector.state !== 'known' && reflector.state !== 'reading') continue;
      const { kind } = scope.served;
      seconds.set(kind, Math.max(seconds.get(kind) ?? 0, reflector.silence() / 1000));
    }
    return seconds;
  }

  /** Out: the kinds that have not been read, in the namespaces that are watched, and why. */
  unknown(): ReadonlyMap<KindId, string> {
    const reasons = new Map<KindId, string>();
    for (const kind of ALL) {
      const [reason] = this.#whyNotSynced(kind);
      if (reason !== undefined) reasons.set(kind, reason);
    }
    return reasons;
  }

  /**
   * Out: whether what is known is enough to judge by: all that can be read has been read, it is fresh, and Rollouts, if
   * there are any, are among it. Other kinds that the API server refuses or fails are unknown, and what rests on them
   * is not judged: a conversion webhook that is down somewhere, or another cluster, must not take the gate with it.
   */
  ready(): Readiness {
    const reasons = this.#unsettled();
    for (const { scope, reflector } of this.#main.sources()) {
      const { plural } = scope.served;
      if (reflector.state === 'known' && reflector.overdue())
        reasons.push(`nothing has been heard of ${plural} for ${Math.round(reflector.silence() / 1000)} s`);
    }
    if (reasons.length === 0 && this.#main.sources(ROLLOUT).length > 0) reasons.push(...this.#whyNotSynced(ROLLOUT));
    return { ok: reasons.length === 0, reasons };
  }

  /**
   * In: keys, and until when (milliseconds since the epoch). Out: for each key the object as the API server has it now,
   * whole, of ConfigMaps, Secrets and ServiceAccounts the name; undefined if there is none; `unreadable` if that cannot
   * be told in time. Never rejects.
   */
  fetch(keys: readonly ObjectKey[], deadline: number): Promise<ReadonlyMap<ObjectKey, Fetched>> {
    const locate: Locate = (kind) =>
      this.#clusters.flatMap((cluster) => cluster.served(kind).map((served) => ({ client: cluster.client, served })));
    return fetchObjects(keys, locate, deadline, this.#stop.signal);
  }

  #clusterOf(kind: KindId): WatchedCluster {
    return this.#clusters.find(({ kinds }) => kinds.has(kind)) ?? this.#main;
  }

  /** Out: why a kind has not been read, in the namespaces that are watched. */
  #whyNotSynced(kind: KindId): readonly string[] {
    const cluster = this.#clusterOf(kind);
    const namespaces = KINDS[kind].namespaced ? (this.#options.namespaces ?? ['']) : [''];
    return namespaces
      .map((namespace) => cluster.whyNotSynced(kind, namespace, undefined))
      .filter((reason) => reason !== undefined);
  }

  #unsettled(): string[] {
    const reasons: string[] = [];
    const unread = new Map<string, string>();
    if (this.#main.discoveryError !== '') reasons.push(this.#main.discoveryError);
    for (const cluster of this.#clusters) {
      if (cluster !== this.#main && cluster.discoveryError !== '' && !cluster.gaveUp())
        reasons.push(`primary cluster: ${cluster.discoveryError}`);
      for (const { scope, reflector } of cluster.sources()) {
        const waiting = reflector.state === 'reading' || reflector.state === 'failing';
        if (waiting && (!reflector.gaveUp() || scope.served.kind === ROLLOUT))
          unread.set(scope.served.plural, reflector.error);
      }
    }
    if (unread.size > 0)
      reasons.push(
        `not read yet: ${[...unread].map(([plural, error]) => (error === '' ? plural : `${plural} (${error})`)).join(', ')}`,
      );
    if (!this.#meshSettled && this.#main.discoveryError === '') reasons.push(UNDETERMINED);
    return reasons;
  }

  /** Finds out, and goes on looking, whether the Istio objects that count are those of this cluster. */
  async #locateMesh(): Promise<void> {
    const { signal } = this.#stop;
    const [first, longest] = this.#timing.backoff;
    let pause = first / 5;
    let elsewhere: boolean | undefined;
    let failingSince: number | undefined;
    while (!signal.aborted) {
      const found = this.#deploymentsAwaited() ? 'wait' : await this.#hasPrimaryCluster();
      if (typeof found === 'boolean') {
        failingSince = undefined;
        if (found !== elsewhere) this.#main.withhold(MESH_KINDS, found ? ELSEWHERE : undefined);
        if (found && elsewhere !== true) this.#options.logger.info({}, ELSEWHERE);
        elsewhere = found;
        this.#meshSettled = true;
      } else if (found === 'failed') {
        failingSince ??= performance.now();
        if (performance.now() - failingSince > this.#timing.giveUpWaiting) this.#meshSettled = true;
      }
      await this.#main.client.pause(typeof found === 'boolean' ? this.#timing.discovery[0] : pause, signal);
      if (found === 'failed') pause = Math.min(longest, pause * 2);
    }
  }

  /** Out: whether it will be known in a moment where controllers run, but is not yet. */
  #deploymentsAwaited(): boolean {
    if (this.#options.controllerNamespaces !== undefined) return false;
    return (
      this.#main.discoveryError !== '' ||
      this.#main
        .sources('Deployment.apps')
        .some(({ reflector }) => reflector.state === 'reading' && !reflector.gaveUp())
    );
  }

  async #hasPrimaryCluster(): Promise<boolean | 'failed'> {
    const namespaces = this.#options.controllerNamespaces ?? controllerNamespaces(this.world, this.#options.namespaces);
    try {
      return await hasPrimaryCluster(this.#main.client, namespaces, this.#stop.signal);
    } catch {
      return 'failed';
    }
  }

  #changed(key: ObjectKey): void {
    try {
      this.#options.onChange?.(key);
    } catch (error) {
      this.#options.logger.error({ key, error: messageOf(error) }, 'a listener to changes of the cluster failed');
    }
  }
}

import { asString, dig } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import type { Api } from '../harness/api.ts';
import { isReady } from '../harness/kubelet.ts';
import { until } from '../harness/program.ts';
import { versionOf } from '../harness/recorder.ts';

/** The number of ready pods of each app in a namespace, and the least of them since a moment. */
export class PodCounts {
  readonly #ready = new Map<string, Set<string>>();
  readonly #least = new Map<string, number>();
  /** The last version that the watch has brought of each pod, by its uid; undefined for one that is gone. */
  readonly #seen = new Map<string, bigint | undefined>();
  readonly #stopped = new AbortController();
  readonly #stored: () => Promise<KubeObject[]>;

  private constructor(stored: () => Promise<KubeObject[]>) {
    this.#stored = stored;
  }

  static async watch(api: Api, namespace: string): Promise<PodCounts> {
    const counts = new PodCounts(() => api.list('v1', 'Pod', namespace));
    const path = `/api/v1/namespaces/${namespace}/pods`;
    await api.watch(path, ({ type, object }) => counts.#see(type, object), counts.#stopped.signal);
    return counts;
  }

  /** Forgets what was counted before, once the watch is not behind what is stored now. */
  async restart(): Promise<void> {
    const stored = await this.#stored();
    await until('the watch of pods', () => stored.every((pod) => this.#hasSeen(pod)));
    this.#least.clear();
    for (const [app, pods] of this.#ready) this.#least.set(app, pods.size);
  }

  now(app: string): number {
    return this.#ready.get(app)?.size ?? 0;
  }

  /** Returns the least number of ready pods since `restart`. */
  least(app: string): number {
    return this.#least.get(app) ?? this.now(app);
  }

  stop(): void {
    this.#stopped.abort();
  }

  #hasSeen(pod: KubeObject): boolean {
    const uid = asString(pod.metadata['uid']);
    return this.#seen.has(uid) && (this.#seen.get(uid) ?? versionOf(pod)) >= versionOf(pod);
  }

  #see(type: string, pod: KubeObject): void {
    const app = asString(dig(pod.metadata, 'labels', 'app'));
    const uid = asString(pod.metadata['uid']);
    this.#seen.set(uid, type === 'DELETED' ? undefined : versionOf(pod));
    const pods = this.#ready.get(app) ?? new Set();
    this.#ready.set(app, pods);
    if (type !== 'DELETED' && isServing(pod)) pods.add(uid);
    else pods.delete(uid);
    this.#least.set(app, Math.min(this.#least.get(app) ?? pods.size, pods.size));
  }
}

function isServing(pod: KubeObject): boolean {
  return pod.metadata['deletionTimestamp'] === undefined && isReady(pod);
}

import { setTimeout as sleep } from 'node:timers/promises';
import { asArray, asString, dig, optionalString } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { Refused, type Api } from './api.ts';

/**
 * An annotation on a pod template: the milliseconds until its pods are ready, or `never` for a version that does not
 * start.
 */
export const READY_AFTER = 'e2e/ready-after';
/** An annotation on a pod template: the milliseconds that its pods take to end after their deletion. */
export const ENDS_AFTER = 'e2e/ends-after';

const NODE = 'node-1';

/**
 * Plays scheduler, kubelet and network. Pods are only objects, which become ready after a while and end after another.
 * Their addresses lead nowhere.
 */
export class Kubelet {
  readonly #api: Api;
  readonly #stopped = new AbortController();
  readonly #handled = new Map<string, 'starting' | 'ending'>();
  #pods = 0;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Creates the node, and manages pods until it is stopped. It survives outages of the API server. */
  async start(): Promise<void> {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } };
    await this.#api.create(node).catch(ignore(409));
    void this.#run();
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        const { items, metadata } = (await this.#api.call('GET', '/api/v1/pods')) as {
          items: KubeObject[];
          metadata: { resourceVersion: string };
        };
        for (const pod of items) this.#see(pod);
        await new Promise<void>((resolve, reject) => {
          this.#api
            .watch(
              `/api/v1/pods?resourceVersion=${metadata.resourceVersion}`,
              ({ type, object }) => (type === 'ERROR' ? resolve() : this.#see(object)),
              this.#stopped.signal,
              resolve,
            )
            .catch(reject);
          this.#stopped.signal.addEventListener('abort', () => resolve());
        });
      } catch {
        await sleep(200);
      }
    }
  }

  #see(pod: KubeObject): void {
    const uid = asString(pod.metadata['uid']);
    const handled = this.#handled.get(uid);
    if (pod.metadata['deletionTimestamp'] !== undefined) {
      if (handled === 'ending' || dig(pod, 'spec', 'nodeName') === undefined) return;
      this.#handled.set(uid, 'ending');
      this.#attempt(pod, (current) => this.#end(current));
    } else if (handled === undefined) {
      this.#handled.set(uid, 'starting');
      this.#attempt(pod, (current) => this.#begin(current));
    }
  }

  // Like a real kubelet, it retries after a conflict or an outage, with the pod as it is then.
  #attempt(pod: KubeObject, work: (pod: KubeObject) => Promise<void>): void {
    void (async () => {
      let current: KubeObject | undefined = pod;
      while (!this.#stopped.signal.aborted && current !== undefined) {
        try {
          return await work(current);
        } catch (error) {
          if (error instanceof Refused && error.code === 404) return;
          await sleep(200);
        }
        current = await this.#api
          .get('v1', 'Pod', asString(pod.metadata.namespace), pod.metadata.name)
          .catch(() => current);
        if (current?.metadata['uid'] !== pod.metadata['uid']) return;
      }
    })();
  }

  async #begin(pod: KubeObject): Promise<void> {
    const at = { apiVersion: 'v1', kind: 'Pod', namespace: asString(pod.metadata.namespace), name: pod.metadata.name };
    if (dig(pod, 'spec', 'nodeName') === undefined) {
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: at.name },
        target: { apiVersion: 'v1', kind: 'Node', name: NODE },
      };
      await this.#api.call('POST', `/api/v1/namespaces/${at.namespace}/pods/${at.name}/binding`, binding);
    }
    const after = asString(dig(pod.metadata, 'annotations', READY_AFTER)) || '0';
    // An attempt whose answer was lost has done its part: a pod that serves must not be set back.
    if (isReady(pod)) return;
    const known = optionalString(dig(pod, 'status', 'podIP'));
    const podIP = known ?? addressOf(this.#pods++);
    if (known === undefined && after !== '0')
      await this.#api.patch(at, { status: statusOf(pod, podIP, false) }, 'status');
    if (after === 'never') return;
    await sleep(Number(after), undefined, { ref: false });
    await this.#api.patch(at, { status: statusOf(pod, podIP, true) }, 'status');
  }

  async #end(pod: KubeObject): Promise<void> {
    await sleep(Number(asString(dig(pod.metadata, 'annotations', ENDS_AFTER)) || '0'), undefined, { ref: false });
    await this.#api.call('DELETE', `/api/v1/namespaces/${asString(pod.metadata.namespace)}/pods/${pod.metadata.name}`, {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      gracePeriodSeconds: 0,
      preconditions: { uid: pod.metadata['uid'] },
    });
  }
}

/** Returns whether a pod is ready. */
export function isReady(pod: KubeObject): boolean {
  return asArray(dig(pod, 'status', 'conditions')).some(
    (condition) => dig(condition, 'type') === 'Ready' && dig(condition, 'status') === 'True',
  );
}

function addressOf(number: number): string {
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

function statusOf(pod: KubeObject, podIP: string, ready: boolean): unknown {
  const now = new Date().toISOString();
  const condition = (type: string, status: boolean): unknown => ({
    type,
    status: status ? 'True' : 'False',
    lastTransitionTime: now,
  });
  return {
    phase: 'Running',
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: now,
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', ready),
      condition('Ready', ready),
    ],
    containerStatuses: asArray(dig(pod, 'spec', 'containers')).map((container) => ({
      name: dig(container, 'name'),
      image: dig(container, 'image'),
      imageID: 'none',
      ready,
      started: ready,
      restartCount: 0,
      state: { running: { startedAt: now } },
    })),
  };
}

function ignore(code: number): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof Refused && error.code === code)) throw error;
  };
}

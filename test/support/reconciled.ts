import jsonpatch from 'fast-json-patch';
import { afterEach } from 'vitest';
import { Reconciler } from '../../src/migration/reconciler/reconciler.ts';
import { ApiError } from '../../src/cluster/api-error.ts';
import type { MigrationEvent, Writer } from '../../src/migration/reconciler/writer.ts';
import type { Protection } from '../../src/migration/conversion-policy.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/policy/policy.ts';
import { keyOf, type KubeObject, type ObjectKey } from '../../src/world/object.ts';
import { asObject } from '../../src/world/read.ts';
import { ObjectStore } from '../../src/world/store.ts';
import { recorder } from '../cluster/helpers.ts';

/** The uids of the conversion policy and its binding. */
export const UIDS = 'p-1/b-1';
/** The Deployment that is converted. */
export const D: ObjectKey = 'Deployment.apps/shop/web';

/** Returns the Deployment, with annotations of Rollgate. */
export function web(annotations: Readonly<Record<string, string>>, replicas: number): KubeObject {
  const all = 'replicas' in annotations ? { 'conversion-policy': UIDS, ...annotations } : annotations;
  const keys = Object.fromEntries(Object.entries(all).map(([key, value]) => [`rollgate.io/${key}`, value]));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', uid: 'd-1', generation: 1, annotations: keys },
    spec: { replicas, selector: { matchLabels: { app: 'web' } } },
    status: { observedGeneration: 1, availableReplicas: replicas, updatedReplicas: replicas },
  };
}

/** Returns a Deployment as one that was created a minute ago. */
export function old(deployment: KubeObject): KubeObject {
  return {
    ...deployment,
    metadata: { ...deployment.metadata, creationTimestamp: new Date(Date.now() - 60_000).toISOString() },
  };
}

/** An API server in memory. A cache sees its changes at once or, in some tests, never. */
export class Server implements Writer {
  readonly objects = new Map<ObjectKey, KubeObject>();
  readonly cache = new ObjectStore();
  readonly did: string[] = [];
  readonly events: MigrationEvent[] = [];
  refuse: Error | undefined;
  /** Why the conversion policy protects nothing. */
  unprotected: string | undefined;
  /** The uids of the conversion policy and its binding. */
  uids = UIDS;
  protection = (): Protection => (this.unprotected === undefined ? { uids: this.uids } : { why: this.unprotected });
  reads = 0;
  lagging = false;
  /** Called before each answer to a read or a create. */
  before: (what: 'read' | 'create') => void = () => undefined;
  reconciler: Reconciler | undefined;
  #uids = 0;

  put(changed: KubeObject): KubeObject {
    this.objects.set(keyOf(changed), changed);
    if (!this.lagging) {
      this.cache.put(changed);
      this.reconciler?.changed(keyOf(changed));
    }
    return changed;
  }

  create(rollout: KubeObject): Promise<KubeObject> {
    this.did.push('create');
    this.before('create');
    if (this.refuse !== undefined) return Promise.reject(this.refuse);
    if (this.objects.has(keyOf(rollout))) return Promise.reject(new ApiError(409, 'exists already'));
    return Promise.resolve(
      this.put({ ...rollout, metadata: { ...rollout.metadata, uid: `r-${++this.#uids}`, generation: 1 } }),
    );
  }

  apply(live: KubeObject, rollout: KubeObject): Promise<KubeObject> {
    this.did.push('apply');
    return Promise.resolve(
      this.put({
        ...live,
        metadata: { ...live.metadata, ...rollout.metadata },
        spec: { ...asObject(live['spec']), ...asObject(rollout['spec']) },
      }),
    );
  }

  patch(rollout: KubeObject, operations: Parameters<Writer['patch']>[1]): Promise<void> {
    this.did.push('patch');
    this.put(jsonpatch.applyPatch(rollout, [...operations], true, false).newDocument);
    return Promise.resolve();
  }

  scale(workload: KubeObject, replicas: number): Promise<void> {
    this.did.push(`scale ${workload.kind} ${replicas}`);
    this.put({ ...workload, spec: { ...asObject(workload['spec']), replicas } });
    return Promise.resolve();
  }

  annotate(deployment: KubeObject, annotations: Readonly<Record<string, string | undefined>>): Promise<void> {
    this.did.push('annotate');
    const now = this.objects.get(keyOf(deployment)) ?? deployment;
    const merged = Object.entries({ ...asObject(now.metadata['annotations']), ...annotations }).filter(
      ([, value]) => value !== undefined,
    );
    this.put({ ...now, metadata: { ...now.metadata, annotations: Object.fromEntries(merged) } });
    return Promise.resolve();
  }

  remove(rollout: KubeObject): Promise<void> {
    this.did.push('remove');
    this.objects.delete(keyOf(rollout));
    this.cache.delete('Rollout.argoproj.io', 'shop', 'web');
    this.reconciler?.changed(keyOf(rollout));
    return Promise.resolve();
  }

  rollouts(): Promise<readonly KubeObject[]> {
    return Promise.resolve([...this.objects.values()].filter(({ kind }) => kind === 'Rollout'));
  }

  tell(_: KubeObject, event: MigrationEvent): Promise<void> {
    this.events.push(event);
    return Promise.resolve();
  }
}

const running: Reconciler[] = [];

afterEach(async () => {
  for (const reconciler of running.splice(0)) await reconciler.stop();
});

/** Starts a reconciler, until the test ends. */
export function start(server: Server, mayAct: () => boolean = () => true, policy: Policy = DEFAULT_POLICY): Reconciler {
  const reconciler = new Reconciler({
    sources: {
      world: server.cache,
      policy: () => policy,
      fetch: (keys) => {
        server.reads += keys.length;
        server.before('read');
        return Promise.resolve(new Map(keys.map((key) => [key, server.objects.get(key)])));
      },
    },
    writer: server,
    guard: {
      protection: () => Promise.resolve(server.protection()),
      uids: () => Promise.resolve(server.unprotected === undefined ? server.uids : undefined),
    },
    log: recorder().logger,
    mayAct,
  });
  server.reconciler = reconciler;
  running.push(reconciler);
  reconciler.start();
  return reconciler;
}

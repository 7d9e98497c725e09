import { afterEach, expect } from 'vitest';
import type { Logger } from '../../src/cluster/reflector.ts';
import type { Timing } from '../../src/cluster/timing.ts';
import { ClusterWorld, type ClusterWorldOptions } from '../../src/cluster/world.ts';
import type { KindId, KubeObject } from '../../src/world/object.ts';
import type { JsonObject } from '../../src/world/read.ts';
import { eventually, FAR } from '../support/eventually.ts';
import { FakeApiServer } from '../support/fake-apiserver.ts';

export { eventually, FAR };

/** Timeouts that are short enough for tests. */
export const QUICK: Partial<Timing> = {
  watch: [60_000, 60_000],
  backoff: [20, 200],
  forbiddenPause: 200,
  discovery: [150, 60_000],
  discoveryAfterChange: [20, 60, 150],
  renewal: 50,
};

const started: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of started.splice(0).reverse()) await stop();
});

/** Starts a server that the end of the test stops. */
export async function serve(
  options: { readonly tls?: boolean; readonly http2?: boolean } = {},
): Promise<FakeApiServer> {
  const server = await FakeApiServer.start(options);
  started.push(() => server.stop());
  return server;
}

/** A line of a log. */
export interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Returns a logger, and the lines that it receives. */
export function recorder(): { readonly lines: Line[]; readonly logger: Logger } {
  const lines: Line[] = [];
  const at = (level: Line['level']) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    void lines.push({ level, fields, message });
  return { lines, logger: { info: at('info'), warn: at('warn'), error: at('error') } };
}

/** Returns a world that watches a server until the end of the test. */
export function watch(server: FakeApiServer, options: Partial<ClusterWorldOptions> = {}): ClusterWorld {
  const cluster = new ClusterWorld({
    kubeConfig: server.kubeConfig(),
    logger: recorder().logger,
    controllerNamespaces: () => ['argo-rollouts'],
    ...options,
    timing: { ...QUICK, ...options.timing },
  });
  started.push(() => cluster.stop());
  cluster.start();
  return cluster;
}

/** Returns such a world once it has read everything. */
export async function synced(server: FakeApiServer, options: Partial<ClusterWorldOptions> = {}): Promise<ClusterWorld> {
  const cluster = watch(server, options);
  await eventually(() => expect(cluster.synced()).toBe(true));
  return cluster;
}

/** Returns a Rollout in the namespace `shop`. */
export function rollout(
  name: string,
  more: { readonly metadata?: JsonObject; readonly spec?: JsonObject; readonly status?: JsonObject } = {},
): JsonObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { namespace: 'shop', ...more.metadata, name },
    spec: { replicas: 1, ...more.spec },
    ...(more.status === undefined ? {} : { status: more.status }),
  };
}

/** Returns an object of a kind of the core group. */
export function core(kind: string, namespace: string, name: string, more: JsonObject = {}): JsonObject {
  return { apiVersion: 'v1', kind, metadata: { namespace, name }, ...more };
}

/** Returns a Deployment with the labels of the Rollouts controller. */
export function controller(
  namespace: string,
  serviceAccountName: string | undefined,
  labels: JsonObject = {},
): JsonObject {
  const spec = serviceAccountName === undefined ? {} : { serviceAccountName };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name: 'argo-rollouts', labels: { 'app.kubernetes.io/name': 'argo-rollouts', ...labels } },
    spec: {
      selector: { matchLabels: { app: 'argo-rollouts' } },
      template: { metadata: { labels: { app: 'argo-rollouts' } }, spec },
    },
  };
}

/** Returns an object from a world, `absent`, or the reason why it is unknown. */
export function look(cluster: ClusterWorld, kind: KindId, namespace: string, name: string): KubeObject | string {
  const found = cluster.world.get(kind, namespace, name);
  if (found.state === 'present') return found.object;
  return found.state === 'absent' ? 'absent' : found.reason;
}

/** Returns the sorted names of all objects of a kind, or the reason why they are unknown. */
export function names(cluster: ClusterWorld, kind: KindId, namespace?: string): readonly string[] | string {
  const listing = cluster.world.list(kind, namespace);
  return listing.state === 'unknown' ? listing.reason : listing.objects.map(({ metadata }) => metadata.name).sort();
}

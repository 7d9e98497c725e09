import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './harness/cluster.ts';
import { healthy, pausedAt } from './support/rollouts.ts';
import { GRPC_ROUTE, OUT_OF_A_THOUSAND, ROUTE_CANARIES } from './support/route-canaries.ts';
import { inNamespace, objectsOfRouter } from './support/router-canaries.ts';
import { keepsAndFlaps, unguarded, WAYS, write } from './support/router-drive.ts';

// The real plugin 0.15.0 has no maxTrafficWeight: it completes weights to 100.
const hasMaxTrafficWeight = process.env['ROLLGATE_E2E_GATEWAY_PLUGIN'] === undefined;
const canaries = [...ROUTE_CANARIES, ...(hasMaxTrafficWeight ? [OUT_OF_A_THOUSAND] : [])];

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({
    rollgate: [`webhooks.excludedNamespaces={kube-system,${unguarded(canaries).join(',')}}`],
  });
  if (hasMaxTrafficWeight)
    await cluster.rollgate.policy((policy) => ({ ...policy, controllers: { gatewayPluginVersion: '0.16.0' } }));
});
afterAll(() => cluster?.stop());

keepsAndFlaps(canaries, () => cluster);

describe('weights that a write replaced while Rollgate was down', () => {
  // kubectl patch is for people at a terminal: what they write is meant.
  it.each(WAYS.filter((way) => way !== 'patch'))('come back with the next write of that client: %s', async (way) => {
    const namespace = await cluster.namespace(`missed-${way.replaceAll(' ', '-')}`);
    const { route, edited, controllersPart } = GRPC_ROUTE;
    await cluster.argoCd.apply(objectsOfRouter(GRPC_ROUTE, namespace));
    await healthy(cluster, namespace, 'web');
    await cluster.argoCd.run(['argo', 'rollouts', 'set', 'image', 'web', 'app=web:2', '-n', namespace]);
    await pausedAt(cluster, namespace, 'web', 30);
    const weights = async (): Promise<string> => {
      const { admin } = cluster.controlPlane;
      const now = await admin.get(route.apiVersion, route.kind, namespace, route.metadata.name);
      return now === undefined ? '' : controllersPart(now);
    };
    expect(await weights()).toBe('web-canary=30 web-stable=70');
    // Else it might write the weights again at any time.
    await cluster.argo.program.stop('SIGKILL');
    await cluster.rollgate.program.stop('SIGKILL');
    await write(cluster, [inNamespace(edited(1), namespace)], way);
    expect(await weights()).toBe('web-canary=0 web-stable=100');
    await cluster.rollgate.start();
    await write(cluster, [inNamespace(edited(2), namespace)], way);
    expect(await weights()).toBe('web-canary=30 web-stable=70');
    await cluster.argo.start();
  });
});

import { afterAll, beforeAll } from 'vitest';
import { Cluster } from './harness/cluster.ts';
import { OUT_OF_A_THOUSAND, ROUTE_CANARIES } from './support/route-canaries.ts';
import { keepsAndFlaps, unguarded } from './support/router-drive.ts';

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

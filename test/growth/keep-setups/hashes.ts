import type { KubeObject } from '../../../src/world/object.ts';
import { HASH_LABEL } from '../../../src/world/rollout.ts';
import { object, service, times, type Json } from '../objects.ts';
import { inCanary, type KeepSetup } from './applied.ts';

const withHash = (subsets: number, labels: Json): KubeObject =>
  object('networking.istio.io/v1', 'DestinationRule', 'dr', {
    host: 'app',
    subsets: times(subsets, (i) => ({ name: `s-${i}`, labels })),
  });
const selecting = (selector: Json): KubeObject => ({ ...service('one', 'app'), spec: { selector } });

const virtualNode = (matchLabels: Json): KubeObject =>
  object('appmesh.k8s.aws/v1beta2', 'VirtualNode', 'node', { podSelector: { matchLabels } });

/** Hashes of ReplicaSets in Services, DestinationRules and VirtualNodes. */
export const HASHES: readonly KeepSetup[] = [
  {
    title: 'Rollouts of one Service',
    make: (n) => ({
      submitted: selecting({ app: 'x' }),
      old: selecting({ app: 'x', [HASH_LABEL]: 'old' }),
      rollouts: times(n, (i) => inCanary(`app-${i}`, { stableService: 'one' })),
    }),
  },
  {
    title: 'Rollouts of one VirtualNode',
    make: (n) => ({
      submitted: virtualNode({ app: 'x' }),
      old: virtualNode({ app: 'x', [HASH_LABEL]: 'old' }),
      rollouts: times(n, (i) =>
        inCanary(`app-${i}`, {
          trafficRouting: {
            appMesh: {
              virtualNodeGroup: {
                stableVirtualNodeRef: { name: 'node' },
                canaryVirtualNodeRef: { name: `canary-${i}` },
              },
            },
          },
        }),
      ),
    }),
  },
  {
    title: 'subsets of a DestinationRule',
    make: (n) => ({
      submitted: withHash(n, {}),
      old: withHash(n, { [HASH_LABEL]: 'old' }),
      rollouts: [
        inCanary('app', {
          trafficRouting: {
            istio: { destinationRule: { name: 'dr', stableSubsetName: 's-0', canarySubsetName: 's-1' } },
          },
        }),
      ],
    }),
  },
];

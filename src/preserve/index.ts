import type { Preserver } from './define.ts';
import { destinationRuleHash } from './destinationrule-hash.ts';
import { ingressWeights } from './ingress-weights.ts';
import { routeWeights } from './route-weights.ts';
import { routerWeights } from './router-weights.ts';
import { serviceHash } from './service-hash.ts';
import { virtualNodeHash } from './virtualnode-hash.ts';
import { virtualServiceWeights } from './virtualservice-weights.ts';
import { workloadReplicas } from './workload-replicas.ts';

/** Every preserver, sorted by id. */
export const PRESERVERS: readonly Preserver[] = [
  destinationRuleHash,
  ingressWeights,
  routeWeights,
  routerWeights,
  serviceHash,
  virtualNodeHash,
  virtualServiceWeights,
  workloadReplicas,
];

import type { Preserver } from './define.ts';
import { destinationRuleHash } from './destinationrule-hash.ts';
import { routeWeights } from './route-weights.ts';
import { serviceHash } from './service-hash.ts';
import { virtualServiceWeights } from './virtualservice-weights.ts';
import { workloadReplicas } from './workload-replicas.ts';

/** Every preserver, sorted by id. */
export const PRESERVERS: readonly Preserver[] = [
  destinationRuleHash,
  routeWeights,
  serviceHash,
  virtualServiceWeights,
  workloadReplicas,
];

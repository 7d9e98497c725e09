import type { KubeObject } from '../world/object.ts';
import { dig, isObject, optionalNumber, asString } from '../world/read.ts';
import { workloadRefOf } from '../world/rollout.ts';
import { isByHand, lastApplied, ownsReplicas, writersOf } from '../world/writers.ts';
import { definePreserver, NOTHING } from './define.ts';
import { setAt } from '../world/json-patch.ts';

// The API server's default for a manifest without replicas.
const DEFAULT_REPLICAS = 1;

/**
 * Keeps a Deployment at 0 replicas after the controller scaled it down for a Rollout with `workloadRef`. The controller
 * does so only at the Rollout's first revision (Argo Rollouts v1.9.1, `rollout/sync.go`, `rollout/replicaset.go`). A
 * Deployment that a re-apply scales up again runs next to the Rollout permanently, and its new pods get no canary.
 */
export const workloadReplicas = definePreserver({
  id: 'workload-replicas',
  summary: 'A Deployment that was scaled down for a Rollout stays scaled down when its manifest is applied again.',
  kinds: ['Deployment.apps'],
  keep({ submitted, old, rollout }) {
    const scaleDown = workloadRefOf(rollout)?.scaleDown;
    if (scaleDown !== 'onsuccess' && scaleDown !== 'progressively') return NOTHING;
    const wanted = dig(submitted, 'spec', 'replicas') ?? DEFAULT_REPLICAS;
    if (
      typeof wanted !== 'number' ||
      wanted <= 0 ||
      dig(old, 'spec', 'replicas') !== 0 ||
      old === undefined ||
      !serves(rollout)
    )
      return NOTHING;
    if (!isReapplied(submitted, old, wanted)) {
      return {
        operations: [],
        notes: [
          `nothing; replicas changes from 0 to ${wanted} as requested, so these pods run in addition to the Rollout's`,
        ],
      };
    }
    const operations = setAt(submitted, ['spec', 'replicas'], 0);
    return operations.length === 0
      ? NOTHING
      : {
          operations,
          notes: [`replicas 0, not ${wanted}: the Rollout runs these pods (use kubectl scale to change it)`],
        };
  },
});

// Healthy is the steady state, but a re-apply can come at any moment: during an update, or while a single pod is
// replaced, the pods of the Rollout still serve. They do not serve if the controller gave up on the only ReplicaSet.
function serves(rollout: KubeObject): boolean {
  const status = dig(rollout, 'status');
  if ((optionalNumber(dig(status, 'availableReplicas')) ?? 0) <= 0) return false;
  const phase = asString(dig(status, 'phase'));
  if (phase === 'Degraded')
    return asString(dig(status, 'stableRS')) !== '' && dig(status, 'stableRS') !== dig(status, 'currentPodHash');
  return phase === 'Healthy' || phase === 'Progressing' || phase === 'Paused';
}

/**
 * Reports whether the submitted replicas come from a manifest that is applied again, rather than from a new choice. The
 * annotation holds the last applied count. Without it (server-side apply, replace) no record exists: then it is enough
 * that the same manager wrote this manifest before. The author of a new count owns the field from then on, so the owner
 * in the submitted object is the one who asks.
 */
function isReapplied(submitted: KubeObject, old: KubeObject, wanted: number): boolean {
  const writer = writersOf(submitted).find(ownsReplicas);
  if (writer !== undefined && isByHand(writer.manager)) return false;
  const before = writersOf(old).filter(
    ({ manager, applies }) => writer === undefined || (manager === writer.manager && applies === writer.applies),
  );
  // The API server keeps the annotation up to date only for kubectl. For other clients it may date from before they
  // switched to server-side apply.
  const annotationCounts =
    writer === undefined || !writer.applies || writer.manager === 'kubectl' || before.length === 0;
  const last = annotationCounts ? lastApplied(old) : undefined;
  if (last !== undefined) return (optionalNumber(dig(last, 'spec', 'replicas')) ?? DEFAULT_REPLICAS) === wanted;
  if (writer === undefined) return before.some(({ applies }) => applies);
  if (writer.applies) return before.length > 0;
  // The selector is immutable, so its owner wrote the whole manifest. The owner of the count 0 asked for more replicas
  // before and did not get them.
  return before.some((other) => isObject(dig(other.fields, 'f:spec', 'f:selector')) || ownsReplicas(other));
}

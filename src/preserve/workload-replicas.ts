import type { KubeObject } from '../world/object.ts';
import { dig, isObject, optionalNumber, asString } from '../world/read.ts';
import { workloadRefOf } from '../world/rollout.ts';
import { isByHand, lastApplied, ownsReplicas, writersOf } from '../world/writers.ts';
import { definePreserver, NOTHING } from './define.ts';
import { setAt } from '../world/json-patch.ts';

// What the API server makes of a manifest without a count.
const DEFAULT_REPLICAS = 1;

/**
 * Keeps a Deployment at 0 that the controller scaled down for a Rollout with `workloadRef`. The controller does so at
 * the Rollout's first revision only (Argo Rollouts v1.9.1, `rollout/sync.go`, `rollout/replicaset.go`): a Deployment
 * that a re-apply scales up again runs beside the Rollout for good, its newest pods without any canary.
 */
export const workloadReplicas = definePreserver({
  id: 'workload-replicas',
  summary: 'A Deployment that was scaled down for a Rollout is not scaled up again by applying it once more.',
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
        notes: [`nothing, replicas goes from 0 to ${wanted} as asked: these pods run beside the Rollout's`],
      };
    }
    const operations = setAt(submitted, ['spec', 'replicas'], 0);
    return operations.length === 0
      ? NOTHING
      : { operations, notes: [`replicas 0, not ${wanted}: the Rollout runs these pods (kubectl scale changes it)`] };
  },
});

// Healthy is the steady state, but a re-apply comes at any moment: in the middle of an update, or while a single pod is
// being replaced, the pods of the Rollout serve just the same. Not so where the controller gave up on the only
// ReplicaSet there is.
function serves(rollout: KubeObject): boolean {
  const status = dig(rollout, 'status');
  if ((optionalNumber(dig(status, 'availableReplicas')) ?? 0) <= 0) return false;
  const phase = asString(dig(status, 'phase'));
  if (phase === 'Degraded')
    return asString(dig(status, 'stableRS')) !== '' && dig(status, 'stableRS') !== dig(status, 'currentPodHash');
  return phase === 'Healthy' || phase === 'Progressing' || phase === 'Paused';
}

/**
 * In: the submitted and the stored Deployment, and the submitted count. Out: whether it is the count of a manifest that
 * is applied again, rather than one that somebody chose now. The annotation has the last count that was applied.
 * Without it (server-side apply, replace) nothing has: then it is enough that the same manager wrote this manifest
 * before. Whoever writes a new count owns the field from then on, so that the owner in the submitted object is the one
 * who asks.
 */
function isReapplied(submitted: KubeObject, old: KubeObject, wanted: number): boolean {
  const writer = writersOf(submitted).find(ownsReplicas);
  if (writer !== undefined && isByHand(writer.manager)) return false;
  const before = writersOf(old).filter(
    ({ manager, applies }) => writer === undefined || (manager === writer.manager && applies === writer.applies),
  );
  // The API server keeps the annotation up to date for kubectl alone; for others it may be left from the time before
  // they applied on its side.
  const annotationCounts =
    writer === undefined || !writer.applies || writer.manager === 'kubectl' || before.length === 0;
  const last = annotationCounts ? lastApplied(old) : undefined;
  if (last !== undefined) return (optionalNumber(dig(last, 'spec', 'replicas')) ?? DEFAULT_REPLICAS) === wanted;
  if (writer === undefined) return before.some(({ applies }) => applies);
  if (writer.applies) return before.length > 0;
  // The selector cannot be changed: whoever owns it wrote the whole manifest. Whoever owns the count at 0 asked for
  // more before, and did not get it.
  return before.some((other) => isObject(dig(other.fields, 'f:spec', 'f:selector')) || ownsReplicas(other));
}

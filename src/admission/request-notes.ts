import {
  CONVERT,
  isConverting,
  MIGRATION_RULE,
  migrationAnnotationsOf,
  OFF,
  ownershipOf,
} from '../migration/annotations.ts';
import { countsPods, scalersOf } from '../migration/scalers.ts';
import { kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import { dig, optionalNumber } from '../world/read.ts';
import { isBeingDeleted, workloadRefOf } from '../world/rollout.ts';
import type { World } from '../world/world.ts';
import { nameOf, ruleTag } from './attribution.ts';
import type { Request } from './review.ts';

const AUTOSCALER_RULE = 'autoscaler-target';

/**
 * Returns what the author of a request is told about the write itself, a line each. Rules cannot see it, because they
 * look at one state: whether a count is a new one, or a Rollout goes while its Deployment stays.
 *
 * @param isOff - Whether the policy has switched a rule off.
 */
export function requestNotes(
  { operation, object, oldObject }: Request,
  world: World,
  isOff: (rule: string) => boolean,
): string[] {
  if (oldObject === undefined || kindOf(oldObject) !== 'Rollout.argoproj.io') return [];
  if (operation === 'DELETE') return deletionNotes(oldObject, world);
  if (object === undefined || isOff(AUTOSCALER_RULE)) return [];
  return replicasNotes(oldObject, object, world);
}

function deletionNotes(rollout: KubeObject, world: World): string[] {
  const ref = workloadRefOf(rollout);
  if (ref?.kind !== 'Deployment.apps' || isBeingDeleted(rollout)) return [];
  const found = world.get('Deployment.apps', namespaceOf(rollout), ref.name);
  if (found.state !== 'present' || isBeingDeleted(found.object)) return [];
  if (ownershipOf(rollout, found.object) !== 'ours' || !isConverting(migrationAnnotationsOf(found.object))) return [];
  const deployment = nameOf(found.object);
  return [
    `${nameOf(rollout)} runs the pods of converted ${deployment}: deleting it stops them before others run; ` +
      `set ${CONVERT}: "${OFF}" on ${deployment} instead ${ruleTag(MIGRATION_RULE)}`,
  ];
}

// An autoscaler does not scale a workload at 0, so a person who sets or leaves 0 means it.
function replicasNotes(before: KubeObject, after: KubeObject, world: World): string[] {
  const [old, wanted] = [before, after].map((rollout) => optionalNumber(dig(rollout, 'spec', 'replicas')));
  if (old === wanted || !old || !wanted) return [];
  const scaler = scalersOf(world, 'Rollout.argoproj.io', namespaceOf(after), after.metadata.name).find((candidate) =>
    countsPods([candidate]),
  );
  if (scaler === undefined) return [];
  return [
    `${nameOf(after)}: replicas changes from ${old} to ${wanted}, but ${nameOf(scaler)} sets it: ` +
      `remove spec.replicas from the manifest ${ruleTag(AUTOSCALER_RULE)}`,
  ];
}

import {
  CONVERT,
  isConverting,
  MIGRATION_RULE,
  migrationAnnotationsOf,
  OFF,
  ownershipOf,
} from '../migration/annotations.ts';
import { countsPods, scalersOf } from '../migration/scalers.ts';
import { keyOf, kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import { dig, optionalNumber, stringMap } from '../world/read.ts';
import type { Role } from '../world/reference-list.ts';
import { references } from '../world/references.ts';
import { HASH_LABEL, isBeingDeleted, isMidUpdate, stableIsPing, workloadRefOf } from '../world/rollout.ts';
import type { World } from '../world/world.ts';
import { nameOf, ruleTag } from './attribution.ts';
import type { Request } from './review.ts';

const AUTOSCALER_RULE = 'autoscaler-target';
const SELECTOR_RULE = 'service-selector';

/**
 * Returns what the author of a request is told about the write itself, a line each. Rules cannot see it, because they
 * look at one state: whether a count is a new one, or a Rollout goes while its Deployment stays.
 *
 * @param isOff - Whether the policy has switched a rule off, or its finding says the same.
 */
export function requestNotes(
  { operation, object, oldObject }: Request,
  world: World,
  isOff: (rule: string) => boolean,
): string[] {
  if (oldObject === undefined) return [];
  if (kindOf(oldObject) === 'Service' && object !== undefined && !isOff(SELECTOR_RULE))
    return selectorNotes(oldObject, object, world);
  if (kindOf(oldObject) !== 'Rollout.argoproj.io') return [];
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

/**
 * Returns a line about a selector that takes another value of a label in the middle of an update. A pod has one value of
 * a label, so the Service loses every pod that it selects. The rule about selectors compares them with the new template,
 * and finds nothing wrong.
 */
function selectorNotes(before: KubeObject, after: KubeObject, world: World): string[] {
  const [old, wanted] = [before, after].map((service) => stringMap(dig(service, 'spec', 'selector')));
  const changed = [...(wanted ?? [])].find(
    ([label, value]) => label !== HASH_LABEL && old?.get(label) !== undefined && old.get(label) !== value,
  );
  if (changed === undefined) return [];
  const key = keyOf(after);
  const rollout = world
    .referrers(key)
    .find(
      (candidate) =>
        kindOf(candidate) === 'Rollout.argoproj.io' &&
        references(candidate).some((reference) => reference.key === key && isServing(reference.role, candidate)) &&
        servesOldPods(candidate),
    );
  if (rollout === undefined) return [];
  const [label, value] = changed;
  return [
    `${nameOf(after)}: no pod that it selects now has ${label}: ${value}, and ${nameOf(rollout)} is being updated: ` +
      `select a label that old and new pods have, roll out, then set ${label} again ${ruleTag(SELECTOR_RULE)}`,
  ];
}

function isServing(role: Role, rollout: KubeObject): boolean {
  if (role === 'ping' || role === 'pong') return (role === 'ping') === stableIsPing(rollout);
  return role === 'stable' || role === 'active';
}

// The Rollout has available pods, and some of them may be of another template than the one in its spec.
function servesOldPods(rollout: KubeObject): boolean {
  if (isBeingDeleted(rollout) || (optionalNumber(dig(rollout, 'status', 'availableReplicas')) ?? 0) === 0) return false;
  const observed = dig(rollout, 'status', 'observedGeneration');
  const { generation } = rollout.metadata;
  return isMidUpdate(rollout) || (typeof generation === 'number' && observed !== String(generation));
}

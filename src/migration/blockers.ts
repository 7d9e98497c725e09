import { namespaceOf, type KubeObject } from '../world/object.ts';
import { keyOf, kindOf } from '../world/object.ts';
import { asArray, dig, isObject, optionalString, asString, stringMap } from '../world/read.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import type { World } from '../world/world.ts';
import { ownershipOf } from './annotations.ts';

const NAME = 'app.kubernetes.io/name';
// What runs the Rollouts, and the gate before them, must not depend on them.
const NEVER: Readonly<Record<string, string>> = {
  'argo-rollouts': 'the Argo Rollouts controller',
  rollgate: 'Rollgate',
};
const SHARED = new Set(['ReadWriteMany', 'ReadOnlyMany']);

/**
 * Returns why a Deployment cannot become a Rollout, in words that continue "not converted: ". A name that is taken is
 * not among them: the user has to fix that.
 */
export function blockersOf(deployment: KubeObject, world: World): string[] {
  return [
    ...ownership(deployment),
    ...itself(deployment),
    ...updates(deployment),
    ...volumes(deployment, world),
    ...otherRollouts(deployment, world),
  ];
}

function ownership(deployment: KubeObject): string[] {
  const owner = asArray(deployment.metadata['ownerReferences']).find(
    (reference) => dig(reference, 'controller') === true,
  );
  return owner === undefined
    ? []
    : [
        `${asString(dig(owner, 'kind'))} "${asString(dig(owner, 'name'))}" owns the Deployment and would revert the change`,
      ];
}

function itself(deployment: KubeObject): string[] {
  const what = NEVER[stringMap(deployment.metadata['labels']).get(NAME) ?? ''];
  return what === undefined ? [] : [`it is ${what}, which must not depend on a Rollout`];
}

function updates(deployment: KubeObject): string[] {
  const recreate =
    dig(deployment, 'spec', 'strategy', 'type') === 'Recreate'
      ? ['its strategy is Recreate: a Rollout runs old and new pods at the same time']
      : [];
  return dig(deployment, 'spec', 'paused') === true
    ? [...recreate, 'it is paused, and a paused Rollout starts no pods']
    : recreate;
}

function volumes(deployment: KubeObject, world: World): string[] {
  const claims = asArray(dig(deployment, 'spec', 'template', 'spec', 'volumes')).map((volume) =>
    optionalString(dig(volume, 'persistentVolumeClaim', 'claimName')),
  );
  return [...new Set(claims)].flatMap((name) => {
    if (name === undefined) return [];
    const found = world.get('PersistentVolumeClaim', namespaceOf(deployment), name);
    if (found.state !== 'present') {
      const why = found.state === 'absent' ? 'does not exist' : `cannot be read (${found.reason})`;
      return [
        `PersistentVolumeClaim "${name}" ${why}; old and new pods can share only a volume that several pods may mount`,
      ];
    }
    const modes = asArray(dig(found.object, 'spec', 'accessModes')).map(asString);
    return modes.some((mode) => SHARED.has(mode))
      ? []
      : [
          `PersistentVolumeClaim "${name}" has access mode ${modes.join(', ') || 'none'}: old and new pods cannot both mount it`,
        ];
  });
}

function otherRollouts(deployment: KubeObject, world: World): string[] {
  return world
    .referrers(keyOf(deployment))
    .filter(
      (rollout) =>
        kindOf(rollout) === 'Rollout.argoproj.io' &&
        !isBeingDeleted(rollout) &&
        isObject(dig(rollout, 'spec', 'workloadRef')) &&
        ownershipOf(rollout, deployment) === 'foreign',
    )
    .map((rollout) => `Rollout "${rollout.metadata.name}" already refers to it`)
    .sort();
}

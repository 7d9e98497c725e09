import { hasMigrationAnnotations, migrationAnnotationsOf } from '../../migration/annotations.ts';
import { namespaceProfile, type DeploymentChange, type MigrationSettings } from '../../migration/plan.ts';
import { rolloutName } from '../../migration/render.ts';
import { isConversionNamespace, isTrusted, type Policy, type Settings } from '../../policy/policy.ts';
import { keyFor, kindOf, namespaceOf, type KubeObject, type ObjectKey } from '../../world/object.ts';
import { asArray, dig, optionalString } from '../../world/read.ts';
import type { World } from '../../world/world.ts';

/**
 * Returns a write as one of a Deployment, if it may concern a conversion. For other writes this costs next to nothing.
 *
 * @param world - Has the labels of namespaces.
 */
export function deploymentChange(
  before: KubeObject | undefined,
  after: KubeObject | undefined,
  world: World,
): DeploymentChange | undefined {
  if (after === undefined || kindOf(after) !== 'Deployment.apps') return undefined;
  if (hasMigrationAnnotations(after) || (before !== undefined && hasMigrationAnnotations(before)))
    return { before, after };
  return before === undefined && namespaceProfile(world, namespaceOf(after)) !== undefined
    ? { before, after }
    : undefined;
}

/**
 * Returns the settings of conversion in a namespace.
 *
 * @param settings - The settings of the policy there.
 * @param running - Which of the processes that conversion needs are running, and what protects its annotations.
 */
export function migrationSettings(
  policy: Policy,
  namespace: string,
  settings: Settings,
  running: Pick<MigrationSettings, 'controllers' | 'converts' | 'protection'>,
): MigrationSettings {
  return {
    profiles: policy.profiles,
    on: settings.conversion === 'on',
    covered: isConversionNamespace(policy, namespace),
    isFallback: policy.isFallback,
    trusted: (rollouts, objects) => isTrusted(policy, rollouts, objects),
    ...running,
  };
}

/** Returns the objects that decide whether a Deployment can be converted. They are read live before it is. */
export function decisiveObjects({ after }: DeploymentChange, world: World, policy: Policy): ObjectKey[] {
  const namespace = namespaceOf(after);
  const name = migrationAnnotationsOf(after).profile ?? namespaceProfile(world, namespace) ?? '';
  const profile = Object.hasOwn(policy.profiles, name) ? policy.profiles[name] : undefined;
  const claims = asArray(dig(after, 'spec', 'template', 'spec', 'volumes')).flatMap(
    (volume) => optionalString(dig(volume, 'persistentVolumeClaim', 'claimName')) ?? [],
  );
  return [
    keyFor('Namespace', '', namespace),
    // Without its profile, a Rollout has the name of the Deployment more often than any other.
    keyFor('Rollout.argoproj.io', namespace, profile === undefined ? after.metadata.name : rolloutName(profile, after)),
    ...claims.map((claim) => keyFor('PersistentVolumeClaim', namespace, claim)),
  ];
}

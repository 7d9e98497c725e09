import {
  isSuspendedAs,
  MIGRATION_RULE,
  migrationAnnotationsOf,
  ownershipOf,
  REPLICAS,
} from '../migration/annotations.ts';
import { rolloutOf } from '../migration/plan.ts';
import { matchesGlob } from '../policy/glob.ts';
import { isConversionNamespace, type Policy } from '../policy/policy.ts';
import type { ReportedFinding } from '../report/model.ts';
import { namespaceOf, refOf, type KubeObject } from '../world/object.ts';
import { renderPath } from '../world/path.ts';
import type { World } from '../world/world.ts';

/**
 * Returns the Deployments that ask for conversion and do not get it, because nothing shows that a user with the right to
 * create Rollouts asked: their annotations are from before the conversion policy, or Rollgate has noted that they are
 * from another one.
 *
 * @param namespace - Only this namespace. Undefined: all.
 */
export function unprovenFindings(world: World, policy: Policy, namespace: string | undefined): ReportedFinding[] {
  const listing = world.list('Deployment.apps', namespace);
  if (listing.state === 'unknown') return [];
  return listing.objects
    .filter((deployment) => isUnproven(deployment, world))
    .filter((deployment) => mayBeConverted(namespaceOf(deployment), policy))
    .map((deployment) => ({
      rule: MIGRATION_RULE,
      class: 'advice',
      decision: 'warn',
      object: refOf(deployment),
      path: renderPath(['metadata', 'annotations', REPLICAS]),
      message:
        'not converted: nothing shows that a user who may create Rollouts asked for this under the current conversion policy',
      fix: 'as such a user, apply or annotate the Deployment again, or remove the annotation rollgate.io/convert',
    }));
}

function mayBeConverted(namespace: string, policy: Policy): boolean {
  return (
    isConversionNamespace(policy, namespace) &&
    !policy.exemptions.namespaces.some((glob) => matchesGlob(glob, namespace))
  );
}

function isUnproven(deployment: KubeObject, world: World): boolean {
  const annotations = migrationAnnotationsOf(deployment);
  const { profile, replicas, rolloutUid, policyUids } = annotations;
  if (profile === undefined || replicas === undefined || rolloutUid !== undefined) return false;
  if (policyUids !== undefined && !isSuspendedAs(annotations, 'not-proven')) return false;
  const rollout = rolloutOf(deployment, '', world);
  return rollout === undefined || ownershipOf(rollout, deployment) !== 'ours';
}

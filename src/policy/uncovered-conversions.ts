import { hasMigrationAnnotations, isConverting, migrationAnnotationsOf, replicasOf } from '../migration/annotations.ts';
import { rolloutOf } from '../migration/plan.ts';
import { keyOf, namespaceOf, type KubeObject } from '../world/object.ts';
import type { World } from '../world/world.ts';
import { isConversionNamespace, type Policy } from './policy.ts';

/** A Deployment that was converted before `conversionNamespaces` left its namespace out. */
export interface UncoveredConversion {
  readonly deployment: KubeObject;
  /** What is wrong, and what to do. */
  readonly message: string;
  readonly fix: string;
}

/**
 * Returns the converted Deployments whose Rollouts Rollgate may not change, and those that it left at 0 without a
 * Rollout, sorted by namespace and name. Those that have their own pods again are not among them.
 *
 * @param only - Only this namespace.
 */
export function uncoveredConversions(world: World, policy: Policy, only: string | undefined): UncoveredConversion[] {
  if (policy.conversionNamespaces.length === 0) return [];
  const listing = world.list('Deployment.apps', only);
  if (listing.state === 'unknown') return [];
  return listing.objects
    .filter(
      (deployment) => hasMigrationAnnotations(deployment) && !isConversionNamespace(policy, namespaceOf(deployment)),
    )
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .flatMap((deployment) => uncovered(deployment, world));
}

const WHY = 'conversion.namespaces does not name its namespace';

function uncovered(deployment: KubeObject, world: World): UncoveredConversion[] {
  const annotations = migrationAnnotationsOf(deployment);
  if (!isConverting(annotations)) return [];
  if (world.list('Rollout.argoproj.io', namespaceOf(deployment)).state === 'unknown') return [];
  const rollout = rolloutOf(deployment, '', world);
  if (rollout !== undefined)
    return [
      {
        deployment,
        message: `${WHY}, so Rollgate no longer changes Rollout "${rollout.metadata.name}" and cannot convert back`,
        fix: 'add the namespace to conversion.namespaces again; to remove it, convert back first',
      },
    ];
  const { replicas = 0 } = annotations;
  if (replicas === 0 || replicasOf(deployment) > 0) return [];
  return [
    {
      deployment,
      message: `${WHY}, and it has no pods: it is at 0 replicas and has no Rollout`,
      fix: `run kubectl scale with --replicas=${replicas}, or add the namespace to conversion.namespaces again`,
    },
  ];
}

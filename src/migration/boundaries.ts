import { namespaceOf, type KubeObject } from '../world/object.ts';
import { renderPath, type Path } from '../world/path.ts';
import { asArray, asString, dig } from '../world/read.ts';
import { strategyReferences } from '../world/strategy-references.ts';
import type { Profile } from './profiles.ts';
import { dottedPlaceholder } from './render.ts';

/** Why a Rollout must not be made, and what the user can do. */
export interface BoundaryProblem {
  readonly message: string;
  readonly fix: string;
}

/** A profile and its name. */
export interface NamedProfile {
  readonly name: string;
  readonly profile: Profile;
}

/**
 * Returns why a Rollout must not be made of a Deployment, or undefined: a name would be read as more than a name, or
 * the Rollout would control an object of a namespace that the policy does not trust it with. Users who may create
 * Deployments in one namespace would otherwise get the rights of the Rollouts controller in another one.
 *
 * @param named - The profile that the Deployment asks for.
 * @param deployment - Has the name that the user chose.
 * @param rollout - As the profile renders it.
 * @param trusted - Returns whether Rollouts of the first namespace may control objects of the second.
 */
export function boundaryProblem(
  named: NamedProfile,
  deployment: KubeObject,
  rollout: KubeObject,
  trusted: (rollouts: string, objects: string) => boolean,
): BoundaryProblem | undefined {
  return dottedName(named, deployment) ?? foreignReference(named, rollout, trusted);
}

const ISTIO: Path = ['spec', 'strategy', 'canary', 'trafficRouting', 'istio'];

// The only texts of a Rollout that the controller splits at dots (Argo Rollouts v1.9.1, `utils/istio`,
// GetVirtualServiceNamespaceName).
function splitAtDots({ strategy }: Profile): readonly (readonly [text: string, path: Path])[] {
  const istio = dig(strategy, 'canary', 'trafficRouting', 'istio');
  return [
    [asString(dig(istio, 'virtualService', 'name')), [...ISTIO, 'virtualService', 'name']],
    ...asArray(dig(istio, 'virtualServices')).map(
      (entry, index) => [asString(dig(entry, 'name')), [...ISTIO, 'virtualServices', index, 'name']] as const,
    ),
  ];
}

function dottedName({ name, profile }: NamedProfile, deployment: KubeObject): BoundaryProblem | undefined {
  for (const [text, path] of splitAtDots(profile)) {
    const value = dottedPlaceholder(text, deployment);
    if (value !== undefined)
      return {
        message: `profile "${name}" puts the name "${value}" where Argo Rollouts reads a namespace after the dot (${renderPath(path)})`,
        fix: 'use a name without a dot, or another profile',
      };
  }
  return undefined;
}

function foreignReference(
  { name }: NamedProfile,
  rollout: KubeObject,
  trusted: (rollouts: string, objects: string) => boolean,
): BoundaryProblem | undefined {
  const home = namespaceOf(rollout);
  // Cluster-scoped objects have no namespace.
  const foreign = strategyReferences(rollout).find(
    ({ namespace }) => namespace !== '' && namespace !== home && !trusted(home, namespace),
  );
  if (foreign === undefined) return undefined;
  const kind = foreign.kind === undefined ? 'object' : foreign.kind.split('.', 1)[0];
  return {
    message: `profile "${name}" makes the Rollout control ${kind} "${foreign.namespace}/${foreign.name}" of another namespace`,
    fix: `use another profile, or add {rollouts: ${home}, objects: ${foreign.namespace}} to trustedNamespaces of the policy`,
  };
}

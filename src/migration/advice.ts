import { namespaceOf, type KubeObject } from '../world/object.ts';
import { asArray, dig } from '../world/read.ts';
import type { World } from '../world/world.ts';
import { kindOf } from '../world/object.ts';
import { retarget, scalersOf } from './scalers.ts';

/**
 * Returns what the owner of a Deployment that becomes a Rollout has to change elsewhere, each in a sentence. With
 * `covered: 'rules'` horizontal autoscalers are left out, because a rule warns about them anyway.
 *
 * @param rollout - The name of the Rollout.
 */
export function adviceFor(
  deployment: KubeObject,
  rollout: string,
  world: World,
  { covered }: { readonly covered: 'rules' | 'nothing' },
): string[] {
  const scalers = scalersOf(world, 'Deployment.apps', namespaceOf(deployment), deployment.metadata.name);
  const relevant =
    covered === 'nothing'
      ? scalers
      : scalers.filter((scaler) => kindOf(scaler) === 'VerticalPodAutoscaler.autoscaling.k8s.io');
  return [...relevant.map((scaler) => retarget(scaler, rollout)), ...matchLabelKeys(deployment)];
}

const HASH = 'pod-template-hash';
const FIELDS = ['matchLabelKeys', 'mismatchLabelKeys'];

function matchLabelKeys(deployment: KubeObject): string[] {
  const pod = dig(deployment, 'spec', 'template', 'spec');
  const terms = ['podAffinity', 'podAntiAffinity'].flatMap((kind) => {
    const affinity = dig(pod, 'affinity', kind);
    const preferred = asArray(dig(affinity, 'preferredDuringSchedulingIgnoredDuringExecution')).map((entry) =>
      dig(entry, 'podAffinityTerm'),
    );
    return [...asArray(dig(affinity, 'requiredDuringSchedulingIgnoredDuringExecution')), ...preferred].map(
      (term) => [kind, term] as const,
    );
  });
  const places = [
    ...asArray(dig(pod, 'topologySpreadConstraints')).map((entry) => ['topologySpreadConstraints', entry] as const),
    ...terms,
  ];
  const lines = places.flatMap(([place, entry]) =>
    FIELDS.filter((field) => asArray(dig(entry, field)).includes(HASH)).map(
      (field) =>
        `${field}: ${HASH} in ${place} has no effect in a Rollout, because its pods do not have that label: use rollouts-pod-template-hash`,
    ),
  );
  return [...new Set(lines)];
}

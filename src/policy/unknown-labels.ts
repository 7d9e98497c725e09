import { CONVERT, OFF } from '../migration/annotations.ts';
import { nearest } from '../world/nearest.ts';
import type { KubeObject } from '../world/object.ts';
import { dig } from '../world/read.ts';
import type { World } from '../world/world.ts';
import { POLICY_LABEL, type Policy } from './policy.ts';

/** The labels of a namespace that name something in the policy. */
export const NAMESPACE_LABELS = [POLICY_LABEL, CONVERT] as const;

/** A label of a namespace that names nothing in the policy, so that it has no effect. */
export interface UnknownLabel {
  readonly namespace: KubeObject;
  readonly label: (typeof NAMESPACE_LABELS)[number];
  readonly value: string;
  /** What is wrong, and what to do. */
  readonly message: string;
  readonly fix: string;
}

/** Returns the labels of namespaces that name no override or no profile, sorted by namespace. */
export function unknownLabels(world: World, policy: Policy): UnknownLabel[] {
  // It has not all the names of the policy that it stands for.
  if (policy.isFallback === true) return [];
  const listing = world.list('Namespace', undefined);
  if (listing.state === 'unknown') return [];
  const known = {
    [POLICY_LABEL]: { what: 'override', names: policy.overrides.map(({ name }) => name), also: [] },
    [CONVERT]: { what: 'profile', names: Object.keys(policy.profiles), also: [OFF] },
  };
  return listing.objects
    .flatMap((namespace) =>
      NAMESPACE_LABELS.flatMap((label): UnknownLabel[] => {
        const value = dig(namespace.metadata, 'labels', label);
        const { what, names, also } = known[label];
        if (typeof value !== 'string' || [...names, ...also].includes(value)) return [];
        const meant = nearest(value, [...names, ...also]);
        return [
          {
            namespace,
            label,
            value,
            message: `label ${label} names ${what} "${value}", which the policy does not have, so it has no effect`,
            fix: meant === undefined ? 'use a name that the policy has, or remove the label' : `use "${meant}"`,
          },
        ];
      }),
    )
    .sort((a, b) => (a.namespace.metadata.name < b.namespace.metadata.name ? -1 : 1));
}

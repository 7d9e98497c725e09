import type { KubeObject } from '../world/object.ts';
import type { Reference } from '../world/reference-list.ts';
import type { World } from '../world/world.ts';
import type { FindingPlace, GraphBuilder } from './graph-builder.ts';
import type { Side } from './messages.ts';

/** The ids of nodes that are no objects. */
export const PODS: Readonly<Record<Side, string>> = { stable: 'pods/stable', canary: 'pods/canary' };
/** What the parts of a graph are made from. */
export interface GraphInput {
  readonly rollout: KubeObject;
  readonly world: World;
  readonly builder: GraphBuilder;
  /** The Services of both sides; empty if not set. */
  readonly services: { readonly stable: string; readonly canary: string };
}

/** Adds the node of an object that something refers to. */
export function addTarget(
  { world, builder }: GraphInput,
  { key, kind, namespace, name }: Pick<Reference, 'key' | 'kind' | 'namespace' | 'name'>,
  node: { readonly kind: 'route' | 'service' | 'analysis' | 'workload'; readonly title: string; readonly side?: Side },
  places: readonly FindingPlace[],
): KubeObject | undefined {
  const found = kind === undefined ? undefined : world.get(kind, namespace, name);
  const object = found?.state === 'present' ? found.object : undefined;
  const isMissing = found?.state === 'absent';
  builder.node(
    {
      id: key,
      name,
      ...node,
      ...(object === undefined ? {} : { object }),
      ...(isMissing ? { isMissing: true as const } : {}),
    },
    places,
  );
  return object;
}

/** Returns the id of the node of a subset. */
export function subsetId(side: Side): string {
  return `subset/${side}`;
}

import { appMeshRefOf, isNoCanary, NODE_HASH_PATH, recordedNodeHash, type NodeRole } from '../world/appmesh.ts';
import { setAt } from '../world/json-patch.ts';
import type { KubeObject } from '../world/object.ts';
import { at } from '../world/path.ts';
import { optionalString } from '../world/read.ts';
import { definePreserver, NOTHING } from './define.ts';
import { statusHashes } from './hashes.ts';
import { lastWriterOf } from './source.ts';
import { statusWeights } from './weights.ts';

/**
 * Keeps the pod template hash in the pod selector of a VirtualNode. Without it, the stable and the canary node select the
 * same pods. The controller does not watch these objects: a hash that an apply drops stays away until the Rollout is
 * reconciled for another reason. Follows Argo Rollouts v1.9.1, `rollout/trafficrouting/appmesh` (UpdateHash).
 */
export const virtualNodeHash = definePreserver({
  id: 'virtualnode-hash',
  summary: 'The pod selector of an App Mesh VirtualNode that a Rollout controls keeps the pod template hash.',
  kinds: ['VirtualNode.appmesh.k8s.aws'],
  keep({ submitted, old, rollout, rollouts, manager = '' }) {
    const role = roleOf(submitted, rollout);
    if (role === undefined) return NOTHING;
    // Each Rollout that shares a node writes its own hash, and none of them is certain. What is stored stays.
    const recorded = rollouts.length > 1 ? undefined : recordedNodeHash(rollout, role);
    const hash = hashFor(old, rollout, role, recorded, manager);
    if (hash === undefined) return NOTHING;
    const operations = setAt(submitted, NODE_HASH_PATH, hash);
    return operations.length === 0 ? NOTHING : { operations, notes: [`hash ${hash} in the pod selector (${role})`] };
  },
});

/** Returns the role of a virtual node for a Rollout; undefined if it is not its node, or is both of them. */
function roleOf({ metadata: { name } }: KubeObject, rollout: KubeObject): NodeRole | undefined {
  const { stable, canary } = appMeshRefOf(rollout) ?? {};
  if (stable === canary) return undefined;
  if (name === stable) return 'stable';
  return name === canary ? 'canary' : undefined;
}

/**
 * Returns the hash that the node gets; undefined if nothing is known. A stored hash with pods stays, even if the status
 * has another one: the controller writes the status later, and the two nodes may have swapped their roles. So does the
 * text for no canary, unless the requester wrote it at a time when Rollgate did not answer.
 *
 * @param recorded - The hash of the node by the status.
 */
function hashFor(
  old: KubeObject | undefined,
  rollout: KubeObject,
  role: NodeRole,
  recorded: string | undefined,
  manager: string,
): string | undefined {
  const stored = old === undefined ? undefined : optionalString(at(old, NODE_HASH_PATH));
  if (stored !== undefined && statusHashes(rollout).has(stored)) return stored;
  if (recorded === undefined || role === 'stable' || !isNoCanary(stored)) return recorded;
  // What is certain in the status was written after the last change of the pods, so nothing newer can be stored.
  const isMissed =
    statusWeights(rollout)?.isCertain === true && lastWriterOf(old, 'podSelector', manager) === 'requester';
  return isMissed ? recorded : stored;
}

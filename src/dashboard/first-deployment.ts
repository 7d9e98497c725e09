import type { KubeObject } from '../world/object.ts';
import { asObject } from '../world/read.ts';

/**
 * Returns a Rollout as it is after its first deployment, which makes ping the stable Service (Argo Rollouts v1.9.1,
 * `rollout/sync.go`). Manifests have no status.
 */
export function afterFirstDeployment(rollout: KubeObject): KubeObject {
  const status = asObject(rollout['status']);
  const canary = { stablePingPong: 'ping', ...asObject(status['canary']) };
  return { ...rollout, status: { ...status, canary } };
}

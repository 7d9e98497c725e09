import type { KubeObject } from '../../../src/world/object.ts';
import { rollout, type Json } from '../objects.ts';

/** An object as it is applied, as it is stored, and the Rollouts that drive it. */
export interface Applied {
  readonly submitted: KubeObject;
  readonly old: KubeObject;
  readonly rollouts: readonly KubeObject[];
  readonly manager?: string;
  /** Objects between the Rollouts and the object. */
  readonly others?: readonly KubeObject[];
}

/** Something that a user can make large: what is applied for a size. */
export interface KeepSetup {
  readonly title: string;
  readonly make: (n: number) => Applied;
}

/** The client that applies the object, and has written all of it before. */
export const APPLIER = 'kubectl-client-side-apply';

/** Returns metadata of an object in which the client wrote a field of the spec. */
export const written = (field: string): Json => ({
  managedFields: [
    {
      manager: APPLIER,
      operation: 'Update',
      fieldsV1: { 'f:spec': { [`f:${field}`]: {} } },
      time: '2026-01-01T00:00:00Z',
    },
  ],
});

/** Returns a Rollout whose canary gets 20 of 100 requests. */
export function inCanary(name: string, canary: Json): KubeObject {
  return {
    ...rollout(name, { canary }),
    status: {
      observedGeneration: '1',
      phase: 'Progressing',
      currentPodHash: 'new',
      stableRS: 'old',
      currentStepIndex: 1,
      canary: { weights: { canary: { weight: 20 }, stable: { weight: 80 } } },
    },
  };
}

/** Returns a Rollout whose status says that its weights are those of the current ReplicaSets. */
export function certain(one: KubeObject): KubeObject {
  const status = one['status'] as Json;
  const weights = {
    canary: { weight: 20, podTemplateHash: status['currentPodHash'] },
    stable: { weight: 80, podTemplateHash: status['stableRS'] },
  };
  return { ...one, status: { ...status, canary: { weights } } };
}

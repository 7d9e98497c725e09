import { keyOf, type KubeObject } from '../world/object.ts';
import { references, SERVICE_ROLES } from '../world/references.ts';
import type { Role } from '../world/reference-list.ts';
import { dig, asObject, optionalString } from '../world/read.ts';
import { HASH_LABEL, MANAGED_BY } from '../world/rollout.ts';
import { definePreserver, inOneLine, NOTHING, together } from './define.ts';
import { hashForRole, isFullyAvailable, isManagedByAnother, managedBy, statusHashes } from './hashes.ts';
import { setAt } from '../world/json-patch.ts';

/**
 * Keeps the pod template hash in the selector of a Rollout's Services. A selector is one value under server-side apply,
 * so an apply drops the hash, and the controller does not notice a Service without one before its next resync. It
 * switches an active Service without one to the new pods at once (Argo Rollouts v1.9.1, `service/service.go`,
 * `isBlueGreenFastTracked`).
 */
export const serviceHash = definePreserver({
  id: 'service-hash',
  summary: 'The selector of a Service that a Rollout controls keeps the pod template hash.',
  kinds: ['Service'],
  keep({ submitted, old, rollout, world }) {
    const selector = asObject(dig(submitted, 'spec', 'selector'));
    if (Object.keys(selector).length === 0 || dig(submitted, 'spec', 'type') === 'ExternalName') return NOTHING;
    if (isManagedByAnother([submitted, old], rollout, world)) return NOTHING;

    const key = keyOf(submitted);
    const named = references(rollout).filter(
      (reference) => reference.key === key && SERVICE_ROLES.includes(reference.role),
    );
    const roles = [...new Set(named.map(({ role }) => role))];
    const hash = storedHash(old, rollout) ?? expectedHash(old, rollout, roles);
    if (hash === undefined) return NOTHING;

    const selected = setAt(submitted, ['spec', 'selector', HASH_LABEL], hash);
    const annotate = old === undefined ? managedBy(submitted) === undefined : isAdopted(old, rollout);
    const annotated = annotate ? setAt(submitted, ['metadata', 'annotations', MANAGED_BY], rollout.metadata.name) : [];
    return inOneLine(
      together([
        {
          operations: selected,
          notes: selected.length > 0 ? [`hash ${hash} in the selector (${roles.join(', ')})`] : [],
        },
        { operations: annotated, notes: annotated.length > 0 ? ['the managed-by annotation'] : [] },
      ]),
    );
  },
});

/** Returns the hash that the stored Service selects, if the Rollout has pods with it. */
function storedHash(old: KubeObject | undefined, rollout: KubeObject): string | undefined {
  const hash = optionalString(dig(old, 'spec', 'selector', HASH_LABEL));
  return hash !== undefined && statusHashes(rollout).has(hash) ? hash : undefined;
}

/**
 * Returns the hash that the Service should select, or undefined if that is not certain.
 * @param roles - The roles in which the Rollout uses the Service.
 */
function expectedHash(old: KubeObject | undefined, rollout: KubeObject, roles: readonly Role[]): string | undefined {
  const hashes = [...new Set(roles.map((role) => hashForRole(rollout, role)))];
  // If one Service has two roles, only the stored hash could say which one applies now.
  if (hashes.length > 1) return undefined;
  if (old === undefined || isAdopted(old, rollout) || dig(old, 'spec', 'selector', HASH_LABEL) !== undefined)
    return hashes[0];
  // The selectors in a blue-green status were read from the Services themselves, so the controller has adopted those
  // before. Any other Service may select pods of other workloads. The controller adopts it only when all of its own
  // pods are available, and this keep must not bypass that guard.
  return roles.includes('active') || roles.includes('preview') || isFullyAvailable(rollout) ? hashes[0] : undefined;
}

function isAdopted(service: KubeObject, rollout: KubeObject): boolean {
  return managedBy(service) === rollout.metadata.name;
}

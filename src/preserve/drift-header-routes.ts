import {
  actionAnnotation,
  conditionsAnnotation,
  MANAGED_ALB_ANNOTATIONS,
  readManagedAnnotations,
} from '../world/alb.ts';
import { managedIngresses } from '../world/ingress.ts';
import { memo } from '../world/memo.ts';
import { namespaceOf, type KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import type { Drift } from './drift-look.ts';
import { findForLook, type Look } from './drift-routers.ts';
import { annotationOf } from './ingress-action.ts';
import { hasPathTo } from './ingress-paths.ts';
import { liveManagedRoutes } from './weights.ts';

/**
 * Returns the header routes that are lost in the ALB Ingresses of a Rollout. The controller lists in the Ingress which
 * annotations it wrote, and removes a route and its entries in one write (Argo Rollouts v1.9.1,
 * `rollout/trafficrouting/alb`). So a route of the list that has no path was removed by somebody else.
 *
 * Nothing like that is known of other routers. The status does not say that a route was set: the controller passes the
 * step without it where stable pods are missing, and removes the route when no canary pod is available for a moment.
 */
export function* headerRouteDrifts(rollout: KubeObject, look: Look): Generator<Drift> {
  const names = liveManagedRoutes(rollout);
  if (names.length === 0) return;
  for (const { router, name } of managedIngresses(rollout)) {
    if (router !== 'alb') continue;
    const object = findForLook('Ingress.networking.k8s.io', namespaceOf(rollout), name, look);
    if (object === undefined) continue;
    const copy = look.copies.of(object);
    const listed = listsIn(copy).get(rollout.metadata.name);
    if (listed === undefined) continue;
    for (const route of names) {
      if (!look.budget.spend(1)) return;
      const lost = listed.has(actionAnnotation(rollout, route)) ? lostOf(rollout, copy, route) : undefined;
      if (lost === undefined) continue;
      yield {
        what: 'header-route',
        object,
        path: lost.path,
        has: `${route} has no ${lost.what}`,
        message:
          `header route "${route}" has no ${lost.what}, but the list of the controller in ${MANAGED_ALB_ANNOTATIONS} ` +
          `has it for Rollout "${rollout.metadata.name}"`,
      };
    }
  }
}

function lostOf(
  rollout: KubeObject,
  ingress: KubeObject,
  route: string,
): { readonly what: string; readonly path: Path } | undefined {
  if (!hasPathTo(ingress, route)) return { what: 'path', path: ['spec', 'rules'] };
  const [action, conditions] = [actionAnnotation(rollout, route), conditionsAnnotation(rollout, route)];
  if (annotationOf(ingress, action) === undefined) return { what: 'action', path: ['metadata', 'annotations', action] };
  return annotationOf(ingress, conditions) === undefined
    ? { what: 'conditions', path: ['metadata', 'annotations', conditions] }
    : undefined;
}

// Read once for all Rollouts of an Ingress.
const listsIn = memo((ingress: KubeObject): ReadonlyMap<string, ReadonlySet<string>> => {
  const managed = readManagedAnnotations(annotationOf(ingress, MANAGED_ALB_ANNOTATIONS) ?? '{}') ?? [];
  return new Map([...managed].map(([name, keys]) => [name, new Set(keys)]));
});

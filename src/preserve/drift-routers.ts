import { virtualRouterOf } from '../world/appmesh.ts';
import { managedIngresses } from '../world/ingress.ts';
import { namespaceOf, type KindId, type KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { stringMap } from '../world/read.ts';
import { references } from '../world/references.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import type { World } from '../world/world.ts';
import type { Copies, LookBudget } from './drift-look.ts';
import { storedAction } from './ingress-action.ts';
import { routerRules, routerWeights } from './router-weights.ts';
import type { Backend } from './shares.ts';
import type { StatusWeights } from './weights.ts';

/** Backends that share traffic in an object of a router. */
interface Weighed {
  readonly object: KubeObject;
  readonly path: Path;
  readonly title: string;
  readonly backends: readonly Backend[];
}

/** Where a look is done, and what it costs. */
export interface Look {
  readonly world: World;
  readonly budget: LookBudget;
  readonly copies: Copies;
}

/**
 * Returns the backends of a Rollout in TraefikServices, ApisixRoutes and VirtualRouters, and in the actions of ALB
 * Ingresses. The controller writes all of these out of 100.
 */
export function* routerBackends(rollout: KubeObject, status: StatusWeights, look: Look): Generator<Weighed> {
  for (const { kind, namespace, name } of references(rollout)) {
    const object = routerOf(kind, namespace, name, look);
    if (object === undefined) continue;
    for (const { list, title = 'the only rule', backends } of routerRules(rollout, look.copies.of(object))) {
      if (!look.budget.spend(1 + backends.length)) return;
      yield { object, path: list, title, backends };
    }
  }
  for (const { router, name } of managedIngresses(rollout)) {
    if (router !== 'alb') continue;
    const object = findForLook('Ingress.networking.k8s.io', namespaceOf(rollout), name, look);
    const action = object === undefined ? undefined : storedAction(rollout, look.copies.of(object), status);
    if (object === undefined || action === undefined) continue;
    if (!look.budget.spend(1 + action.backends.length)) return;
    yield { object, path: ['metadata', 'annotations', action.key], title: action.title, backends: action.backends };
  }
}

function routerOf(kind: KindId | undefined, namespace: string, name: string, look: Look): KubeObject | undefined {
  if (kind === 'VirtualService.appmesh.k8s.aws') {
    const service = findForLook(kind, namespace, name, look);
    const router = service === undefined ? undefined : virtualRouterOf(service);
    return router === undefined
      ? undefined
      : findForLook('VirtualRouter.appmesh.k8s.aws', router.namespace, router.name, look);
  }
  return kind !== undefined && routerWeights.kinds.includes(kind)
    ? findForLook(kind, namespace, name, look)
    : undefined;
}

/** Returns an object that is not being deleted, and counts what it costs to read its lists and annotations once. */
export function findForLook(
  kind: KindId,
  namespace: string,
  name: string,
  { world, budget, copies }: Look,
): KubeObject | undefined {
  const found = world.get(kind, namespace, name);
  if (found.state !== 'present' || isBeingDeleted(found.object)) return undefined;
  const size = copies.has(found.object) ? 0 : sizeOf(found.object);
  return budget.spend(1 + size) ? found.object : undefined;
}

// What is parsed in a microsecond.
const CHARACTERS_OF_OPERATION = 100;

// Its lists and annotations are read once for all Rollouts.
function sizeOf({ spec, metadata }: KubeObject): number {
  const lists = typeof spec === 'object' && spec !== null ? Object.values(spec) : [];
  const items = lists.reduce<number>((sum, list) => sum + (Array.isArray(list) ? list.length : 0), 0);
  const texts = [...stringMap(metadata['annotations']).values()];
  return texts.reduce((sum, text) => sum + 1 + Math.floor(text.length / CHARACTERS_OF_OPERATION), items);
}

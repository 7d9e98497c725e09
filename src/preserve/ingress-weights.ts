import {
  actionAnnotation,
  conditionsAnnotation,
  managedAnnotationsText,
  MANAGED_ALB_ANNOTATIONS,
  readManagedAnnotations,
} from '../world/alb.ts';
import { getOrAdd } from '../world/get-or-add.ts';
import { albActionService, managedIngresses } from '../world/ingress.ts';
import { same, setAt } from '../world/json-patch.ts';
import { memo } from '../world/memo.ts';
import { keyOf, type KubeObject } from '../world/object.ts';
import { isObject } from '../world/read.ts';
import { managedRouteNames } from '../world/rollout.ts';
import { definePreserver, inOneLine, NEVER, NOTHING, type Preserved } from './define.ts';
import { annotationOf, keepAction } from './ingress-action.ts';
import { hasPathTo, keepPaths } from './ingress-paths.ts';
import { liveManagedRoutes, statusWeights } from './weights.ts';

/**
 * Keeps what the controller writes into an ALB Ingress: the action with the weights; the actions, conditions and paths of
 * header routes; and the list of what it manages. The controller writes such an annotation as a whole, so it is kept as a
 * whole. It adds a header route only at its step, so one that a write removes does not come back. Without the list it
 * does not notice changes of the Ingress. Follows Argo Rollouts v1.9.1, `rollout/trafficrouting/alb` and `ingress/alb.go`.
 */
export const ingressWeights = definePreserver({
  id: 'ingress-weights',
  summary:
    'An ALB Ingress that a Rollout controls keeps the action with the weights, and the actions, conditions and paths of header routes.',
  kinds: ['Ingress.networking.k8s.io'],
  keep({ submitted, old, rollout, rollouts, drivers, manager = '' }) {
    const status = statusWeights(rollout);
    if (status === undefined || !isObject(submitted.metadata['annotations'] ?? {})) return NEVER;
    const first = firstOfActions(drivers, submitted);
    if (!first.has(rollout)) return NEVER;
    const parts = new Parts();
    const service = albActionService(rollout);
    const texts = new Map<string, string>();
    const notes: string[] = [];
    const restore = (entries: Iterable<readonly [string, string | undefined]>, note: string): void => {
      let isRestored = false;
      for (const [key, text] of entries) {
        if (text === undefined) continue;
        parts.reads.add(key);
        if (annotationOf(submitted, key) === text) continue;
        texts.set(key, text);
        isRestored = true;
      }
      if (isRestored) notes.push(note);
    };
    const key = actionAnnotation(rollout, service);
    parts.reads.add(routeTo(service)).add(key);
    const action = keepAction({ submitted, old, rollout, status, manager });
    if (action !== undefined) restore([[key, action.text]], action.note);
    if (old === undefined) return { ...annotate(submitted, texts, parts), notes, ...parts };

    const names = liveManagedRoutes(rollout).filter((name) => name !== service && hasPathTo(old, name));
    const keys = names.flatMap((name) => [actionAnnotation(rollout, name), conditionsAnnotation(rollout, name)]);
    const route = `header route ${names.map((name) => `"${name}"`).join(', ')} of the update in progress`;
    restore(
      keys.map((each) => [each, annotationOf(old, each)] as const),
      route,
    );
    const { reordered, readsOrder } = keepPaths(submitted, old, names, allManaged(rollouts));
    if (reordered.length > 0 && notes.at(-1) !== route) notes.push(route);
    parts.readRoutes(names, readsOrder);
    if (reordered.length > 0) parts.writeRoutes(names);
    if (first.values().next().value === rollout)
      restore([[MANAGED_ALB_ANNOTATIONS, managedList(submitted, old, drivers)]], 'the list of managed annotations');
    return inOneLine({ ...annotate(submitted, texts, parts), reordered, notes, ...parts });
  },
});

/** Returns the operations that set annotations. */
function annotate(ingress: KubeObject, texts: ReadonlyMap<string, string>, { reads, writes }: Parts): Preserved {
  const annotations = ingress.metadata['annotations'] ?? undefined;
  for (const key of texts.keys()) writes.add(key);
  if (annotations !== undefined || texts.size === 0)
    return { ...NOTHING, operations: [...texts].flatMap(([key, text]) => setAt(ingress, [...ANNOTATIONS, key], text)) };
  reads.add('annotations');
  writes.add('annotations');
  return { ...NOTHING, operations: setAt(ingress, ANNOTATIONS, Object.fromEntries(texts)) };
}

const ANNOTATIONS = ['metadata', 'annotations'];

/** The parts of an Ingress that the result for one Rollout depends on, and those that it changes. */
class Parts {
  /** Annotations by their keys, and paths by their Services. */
  readonly reads = new Set<string>();
  readonly writes = new Set<string>();

  readRoutes(names: readonly string[], readsOrder: boolean): void {
    for (const name of names) this.reads.add(routeTo(name));
    if (readsOrder) this.reads.add(ORDER);
  }

  writeRoutes(names: readonly string[]): void {
    for (const name of names) this.writes.add(routeTo(name));
    this.writes.add(ORDER);
  }
}

const ORDER = 'order of paths';
const routeTo = (service: string): string => `paths to ${service}`;

function isAlbOf(rollout: KubeObject, ingress: KubeObject): boolean {
  return managedIngresses(rollout).some(({ router, name }) => router === 'alb' && name === ingress.metadata.name);
}

// Each looks at the whole action. Rollouts do not work that overwrite one action with their own weights.
const MOST_OF_ACTION = 10;

/** Returns the Rollouts that keep something in an ALB Ingress: of those with the same action and with weights, the first. */
function firstOfActions(drivers: readonly KubeObject[], ingress: KubeObject): ReadonlySet<KubeObject> {
  return getOrAdd(firstByIngress(drivers), keyOf(ingress), () => {
    const albs = drivers.filter((rollout) => isAlbOf(rollout, ingress) && statusWeights(rollout) !== undefined);
    const byAction = Map.groupBy(albs, (rollout) => actionAnnotation(rollout, albActionService(rollout)));
    return new Set([...byAction.values()].flatMap((group) => group.slice(0, MOST_OF_ACTION)));
  });
}

const firstByIngress = memo((_drivers: readonly KubeObject[]) => new Map<string, ReadonlySet<KubeObject>>());

const allManaged = memo(
  (rollouts: readonly KubeObject[]): ReadonlySet<string> => new Set(rollouts.flatMap(managedRouteNames)),
);

/**
 * Returns the list of managed annotations with the stored entries of the Rollouts that control the Ingress; undefined if
 * it has them, or is invalid. The first Rollout keeps it for all.
 */
function managedList(submitted: KubeObject, old: KubeObject, drivers: readonly KubeObject[]): string | undefined {
  const stored = readManagedAnnotations(annotationOf(old, MANAGED_ALB_ANNOTATIONS) ?? '');
  const managed = readManagedAnnotations(annotationOf(submitted, MANAGED_ALB_ANNOTATIONS) ?? '{}');
  if (stored === undefined || managed === undefined) return undefined;
  const lost = drivers.flatMap(({ metadata: { name } }): [string, readonly string[]][] => {
    const keys = stored.get(name);
    return keys === undefined || same(keys, managed.get(name)) ? [] : [[name, keys]];
  });
  return lost.length === 0 ? undefined : managedAnnotationsText(new Map([...managed, ...lost]));
}

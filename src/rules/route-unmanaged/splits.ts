import { backendsNamed } from '../../world/gateway.ts';
import { destinationService } from '../../world/istio-hosts.ts';
import { countRoutes, routesOf, type Route } from '../../world/istio.ts';
import { getOrAdd } from '../../world/get-or-add.ts';
import { countedMemo, memo, type Counting } from '../../world/memo.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { asArray, dig, stringMap } from '../../world/read.ts';
import { HASH_LABEL } from '../../world/rollout.ts';
import type { RuleContext } from '../define.ts';
import type { Message } from '../message.ts';

/** The stable and the canary Service of a Rollout. */
export interface Pair {
  readonly stable: string;
  readonly canary: string;
}

const routesByService = countedMemo(
  (virtualService: KubeObject): ReadonlyMap<string, ReadonlySet<Route>> => {
    const byService = new Map<string, Set<Route>>();
    const namespace = namespaceOf(virtualService);
    for (const route of routesOf(virtualService)) {
      for (const { host } of route.destinations()) {
        const service = destinationService(host, namespace);
        if (service?.namespace !== namespace) continue;
        const routes = byService.get(service.name) ?? new Set();
        byService.set(service.name, routes.add(route));
      }
    }
    return byService;
  },
  (virtualService) => routesOf(virtualService).reduce((sum, { raw }) => sum + asArray(dig(raw, 'route')).length, 0),
);

/** Returns the routes of a VirtualService that send to both Services of its namespace, in order. */
export function routesBetween(
  virtualService: KubeObject,
  { stable, canary }: Pair,
  counting: Counting,
): readonly Route[] {
  countRoutes(virtualService, counting);
  const byService = routesByService(virtualService, counting);
  const withStable = byService.get(stable);
  return withStable === undefined ? [] : [...(byService.get(canary) ?? [])].filter((route) => withStable.has(route));
}

/** Returns the index of the first rule of a Gateway API route that sends to both Services of its namespace. */
export function ruleBetween(route: KubeObject, { stable, canary }: Pair): number | undefined {
  const rulesOf = (service: string): readonly number[] =>
    backendsNamed(route, new Set([service]))
      .filter(({ isService, namespace }) => isService && namespace === namespaceOf(route))
      .map(({ rule }) => rule);
  const withStable = new Set(rulesOf(stable));
  return rulesOf(canary).find((rule) => withStable.has(rule));
}

const SERVICE_NAME = /"servicename"\s*:\s*"([^"]{1,63})"/gi;

const actionsByService = memo((ingress: KubeObject): ReadonlyMap<string, ReadonlySet<string>> => {
  const byService = new Map<string, Set<string>>();
  for (const [annotation, action] of stringMap(ingress.metadata['annotations'])) {
    if (!annotation.includes('/actions.')) continue;
    for (const [, service = ''] of action.matchAll(SERVICE_NAME))
      getOrAdd(byService, service, () => new Set<string>()).add(annotation);
  }
  return byService;
});

/** Returns the annotation of an Ingress with an action of an ALB that forwards to both Services. */
export function actionBetween(ingress: KubeObject, { stable, canary }: Pair): string | undefined {
  const byService = actionsByService(ingress);
  const withStable = byService.get(stable);
  return [...(byService.get(canary) ?? [])].find((annotation) => withStable?.has(annotation));
}

const SELECTORS = Symbol('Services by selector');

/** A selector, and the first three Services that have it. */
interface Selecting {
  readonly labels: ReadonlyMap<string, string>;
  readonly names: string[];
}

/** Reports whether a Service of a namespace, other than some, selects pods with these labels. */
export function selectsAll<M extends Record<string, Message>>(
  context: RuleContext<M>,
  namespace: string,
  labels: ReadonlyMap<string, string>,
  except: ReadonlySet<string>,
): boolean {
  const byLabel = context.perWorld(SELECTORS, namespace, () => bySelectedLabel(context.list('Service', namespace)));
  return [...labels].some((label) => {
    const candidates = byLabel.get(JSON.stringify(label)) ?? [];
    context.spend(candidates.length);
    return candidates.some(
      (selecting) =>
        selecting.names.some((name) => !except.has(name)) &&
        [...selecting.labels].every(([key, value]) => labels.get(key) === value),
    );
  });
}

// By the rarest label of each selector, so that few Services are tried for the labels that all pods of a team have.
function bySelectedLabel(services: readonly KubeObject[]): ReadonlyMap<string, readonly Selecting[]> {
  const distinct = new Map<string, Selecting>();
  for (const service of services) {
    const labels = stringMap(dig(service, 'spec', 'selector'));
    if (labels.size === 0 || labels.has(HASH_LABEL)) continue;
    const id = JSON.stringify([...labels].sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = distinct.get(id) ?? { labels, names: [] };
    distinct.set(id, known);
    // Two of them are excepted at most.
    if (known.names.length < 3) known.names.push(service.metadata.name);
  }
  const all = [...distinct.values()].map((selecting) => ({
    selecting,
    keys: [...selecting.labels].map((label) => JSON.stringify(label)),
  }));
  const counts = new Map<string, number>();
  for (const key of all.flatMap(({ keys }) => keys)) counts.set(key, (counts.get(key) ?? 0) + 1);
  const byLabel = new Map<string, Selecting[]>();
  for (const { selecting, keys } of all) {
    const rarest = keys.reduce((best, key) => ((counts.get(key) ?? 0) < (counts.get(best) ?? 0) ? key : best));
    getOrAdd(byLabel, rarest, () => []).push(selecting);
  }
  return byLabel;
}

import { apisixRefOf, apisixRules } from '../world/apisix.ts';
import { appMeshRefOf, meshRoutes } from '../world/appmesh.ts';
import { getOrAdd } from '../world/get-or-add.ts';
import { memo } from '../world/memo.ts';
import { kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import { at, type Path } from '../world/path.ts';
import { stableAndCanaryServices } from '../world/rollout.ts';
import { traefikEntries, traefikServiceOf } from '../world/traefik.ts';
import { definePreserver, isKept, NEVER, together, type Preserved } from './define.ts';
import { commonShare, keepWeights } from './rule-weights.ts';
import { Counterparts, weightOf, type Backend } from './shares.ts';
import { lastWriterOf } from './source.ts';
import { statusWeights } from './weights.ts';

/** A rule with weights in an object of a router. */
interface Rule {
  readonly name: string;
  readonly index: number;
  /** The path of the backends. */
  readonly list: Path;
  readonly backends: readonly { readonly id: string; readonly weight: unknown }[];
}

/** How the controller sets weights in the objects of a router. */
interface Router {
  /** The field of the spec with the weights. */
  readonly field: string;
  /** What a rule is called. */
  readonly ruleName: string;
  rulesIn(object: KubeObject): readonly Rule[];
  /** Returns the names of the rules of a Rollout; empty for all. Undefined if it sets no weights in the object. */
  namesFor(rollout: KubeObject, object: KubeObject): readonly string[] | undefined;
  /** Returns the ids that the backends of a Rollout may have. */
  backendsFor(rollout: KubeObject): { readonly stable: readonly string[]; readonly canary: readonly string[] };
  /** Whether only the first backend of an id gets the weight. */
  readonly firstOnly: boolean;
}

// Argo Rollouts v1.9.1, rollout/trafficrouting/{traefik,apisix,appmesh}. The namespaces are those of the Rollout.
const ROUTERS: Readonly<Partial<Record<string, Router>>> = {
  'TraefikService.traefik.io': {
    field: 'weighted',
    ruleName: '',
    firstOnly: true,
    rulesIn: (object) => {
      const list = ['spec', 'weighted', 'services'];
      const entries = traefikEntries(object);
      // Traefik takes 1 for an entry without a weight.
      const backends = entries?.map(({ name, path }) => ({ id: name, weight: at(object, [...path, 'weight']) ?? 1 }));
      return backends === undefined ? [] : [{ name: '', index: 0, list, backends }];
    },
    namesFor: (rollout) => (traefikServiceOf(rollout) === '' ? undefined : []),
    backendsFor: servicesOf,
  },
  'ApisixRoute.apisix.apache.org': {
    field: 'http',
    ruleName: 'http rule',
    firstOnly: true,
    rulesIn: (object) =>
      apisixRules(object).map(({ name, path, backends }, index) => ({
        name,
        index,
        list: [...path, 'backends'],
        // The ingress controller of APISIX takes 100 for a backend without a weight.
        backends: backends.map((backend) => ({
          id: backend.service,
          weight: at(object, [...backend.path, 'weight']) ?? 100,
        })),
      })),
    // The ApisixRoute of a header route has no weights to keep.
    namesFor: (rollout, object) => {
      const { name, rules } = apisixRefOf(rollout);
      return name === object.metadata.name ? rules.map((rule) => rule.name) : undefined;
    },
    backendsFor: servicesOf,
  },
  'VirtualRouter.appmesh.k8s.aws': {
    field: 'routes',
    ruleName: 'route',
    firstOnly: false,
    rulesIn: (object) =>
      meshRoutes(object).map(({ name, path, targets }, index) => ({
        name,
        index,
        list: path,
        backends: targets.map((target) => ({ id: nodeId(target.namespace, target.name), weight: target.weight })),
      })),
    namesFor: (rollout) => appMeshRefOf(rollout)?.routes,
    backendsFor: (rollout) => {
      const { stable = '', canary = '' } = appMeshRefOf(rollout) ?? {};
      const idsOf = (name: string): string[] => [nodeId('', name), nodeId(namespaceOf(rollout), name)];
      return { stable: idsOf(stable), canary: idsOf(canary) };
    },
  },
};

function servicesOf(rollout: KubeObject): ReturnType<Router['backendsFor']> {
  const { stable, canary } = stableAndCanaryServices(rollout, false);
  return { stable: [stable], canary: [canary] };
}

function nodeId(namespace: string, name: string): string {
  return name === '' ? '' : `${namespace}/${name}`;
}

/**
 * Keeps the weights that the controller sets in a TraefikService, an ApisixRoute or an App Mesh VirtualRouter. It does not
 * watch these objects: a weight that an apply resets stays wrong until the Rollout is reconciled for another reason.
 */
export const routerWeights = definePreserver({
  id: 'router-weights',
  summary: 'A TraefikService, ApisixRoute or App Mesh VirtualRouter that a Rollout controls keeps its weights.',
  kinds: ['TraefikService.traefik.io', 'ApisixRoute.apisix.apache.org', 'VirtualRouter.appmesh.k8s.aws'],
  keep({ submitted, old, rollout, drivers, manager = '' }) {
    const status = statusWeights(rollout);
    const router = ROUTERS[kindOf(submitted) ?? ''];
    if (status === undefined || router === undefined) return NEVER;
    const backendsOf = partsFor(rollout, router);
    const rules = rulesFor(rollout, submitted, drivers, router);
    const storedRules = old === undefined ? [] : rulesFor(rollout, old, drivers, router);
    const stored = new Counterparts<Rule>();
    for (const rule of storedRules) stored.add(rule.name, rule);
    const writer = lastWriterOf(old, router.field, manager);
    const common = commonShare(
      storedRules.map((rule) => ({ backends: backendsOf(rule), writer })),
      () => rules.map(backendsOf),
      status,
    );

    const writes = new Set<string>();
    const kept = rules.map((rule): Preserved => {
      const counterpart = stored.next(rule.name);
      const weights = keepWeights(submitted, rule.list, {
        backends: backendsOf(rule),
        stored: counterpart === undefined ? undefined : backendsOf(counterpart),
        common,
        status,
        writer,
        where: rule.name === '' ? undefined : `${router.ruleName} "${rule.name}"`,
      });
      if (isKept(weights)) writes.add(String(rule.index));
      return weights;
    });
    return { ...together(kept), reads: new Set(rules.map(({ index }) => String(index))), writes };
  },
});

/** A rule whose weights the controller sets for a Rollout. */
export interface RouterRule {
  /** The path of the backends. */
  readonly list: Path;
  /** What it is called; undefined for the only one. */
  readonly title: string | undefined;
  readonly backends: readonly Backend[];
}

/** Returns the rules of a TraefikService, ApisixRoute or VirtualRouter whose weights the controller sets for a Rollout. */
export function routerRules(rollout: KubeObject, object: KubeObject): readonly RouterRule[] {
  const router = ROUTERS[kindOf(object) ?? ''];
  if (router === undefined) return [];
  const backendsOf = partsFor(rollout, router);
  return rulesFor(rollout, object, [rollout], router).map((rule) => ({
    list: rule.list,
    title: rule.name === '' ? undefined : `${router.ruleName} "${rule.name}"`,
    backends: backendsOf(rule),
  }));
}

/** Returns a function that classifies the backends of a rule, as the controller finds them. */
function partsFor(rollout: KubeObject, router: Router): (rule: Rule) => readonly Backend[] {
  const { stable, canary } = router.backendsFor(rollout);
  return ({ backends, list }) => {
    const seen = new Set<string>();
    return backends.map(({ id, weight }, index) => {
      const isFound = id !== '' && !(router.firstOnly && seen.has(id));
      seen.add(id);
      const own = stable.includes(id) ? 'stable' : canary.includes(id) ? 'canary' : 'other';
      const part = isFound ? own : 'other';
      return { part, id: part === 'other' ? id : '', weight: weightOf(weight), raw: { list, index } };
    });
  };
}

// Each looks at a whole rule. More do not work, because each completes the weights of a rule to 100.
const MOST_OF_RULE = 10;

/** Returns the rules in which a Rollout keeps something, in order. */
function rulesFor(
  rollout: KubeObject,
  object: KubeObject,
  drivers: readonly KubeObject[],
  router: Router,
): readonly Rule[] {
  const names = router.namesFor(rollout, object);
  if (names === undefined) return [];
  const first = getOrAdd(firstByRule(drivers), router, () => firstOfRules(drivers, object, router));
  const isFirst = (name: string): boolean => first.get(name)?.has(rollout) === true;
  const index = getOrAdd(indexes(object), router, () => indexOf(router.rulesIn(object), router));
  if (names.length === 0) return isFirst(ALL) ? index.rules : [];
  return [...new Set(names)].filter(isFirst).flatMap((name) => index.byName.get(name) ?? []);
}

const ALL = '';

function firstOfRules(
  drivers: readonly KubeObject[],
  object: KubeObject,
  router: Router,
): ReadonlyMap<string, ReadonlySet<KubeObject>> {
  const byRule = new Map<string, Set<KubeObject>>();
  for (const rollout of drivers) {
    if (statusWeights(rollout) === undefined) continue;
    const names = router.namesFor(rollout, object);
    for (const name of names?.length === 0 ? [ALL] : (names ?? [])) {
      const first = getOrAdd(byRule, name, () => new Set<KubeObject>());
      if (first.size < MOST_OF_RULE) first.add(rollout);
    }
  }
  return byRule;
}

const firstByRule = memo((_drivers: readonly KubeObject[]) => new Map<Router, ReturnType<typeof firstOfRules>>());

interface Index {
  readonly rules: readonly Rule[];
  readonly byName: ReadonlyMap<string, readonly Rule[]>;
}

// Once for all Rollouts of an object.
const indexes = memo((_object: KubeObject) => new Map<Router, Index>());

function indexOf(rules: readonly Rule[], { firstOnly }: Router): Index {
  const byName = Map.groupBy(rules, ({ name }) => name);
  if (firstOnly) for (const [name, found] of byName) byName.set(name, found.slice(0, 1));
  return { rules, byName };
}

import { canonicalHost, destinationService, mayBeSameHost, type PlacedHost } from '../../world/istio-hosts.ts';
import {
  countedDestinations,
  DRIVEN_ROUTE_PLACES,
  drivenRoutes,
  ROUTE_PLACES,
  routeTitle,
  type DrivenRoute,
} from '../../world/istio.ts';
import type { Counting } from '../../world/memo.ts';
import { getOrAdd } from '../../world/get-or-add.ts';
import { memo } from '../../world/memo.ts';
import { nearest } from '../../world/nearest.ts';
import { subsetsOf } from '../../world/subsets.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { asString, dig } from '../../world/read.ts';
import {
  DESTINATION_RULE_PLACES,
  destinationRuleOf,
  isMidUpdate,
  MANAGED_BY,
  MID_UPDATE_PLACES,
} from '../../world/rollout.ts';
import { defineRule } from '../define.ts';
import { listed, quoted } from '../wording.ts';

const DESTINATION_RULE = 'DestinationRule.networking.istio.io';
const PATH = ['spec', 'strategy', 'canary', 'trafficRouting', 'istio', 'destinationRule'] as const;

export const destinationRuleSubsets = defineRule({
  id: 'destinationrule-subsets',
  summary: 'The DestinationRule of a Rollout has the subsets that the Rollout names, for the host that its routes use.',
  explanation:
    'The controller writes the hash of the stable and of the canary pods into the two subsets that the Rollout ' +
    'names. It skips a subset that does not exist and removes every other one, without an error. The routes then ' +
    'send to a subset that no longer exists, and clients get 503. The same happens if the DestinationRule is for ' +
    'another host than the routes, unless another DestinationRule has that subset for that host. If both subsets ' +
    'have the same name, all traffic goes to the canary. If a commit renames a subset in both objects and the ' +
    'DestinationRule arrives first, the controller deletes the new subset. This is only a warning, because the next ' +
    'apply fixes it. Source: Argo Rollouts v1.9.1, rollout/trafficrouting/istio ' +
    '(UpdateHash, validateDestinationRule); host names: Istio, ResolveShortnameToFQDN.',
  subject: { 'Rollout.argoproj.io': [...DESTINATION_RULE_PLACES, ...DRIVEN_ROUTE_PLACES, ...MID_UPDATE_PLACES] },
  reads: {
    [DESTINATION_RULE]: [
      'metadata.annotations["argo-rollouts.argoproj.io/managed-by-rollouts"]',
      'spec.host',
      'spec.subsets[*].name',
    ],
    'VirtualService.networking.istio.io': ROUTE_PLACES,
  },
  stricterThanUpstream: {
    absent: {
      why: 'The validation does not read DestinationRules. The mesh does not know the subset, and answers 503.',
      seenBy: ['agreement', 'e2e'],
      refusal: /DestinationRule subset '[^']+' not found/,
    },
    unnamed: {
      why: 'The validation does not read DestinationRules. Without the name of the DestinationRule, each attempt to write the hashes fails. Without the name of a subset, the controller writes no hash for it and finds no destination to weight.',
      seenBy: ['agreement'],
      refusal: /DestinationRule subset '' not found/,
    },
    host: {
      why: 'The validation does not read DestinationRules. If the DestinationRule is for another Service than the route sends to, the mesh does not know the subset, and answers 503.',
      seenBy: ['agreement', 'e2e'],
    },
  },
  example: {
    fixture: 'bad-subset-misspelt.yaml',
    referenced: 'DestinationRule reviews',
    before: [['name: canary', 'name: canray']],
  },
  messages: {
    unnamed: {
      class: 'invalid',
      text: 'destinationRule of the Rollout has no {field}',
      fix: 'set {field}, or remove destinationRule to shift traffic between Services',
    },
    absent: {
      class: 'invalid',
      text: 'DestinationRule "{name}" has no subset "{subset}" (it has {has})',
      fix: 'set {field} to one of its subsets, or add this subset first',
    },
    deleted: {
      class: 'missing',
      text: 'DestinationRule "{name}" has no subset "{subset}"; the controller deletes every subset that the Rollout does not name',
      fix: 'apply the Rollout first, then the DestinationRule with this subset again',
    },
    host: {
      class: 'invalid',
      refutedBy: [DESTINATION_RULE],
      text: 'DestinationRule "{name}" is for {host}, but the {route} of VirtualService "{virtualService}" sends to subset "{subset}" of {other}',
      fix: 'use the same host in both, with namespace and domain',
    },
    same: {
      class: 'advice',
      text: 'subset "{subset}" is both the stable and the canary subset, so all traffic goes to the canary at once',
      fix: 'add a second subset for the host, and set it in stableSubsetName',
    },
  },
  check(context, rollout) {
    const rule = destinationRuleOf(rollout);
    if (rule === undefined) return;
    const subsets = [
      { field: 'canarySubsetName', subset: rule.canarySubset },
      { field: 'stableSubsetName', subset: rule.stableSubset },
    ].filter(({ subset }) => subset !== '');
    const fields = { name: rule.name, canarySubsetName: rule.canarySubset, stableSubsetName: rule.stableSubset };
    for (const [field] of Object.entries(fields).filter(([, value]) => value === '')) {
      context.report('unnamed', { path: [...PATH, field], anchor: field, data: { field } });
    }
    if (subsets.length > 1 && rule.canarySubset === rule.stableSubset) {
      context.report('same', {
        path: [...PATH, 'stableSubsetName'],
        anchor: rule.canarySubset,
        data: { subset: rule.canarySubset },
      });
    }
    const namespace = namespaceOf(rollout);
    const destinationRule = rule.name === '' ? undefined : context.find(DESTINATION_RULE, namespace, rule.name);
    if (destinationRule === undefined) return;
    const { name } = destinationRule.metadata;

    const there = subsetsOf(destinationRule).names;
    const isStripped = isStrippedBy(rollout, destinationRule, there) && !isMidUpdate(rollout);
    for (const { field, subset } of subsets.filter((ours) => !there.has(ours.subset))) {
      if (isStripped) {
        context.report('deleted', { path: [...PATH, field], anchor: subset, data: { name, subset } });
        continue;
      }
      context.report('absent', {
        path: [...PATH, field],
        anchor: subset,
        data: { name, subset, field, has: subsetsBut(destinationRule, subset) },
        related: [{ object: destinationRule, path: ['spec', 'subsets'] }],
      });
    }

    const host = hostOf(destinationRule);
    const driven = drivenRoutes(rollout, context);
    const byPlace = new Map<string, SubsetIndex>();
    const subsetsIn = (place: string): SubsetIndex => {
      const index = byPlace.get(place) ?? new SubsetIndex(context.list(DESTINATION_RULE, place));
      byPlace.set(place, index);
      return index;
    };
    for (const { route, virtualService, path, target, subset, anchor } of strangers(
      driven,
      host,
      new Set(subsets.map((ours) => ours.subset)),
      context,
    )) {
      // The subset may be in a DestinationRule that no Rollout controls. With labels of its own it works too.
      const places = [
        ...new Set([
          namespace,
          target.namespace,
          destinationService(target.host, target.namespace)?.namespace ?? namespace,
        ]),
      ];
      if (places.some((place) => context.lookup(DESTINATION_RULE, place, name).state === 'unknown')) {
        context.skip(`cannot read all DestinationRules that may be for host "${target.host}"`);
        continue;
      }
      if (places.some((place) => subsetsIn(place).has(target, subset))) continue;
      context.report('host', {
        object: destinationRule,
        path: ['spec', 'host'],
        anchor,
        refutedIn: places,
        data: {
          name,
          host: hostTitle(host),
          route: routeTitle(route),
          virtualService: virtualService.metadata.name,
          subset,
          other: hostTitle(target),
        },
        related: [
          { object: virtualService, path },
          { object: rollout, path: [...PATH, 'name'] },
        ],
      });
    }
  },
});

/** A destination that uses a subset of the Rollout, but another host than the DestinationRule. */
interface Stranger extends DrivenRoute {
  readonly target: PlacedHost;
  readonly subset: string;
  readonly path: Path;
  readonly anchor: string;
}

/** Returns the destinations with another host, the first for each VirtualService, subset and host. */
function strangers(
  driven: readonly DrivenRoute[],
  host: PlacedHost,
  subsets: ReadonlySet<string>,
  counting: Counting,
): readonly Stranger[] {
  const found = new Map<string, Stranger>();
  if (host.host === '') return [];
  for (const each of driven) {
    const namespace = namespaceOf(each.virtualService);
    for (const { host: other, subset, path } of countedDestinations(each.route, counting)) {
      if (!subsets.has(subset) || other === '') continue;
      const target = { host: other, namespace };
      const anchor = `${namespace}/${each.virtualService.metadata.name} ${subset} of ${other}`;
      if (found.has(anchor)) continue;
      // To compare the hosts takes longer than to read them.
      counting.spend(1);
      if (mayBeSameHost(host, target)) continue;
      found.set(anchor, { ...each, target, subset, path: [...path, 'destination', 'host'], anchor });
    }
  }
  return [...found.values()];
}

/** The subsets of DestinationRules by host: those that `mayBeSameHost` finds, without a comparison with each. */
class SubsetIndex {
  readonly #byHost = new Map<string, Set<string>>();
  readonly #ofWildcards = new Set<string>();
  readonly #all = new Set<string>();

  constructor(destinationRules: readonly KubeObject[]) {
    for (const destinationRule of destinationRules) {
      const placed = hostOf(destinationRule);
      const host = canonicalHost(placed);
      const ofHost = this.#byHost.get(host) ?? new Set();
      this.#byHost.set(host, ofHost);
      for (const subset of subsetsOf(destinationRule).names) {
        this.#all.add(subset);
        if (placed.host.includes('*')) this.#ofWildcards.add(subset);
        else ofHost.add(subset);
      }
    }
  }

  has(target: PlacedHost, subset: string): boolean {
    if (target.host.includes('*')) return this.#all.has(subset);
    return this.#ofWildcards.has(subset) || this.#byHost.get(canonicalHost(target))?.has(subset) === true;
  }
}

function hostOf(destinationRule: KubeObject): PlacedHost {
  return { host: asString(dig(destinationRule, 'spec', 'host')), namespace: namespaceOf(destinationRule) };
}

function hostTitle({ host, namespace }: PlacedHost): string {
  const service = destinationService(host, namespace);
  return service === undefined ? `host "${host}"` : `Service "${service.namespace}/${service.name}"`;
}

/**
 * Reports whether a DestinationRule has what the controller leaves of it when a commit renames a subset, and the Rollout
 * still has the old name: subsets that the Rollout names, or none. Source: UpdateHash, which also annotates it.
 */
function isStrippedBy(rollout: KubeObject, destinationRule: KubeObject, there: ReadonlySet<string>): boolean {
  const { canarySubset, stableSubset } = destinationRuleOf(rollout) ?? { canarySubset: '', stableSubset: '' };
  const isManaged = dig(destinationRule.metadata, 'annotations', MANAGED_BY) === rollout.metadata.name;
  return isManaged && [...there].every((name) => name === canarySubset || name === stableSubset);
}

// Many Rollouts may miss the same one.
const lists = memo((_destinationRule: KubeObject) => new Map<string, string>());
// The object may live as long as the process.
const MAX_LISTS = 200;

/** Returns the subsets of a DestinationRule for a message, the one first that was probably meant by a name. */
function subsetsBut(destinationRule: KubeObject, missing: string): string {
  const known = lists(destinationRule);
  if (known.size === MAX_LISTS) known.clear();
  return getOrAdd(known, missing, () => {
    const { names } = subsetsOf(destinationRule);
    const near = nearest(missing, names);
    return listed(near === undefined ? names : [near, ...names], quoted);
  });
}

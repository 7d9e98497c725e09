import { getOrAdd } from '../../world/get-or-add.ts';
import { canonicalHost, mayBeSameHost, type PlacedHost } from '../../world/istio-hosts.ts';
import { ROUTE_PLACES, ROUTE_TYPES, routesOf, routeTitle, type Route, type RouteType } from '../../world/istio.ts';
import { memo, type Counting } from '../../world/memo.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { asArray, dig, asString } from '../../world/read.ts';
import { subsetsOf, type Subset } from '../../world/subsets.ts';
import { DESTINATION_RULE_PLACES, destinationRuleOf, HASH_LABEL } from '../../world/rollout.ts';
import { defineRule, type RuleContext } from '../define.ts';

const DESTINATION_RULE = 'DestinationRule.networking.istio.io';
const VIRTUAL_SERVICE = 'VirtualService.networking.istio.io';
const PATH = ['spec', 'strategy', 'canary', 'trafficRouting', 'istio', 'destinationRule'];

const messages = {
  used: {
    class: 'invalid',
    refutedBy: [DESTINATION_RULE],
    text: '{route} of VirtualService "{virtualService}" uses subset "{subset}", but the controller of Rollout "{rollout}" deletes it from DestinationRule "{name}"',
    fix: 'move it to another DestinationRule for the same host',
  },
  extra: {
    class: 'advice',
    refutedBy: [VIRTUAL_SERVICE],
    text: 'the Rollouts controller deletes subset "{subset}" of DestinationRule "{name}", because Rollout "{rollout}" names only "{stable}" and "{canary}"',
    fix: 'move it to another DestinationRule for the same host, or remove it',
  },
} as const;

export const destinationRuleExtraSubsets = defineRule({
  id: 'destinationrule-extra-subsets',
  summary: 'The DestinationRule that a Rollout controls has only the stable and the canary subset.',
  explanation:
    'The controller rewrites the list of subsets and drops every subset that is neither stable nor canary, ' +
    'including those in additionalSubsetNames. It does so at once, without an error, and again after every apply. ' +
    'The Rollout runs, but a route that sends to such a subset answers 503 from then on. Rollgate rejects this for ' +
    'that reason, although the controller accepts it. Istio merges the subsets of several DestinationRules for one ' +
    'host, so other subsets can be in a DestinationRule of their own. Seen on the controller of Argo Rollouts ' +
    'v1.9.1 (docs/upstream-facts.md, claim B4); source: rollout/trafficrouting/istio (UpdateHash).',
  subject: { 'Rollout.argoproj.io': DESTINATION_RULE_PLACES },
  reads: { [DESTINATION_RULE]: ['spec.host', 'spec.subsets'], [VIRTUAL_SERVICE]: ROUTE_PLACES },
  stricterThanUpstream: {
    used: {
      why: 'The validation does not read DestinationRules. The controller deletes every subset that the Rollout does not name (docs/upstream-facts.md, B4).',
      seenBy: ['agreement', 'e2e'],
    },
  },
  messages,
  check(context, rollout) {
    const ref = destinationRuleOf(rollout);
    if (ref === undefined || ref.name === '') return;
    const namespace = namespaceOf(rollout);
    const destinationRule = context.find(DESTINATION_RULE, namespace, ref.name);
    if (destinationRule === undefined) return;
    const { names } = subsetsOf(destinationRule);
    const named = [ref.stableSubset, ref.canarySubset];
    // If a named subset does not exist, its name is often misspelt. Then one subset is extra as well, and one finding is
    // enough.
    if (named.some((name) => !names.has(name))) return;

    const { name } = destinationRule.metadata;
    const host = { host: asString(dig(destinationRule, 'spec', 'host')), namespace };
    const senderTo = sendersTo(context, host, destinationRule);
    for (const { name: subset, index } of writtenSubsets(destinationRule)) {
      if (named.includes(subset)) continue;
      const place = { object: destinationRule, path: ['spec', 'subsets', index, 'name'], anchor: subset };
      const by = { object: rollout, path: [...PATH, 'name'] };
      const data = { subset, name, rollout: rollout.metadata.name };
      const sender = senderTo(subset);
      if (sender === undefined)
        context.report('extra', {
          ...place,
          data: { ...data, stable: ref.stableSubset, canary: ref.canarySubset },
          related: [by],
        });
      else
        context.report('used', {
          ...place,
          data: { ...data, route: routeTitle(sender.route), virtualService: sender.virtualService.metadata.name },
          related: [by, { object: sender.virtualService, path: sender.route.path }],
        });
    }
  },
});

// The controller creates subsets for experiments itself, with only the hash as their label.
const writtenSubsets = memo((destinationRule: KubeObject): readonly Subset[] =>
  subsetsOf(destinationRule).all.filter(({ raw }) => dig(raw, 'labels', HASH_LABEL) === undefined),
);

const SENDERS = Symbol('routes by host and subset');

// Reading a route or a destination for the index takes a fraction of an operation.
const READ_IN_OPERATION = 3;

/** Where a route is in a VirtualService. */
interface RouteAt {
  readonly type: RouteType;
  readonly index: number;
}

interface Sender extends RouteAt {
  readonly virtualService: KubeObject;
}

// By host as of `canonicalHost`, and by subset.
type BySubset<V> = ReadonlyMap<string, ReadonlyMap<string, V>>;

const routesBySubset = memo((virtualService: KubeObject): BySubset<RouteAt> => {
  const namespace = namespaceOf(virtualService);
  const byHost = new Map<string, Map<string, RouteAt>>();
  for (const [type, index, destinations] of destinationLists(virtualService)) {
    for (const each of destinations) {
      const host = asString(dig(each, 'destination', 'host'));
      if (isUnclear(host)) continue;
      const subset = asString(dig(each, 'destination', 'subset'));
      const bySubset = getOrAdd(byHost, canonicalHost({ host, namespace }), () => new Map<string, RouteAt>());
      getOrAdd(bySubset, subset, () => ({ type, index }));
    }
  }
  return byHost;
});

function* destinationLists(virtualService: KubeObject): Generator<readonly [RouteType, number, readonly unknown[]]> {
  for (const type of ROUTE_TYPES) {
    for (const [index, raw] of asArray(dig(virtualService, 'spec', type)).entries())
      yield [type, index, asArray(dig(raw, 'route'))];
  }
}

// A wildcard may cover any host, and no finding may rest on that.
function isUnclear(host: string): boolean {
  return host === '' || host.includes('*');
}

// The routes count before they are looked at for their destinations.
function countToRead(virtualService: KubeObject, { spend }: Counting): void {
  const routes = ROUTE_TYPES.reduce((sum, type) => sum + asArray(dig(virtualService, 'spec', type)).length, 0);
  spend(Math.ceil(routes / READ_IN_OPERATION));
  let count = 0;
  for (const [, , destinations] of destinationLists(virtualService)) count += destinations.length;
  spend(Math.ceil(count / READ_IN_OPERATION));
}

// Once for all Rollouts of a namespace. It costs the same whether another request has read the routes before or not, so
// that what is judged does not depend on it.
function sendersIn(context: RuleContext<typeof messages>, namespace: string): BySubset<Sender> {
  return context.perWorld(SENDERS, namespace, () => {
    const senders = new Map<string, Map<string, Sender>>();
    for (const virtualService of context.list(VIRTUAL_SERVICE, namespace)) {
      countToRead(virtualService, context);
      for (const [host, bySubset] of routesBySubset(virtualService)) {
        const ofHost = getOrAdd(senders, host, () => new Map<string, Sender>());
        for (const [subset, route] of bySubset) getOrAdd(ofHost, subset, () => ({ ...route, virtualService }));
      }
    }
    return senders;
  });
}

/**
 * Returns a function that returns a route in the namespace that sends to a subset of the host, or undefined. It also
 * returns undefined if another DestinationRule in the namespace has the subset too. It looks at all objects once, for the
 * first subset.
 */
function sendersTo(
  context: RuleContext<typeof messages>,
  host: PlacedHost,
  own: KubeObject,
): (subset: string) => { readonly virtualService: KubeObject; readonly route: Route } | undefined {
  let elsewhere: ReadonlySet<string> | undefined;
  const findElsewhere = (): ReadonlySet<string> =>
    new Set(
      context
        .list(DESTINATION_RULE, host.namespace)
        .filter(
          (other) =>
            other.metadata.name !== own.metadata.name &&
            mayBeSameHost(host, { host: asString(dig(other, 'spec', 'host')), namespace: host.namespace }),
        )
        .flatMap((other) => asArray(dig(other, 'spec', 'subsets')).map((each) => asString(dig(each, 'name')))),
    );
  return (subset) => {
    const senders = sendersIn(context, host.namespace);
    const sender = isUnclear(host.host) ? undefined : senders.get(canonicalHost(host))?.get(subset);
    if (sender === undefined) return undefined;
    elsewhere ??= findElsewhere();
    if (elsewhere.has(subset)) return undefined;
    const route = routesOf(sender.virtualService, [sender.type])[sender.index];
    return route === undefined ? undefined : { virtualService: sender.virtualService, route };
  };
}

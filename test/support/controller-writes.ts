import jsonpatch from 'fast-json-patch';
import { findManagedRoutes, weightedBackendsOf } from '../../src/world/gateway.ts';
import { drivenRoutes, routesOf } from '../../src/world/istio.ts';
import { SUPPORTED_VERSIONS } from '../../src/world/rollouts-versions.ts';
import { setAt } from '../../src/world/json-patch.ts';
import { namespaceOf, type KindId, type KubeObject } from '../../src/world/object.ts';
import type { Path } from '../../src/world/path.ts';
import { asArray, asObject, asString, dig, isObject } from '../../src/world/read.ts';
import {
  blueGreenOf,
  canaryOf,
  destinationRuleOf,
  effectiveTemplate,
  HASH_LABEL,
  managedRouteNames,
  MANAGED_BY,
  stableAndCanaryServices,
  stepsOf,
} from '../../src/world/rollout.ts';
import type { World } from '../../src/world/world.ts';

/** A write of the controller. */
export interface ControllerWrite {
  readonly what: string;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject;
}

const [STABLE, CANARY] = ['6b7c', '5d8f'];

/** Returns a Rollout in the middle of an update, as the controller writes its status. */
export function inUpdate(rollout: KubeObject): KubeObject {
  return {
    ...rollout,
    status: {
      phase: 'Progressing',
      currentPodHash: CANARY,
      stableRS: STABLE,
      blueGreen: { activeSelector: STABLE, previewSelector: CANARY },
      canary: {
        weights: { canary: { weight: 20, podTemplateHash: CANARY }, stable: { weight: 80, podTemplateHash: STABLE } },
      },
    },
  };
}

/**
 * Returns the writes that Argo Rollouts v1.9.1 and its Gateway API plugin make for a Rollout in the middle of an update:
 * annotations of the Rollout, hashes, weights, header routes, the count of a Deployment, and an Experiment.
 */
export function controllerWrites(rollout: KubeObject, world: World): ControllerWrite[] {
  const find = (kind: KindId, namespace: string, name: string): KubeObject | undefined => {
    const found = world.get(kind, namespace, name);
    return found.state === 'present' ? found.object : undefined;
  };
  return [
    update('revision', rollout, [
      [['metadata', 'annotations'], { ...annotationsOf(rollout), 'rollout.argoproj.io/revision': '2' }],
    ]),
    ...services(rollout, find),
    ...virtualServices(rollout, find),
    ...destinationRule(rollout, find),
    ...routes(rollout, world, find),
    ...workload(rollout, find),
    ...experiments(rollout, find),
  ];
}

type Find = (kind: KindId, namespace: string, name: string) => KubeObject | undefined;

function update(
  what: string,
  before: KubeObject,
  changes: readonly (readonly [path: Path, value: unknown])[],
): ControllerWrite {
  let after = before;
  for (const [path, value] of changes)
    after = jsonpatch.applyPatch(after, setAt(after, path, value), false, false).newDocument;
  return { what: `${what} of ${before.kind} ${before.metadata.name}`, before, after };
}

function annotationsOf(object: KubeObject): object {
  return asObject(object.metadata['annotations']);
}

function services(rollout: KubeObject, find: Find): ControllerWrite[] {
  const { stable, canary } = stableAndCanaryServices(rollout, true);
  const blueGreen = asObject(blueGreenOf(rollout));
  const hashes: [unknown, string][] = [
    [stable, STABLE],
    [canary, CANARY],
    [blueGreen['activeService'], STABLE],
    [blueGreen['previewService'], CANARY],
  ];
  return hashes.flatMap(([name, hash]) => {
    const service = find('Service', namespaceOf(rollout), asString(name));
    if (service === undefined) return [];
    return update('hash', service, [
      [['spec', 'selector'], { ...asObject(dig(service, 'spec', 'selector')), [HASH_LABEL]: hash }],
      [['metadata', 'annotations'], { ...annotationsOf(service), [MANAGED_BY]: rollout.metadata.name }],
    ]);
  });
}

function virtualServices(rollout: KubeObject, find: Find): ControllerWrite[] {
  const driven = Map.groupBy(
    drivenRoutes(rollout, { find, versions: SUPPORTED_VERSIONS, skip: () => undefined, spend: () => undefined }),
    ({ virtualService }) => virtualService,
  );
  const { canary } = stableAndCanaryServices(rollout, false);
  const rule = destinationRuleOf(rollout);
  return [...driven].flatMap(([virtualService, entries]) => {
    const weights = entries.flatMap(({ route }) =>
      route.destinations().map(({ host, subset }, index): [Path, number] => {
        const isCanary = rule === undefined ? host.split('.', 1)[0] === canary : subset === rule.canarySubset;
        return [
          [...route.path, 'route', index, 'weight'],
          isCanary ? 20 : route.destinations().length === 1 ? 100 : 80,
        ];
      }),
    );
    const written = update('weights', virtualService, weights);
    const [managed] = managedRouteNames(rollout);
    const host = routesOf(virtualService, ['http'])[0]?.destinations()[0]?.host;
    if (managed === undefined || host === undefined) return [written];
    const destination = rule === undefined ? { host: canary } : { host, subset: rule.canarySubset };
    const header = {
      name: managed,
      match: [{ headers: { beta: { exact: 'true' } } }],
      route: [{ destination, weight: 100 }],
    };
    const http = asArray(dig(written.after, 'spec', 'http')).filter((route) => dig(route, 'name') !== managed);
    return [
      written,
      update('header route', written.after, [
        [
          ['spec', 'http'],
          [header, ...http],
        ],
      ]),
    ];
  });
}

function destinationRule(rollout: KubeObject, find: Find): ControllerWrite[] {
  const ref = destinationRuleOf(rollout);
  const rule =
    ref === undefined ? undefined : find('DestinationRule.networking.istio.io', namespaceOf(rollout), ref.name);
  if (ref === undefined || rule === undefined) return [];
  const known = [ref.stableSubset, ref.canarySubset, ...ref.additionalSubsets];
  const subsets = asArray(dig(rule, 'spec', 'subsets'))
    .filter((subset) => known.includes(asString(dig(subset, 'name'))))
    .map((subset) => ({
      ...asObject(subset),
      labels: {
        ...asObject(dig(subset, 'labels')),
        [HASH_LABEL]: dig(subset, 'name') === ref.canarySubset ? CANARY : STABLE,
      },
    }));
  return [
    update('hashes', rule, [
      [['spec', 'subsets'], subsets],
      [['metadata', 'annotations'], { ...annotationsOf(rule), [MANAGED_BY]: rollout.metadata.name }],
    ]),
  ];
}

function routes(rollout: KubeObject, world: World, find: Find): ControllerWrite[] {
  const { stable, canary } = stableAndCanaryServices(rollout, true);
  const list = (kind: KindId, namespace: string): readonly KubeObject[] => {
    const listing = world.list(kind, namespace);
    return listing.state === 'known' ? listing.objects : [];
  };
  return findManagedRoutes(rollout, { find, list, versions: world.versions, skip: () => undefined }).map(
    ({ route }) => {
      const weighed = [...new Set([stable, canary])].flatMap((name) =>
        weightedBackendsOf(route, name, canary, managedRouteNames(rollout)),
      );
      const weights = weighed.map(({ path, name }): [Path, number] => [[...path, 'weight'], name === canary ? 20 : 80]);
      const label = { ...asObject(route.metadata['labels']), 'rollouts.argoproj.io/gatewayapi-canary': 'in-progress' };
      return update('weights', route, [...weights, [['metadata', 'labels'], label]]);
    },
  );
}

function workload(rollout: KubeObject, find: Find): ControllerWrite[] {
  const name = asString(dig(rollout, 'spec', 'workloadRef', 'name'));
  const deployment = find('Deployment.apps', namespaceOf(rollout), name);
  return deployment === undefined ? [] : [update('count', deployment, [[['spec', 'replicas'], 0]])];
}

function experiments(rollout: KubeObject, find: Find): ControllerWrite[] {
  const { template } = effectiveTemplate(rollout, find) ?? {};
  if (!isObject(template) || canaryOf(rollout) === undefined) return [];
  return stepsOf(rollout).flatMap((step, index): ControllerWrite[] => {
    const experiment = dig(step, 'experiment');
    if (!isObject(experiment)) return [];
    const name = `${rollout.metadata.name}-${CANARY}-2-${index}`;
    const after: KubeObject = {
      apiVersion: rollout.apiVersion,
      kind: 'Experiment',
      metadata: { name, namespace: namespaceOf(rollout) },
      spec: {
        templates: asArray(experiment['templates']).map((entry) => ({
          name: dig(entry, 'name'),
          replicas: 1,
          selector: {
            matchLabels: { ...asObject(dig(template, 'metadata', 'labels')), [HASH_LABEL]: CANARY },
          },
          template: {
            ...template,
            metadata: { labels: { ...asObject(dig(template, 'metadata', 'labels')), [HASH_LABEL]: CANARY } },
          },
        })),
      },
    };
    return [{ what: `creation of Experiment ${name}`, before: undefined, after }];
  });
}

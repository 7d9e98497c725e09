import { pluginFor, rulesOf } from '../preserve/route-weights.ts';
import type { Stage } from '../timeline/stage.ts';
import { drivenRoutes } from '../world/istio.ts';
import { insertAt, withOperations } from '../world/json-patch.ts';
import { kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import type { Path } from '../world/path.ts';
import { asArray, dig, int32, optionalString } from '../world/read.ts';
import { destinationRuleOf, effectiveTemplate, HASH_LABEL, stepsOf, type Find } from '../world/rollout.ts';
import type { World } from '../world/world.ts';

// The start of the hashes that stand for those of templates, with letters and digits that the controller uses.
const HASH_START = '7b9f6d5c';
const HASH_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** A template of a running experiment, as the status of the Rollout has it. */
export interface Destination {
  readonly serviceName: string;
  readonly podTemplateHash: string;
  readonly weight: number;
}

/** What the controller writes into the objects of routers while an experiment runs. */
export interface ExperimentWrites {
  readonly destinations: readonly Destination[];
  /** The port of each Service of the experiment. */
  readonly port: number;
}

const NOTHING: ExperimentWrites = { destinations: [], port: 0 };

/**
 * Returns what the controller writes at a stage with an experiment. Nothing if a template has no Service to send its
 * weight to: the controller creates one only for pods with a port. Source: Argo Rollouts v1.9.1,
 * `rollout/trafficrouting.go` (calculateWeightDestinationsFromExperiment), `rollout/experiment.go` (names) and
 * `experiments/experiment.go` (createTemplateService).
 *
 * @param hash - The hash of the canary pods.
 */
export function experimentWrites(
  rollout: KubeObject,
  world: World,
  { step = 0, experiment }: Stage,
  hash: string,
): ExperimentWrites {
  const weighted = experiment.filter(({ weight }) => weight > 0);
  const port = portOf(rollout, world);
  if (weighted.length === 0 || port === undefined || weighted.some(({ pods }) => pods === 0)) return NOTHING;
  const templates = asArray(dig(stepsOf(rollout)[step - 1], 'experiment', 'templates'));
  const destinations = weighted.map(({ name, weight }, index): Destination => {
    const template = templates.find((each) => dig(each, 'name') === name);
    const letter = (at: number): string => HASH_LETTERS.charAt(at % HASH_LETTERS.length);
    return {
      serviceName:
        optionalString(dig(template, 'service', 'name')) ?? `${rollout.metadata.name}-${hash}-2-${step - 1}-${name}`,
      podTemplateHash: `${HASH_START}${letter(Math.floor(index / HASH_LETTERS.length))}${letter(index)}`,
      weight,
    };
  });
  return { destinations, port };
}

// That of the name `http`, as the Gateway API plugin looks for it, or the first one.
function portOf(rollout: KubeObject, world: World): number | undefined {
  const containers = asArray(dig(effectiveTemplate(rollout, findIn(world))?.template, 'spec', 'containers'));
  const ports = containers.flatMap((container) => asArray(dig(container, 'ports')));
  return int32(dig(ports.find((port) => dig(port, 'name') === 'http') ?? ports[0], 'containerPort'));
}

function findIn(world: World): Find {
  return (kind, namespace, name) => {
    const found = world.get(kind, namespace, name);
    return found.state === 'present' ? found.object : undefined;
  };
}

/**
 * Returns an object of a router with the backends and subsets that the controller adds during an experiment. Their
 * weights and hashes are in the status, and the keeps write them from there. An ALB Ingress gets everything from there.
 *
 * @param running - The Rollout with its status.
 */
export function withExperiment(
  object: KubeObject,
  running: KubeObject,
  { destinations, port }: ExperimentWrites,
  world: World,
): KubeObject {
  const operations = destinations.flatMap((destination): readonly ReturnType<typeof insertAt>[] => {
    switch (kindOf(object)) {
      case 'VirtualService.networking.istio.io':
        return controlledRoutes(object, running, world).map((path) =>
          insertAt([...path, 'route', '-'], { destination: { host: destination.serviceName }, weight: 0 }),
        );
      case 'DestinationRule.networking.istio.io':
        return destinationRuleOf(running)?.name === object.metadata.name
          ? [insertAt(['spec', 'subsets', '-'], subsetOf(destination))]
          : [];
      case 'HTTPRoute.gateway.networking.k8s.io':
        return firstRule(object, running).map((path) =>
          insertAt([...path, 'backendRefs', '-'], {
            name: destination.serviceName,
            namespace: namespaceOf(running),
            port,
            weight: 0,
          }),
        );
      default:
        return [];
    }
  });
  return operations.length === 0 ? object : withOperations(object, operations);
}

function subsetOf({ serviceName, podTemplateHash }: Destination): object {
  return { name: serviceName, labels: { [HASH_LABEL]: podTemplateHash } };
}

function controlledRoutes(virtualService: KubeObject, rollout: KubeObject, world: World): readonly Path[] {
  // Nobody else waits for an answer about an editor, so nothing is counted.
  const look = { find: findIn(world), versions: world.versions, spend: () => undefined, skip: () => undefined };
  return drivenRoutes(rollout, look)
    .filter((driven) => driven.virtualService === virtualService)
    .map(({ route }) => route.path);
}

// The plugin adds backends to the first rule that has one of the two Services.
function firstRule(route: KubeObject, rollout: KubeObject): readonly Path[] {
  const plugin = pluginFor(rollout, route, 'unknown');
  const [first] = plugin === undefined ? [] : rulesOf(route, plugin);
  return first === undefined ? [] : [first.rule.path];
}

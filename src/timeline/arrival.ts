import type { KubeObject } from '../world/object.ts';
import { namespaceOf } from '../world/object.ts';
import { asString, dig, stringMap } from '../world/read.ts';
import { canaryOf, effectiveTemplate, HASH_LABEL, type Find } from '../world/rollout.ts';
import { routersOf } from '../world/routers.ts';
import type { World } from '../world/world.ts';
import type { Arrival, StagePods, Traffic } from './stage.ts';

/**
 * Returns how requests reach the pods of a canary. Without a router, the controller writes the hash of the stable pods into
 * the stable Service. Requests reach the canary only through another Service that selects all pods.
 */
export function arrivalOf(rollout: KubeObject, world: World, find: Find): Arrival {
  if (routersOf(rollout).size > 0) return 'router';
  const canary = canaryOf(rollout);
  const stable = asString(canary?.['stableService']);
  if (stable === '') return 'pods';
  const own = new Set([stable, asString(canary?.['canaryService'])]);
  const labels = effectiveTemplate(rollout, find)?.labels;
  const services = world.list('Service', namespaceOf(rollout));
  const isShared =
    labels !== undefined &&
    services.state === 'known' &&
    services.objects.some((service) => !own.has(service.metadata.name) && selects(service, labels));
  return isShared ? 'pods' : 'stable Service';
}

function selects(service: KubeObject, labels: ReadonlyMap<string, string>): boolean {
  const selector = [...stringMap(dig(service, 'spec', 'selector'))];
  return selector.length > 0 && selector.every(([key, value]) => key !== HASH_LABEL && labels.get(key) === value);
}

/**
 * Returns the parts of all requests that reach each kind of pods.
 *
 * @param weights - What the router sends, of 1.
 */
export function trafficOf(arrival: Arrival, pods: StagePods, weights: Traffic): Traffic {
  if (arrival === 'router') return weights;
  if (arrival !== 'pods') return { canary: 0, stable: 1, experiment: 0 };
  const all = pods.canary + pods.stable + pods.experiment;
  const part = (count: number): number => (all === 0 ? 0 : count / all);
  return { canary: part(pods.canary), stable: part(pods.stable), experiment: part(pods.experiment) };
}

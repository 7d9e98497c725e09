import { countedMemo } from './memo.ts';
import { routerConfig } from './routers.ts';
import type { KubeObject } from './object.ts';
import type { Path } from './path.ts';
import type { Place } from './place.ts';
import { asArray, asString, dig, optionalNumber, optionalString } from './read.ts';

/** Where a Rollout names the TraefikService whose weights the controller sets. */
export const TRAEFIK_PATH: Path = [
  'spec',
  'strategy',
  'canary',
  'trafficRouting',
  'traefik',
  'weightedTraefikServiceName',
];

/** An entry in `spec.weighted.services` of a TraefikService. */
export interface TraefikEntry {
  readonly name: string;
  /** A number or a name; undefined if none is set. */
  readonly port: number | string | undefined;
  /** Empty for the namespace of the TraefikService. */
  readonly namespace: string;
  /** `Service` by default, or `TraefikService`. */
  readonly kind: string;
  readonly path: Path;
}

/** The places that `traefikEntries` reads. */
export const TRAEFIK_PLACES: readonly Place[] = ['spec.weighted.services'];

/** Returns the name of the TraefikService that a Rollout drives; empty if it does not use Traefik. */
export function traefikServiceOf(rollout: KubeObject): string {
  return asString(routerConfig(rollout, 'traefik')?.['weightedTraefikServiceName']);
}

/** Returns the entries of a TraefikService, or undefined if it does not split traffic by weight. */
export const traefikEntries = countedMemo(
  (service: KubeObject): readonly TraefikEntry[] | undefined => {
    const services = weightedServices(service);
    if (!Array.isArray(services)) return undefined;
    return asArray(services).map((entry, index) => ({
      name: asString(dig(entry, 'name')),
      port: optionalNumber(dig(entry, 'port')) ?? optionalString(dig(entry, 'port')),
      namespace: asString(dig(entry, 'namespace')),
      kind: optionalString(dig(entry, 'kind')) ?? 'Service',
      path: ['spec', 'weighted', 'services', index],
    }));
  },
  (service) => asArray(weightedServices(service)).length,
);

function weightedServices(service: KubeObject): unknown {
  return dig(service, 'spec', 'weighted', 'services');
}

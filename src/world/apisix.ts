import { countedMemo } from './memo.ts';
import { routerConfig } from './routers.ts';
import type { KubeObject } from './object.ts';
import type { Path } from './path.ts';
import type { Place } from './place.ts';
import { asArray, asString, dig, optionalNumber, optionalString } from './read.ts';

const ROUTE_PATH: Path = ['spec', 'strategy', 'canary', 'trafficRouting', 'apisix', 'route'];

/** The rules of an ApisixRoute in which the controller sets weights for a Rollout. */
export interface ApisixRef {
  /** The name of the ApisixRoute; empty if the Rollout does not use APISIX. */
  readonly name: string;
  readonly path: Path;
  /** The rules by name, and where the Rollout names them. */
  readonly rules: readonly { readonly name: string; readonly path: Path }[];
}

/** A backend in a rule of an ApisixRoute. */
export interface ApisixBackend {
  readonly service: string;
  /** A number or a name; undefined if none is set. */
  readonly port: number | string | undefined;
  readonly path: Path;
}

/** A rule of an ApisixRoute. */
export interface ApisixRule {
  readonly name: string;
  readonly path: Path;
  readonly backends: readonly ApisixBackend[];
}

/** The places that `apisixRules` reads. */
export const APISIX_PLACES: readonly Place[] = ['spec.http[*].name', 'spec.http[*].backends'];

/**
 * Returns the rules that a Rollout names. Without a list, it is the rule with the name of the ApisixRoute. Source: Argo
 * Rollouts v1.9.1, `rollout/trafficrouting/apisix` (processSetWeightRoutes).
 */
export function apisixRefOf(rollout: KubeObject): ApisixRef {
  const route = routerConfig(rollout, 'apisix')?.['route'];
  const name = asString(dig(route, 'name'));
  const listed = asArray(dig(route, 'rules'));
  const path = [...ROUTE_PATH, 'name'];
  // The Go types of the controller drop an empty list.
  const rules =
    listed.length > 0
      ? listed.map((rule, index) => ({ name: asString(rule), path: [...ROUTE_PATH, 'rules', index] }))
      : [{ name, path }];
  return { name, path, rules };
}

/** Returns the rules of an ApisixRoute. */
export const apisixRules = countedMemo(readRules, (route) =>
  asArray(dig(route, 'spec', 'http')).reduce<number>((sum, rule) => sum + 1 + asArray(dig(rule, 'backends')).length, 0),
);

function readRules(route: KubeObject): readonly ApisixRule[] {
  return asArray(dig(route, 'spec', 'http')).map((rule, index) => {
    const path = ['spec', 'http', index];
    return {
      name: asString(dig(rule, 'name')),
      path,
      backends: asArray(dig(rule, 'backends')).map((backend, position) => ({
        service: asString(dig(backend, 'serviceName')),
        port: optionalNumber(dig(backend, 'servicePort')) ?? optionalString(dig(backend, 'servicePort')),
        path: [...path, 'backends', position],
      })),
    };
  });
}

import { asArray, asObject, dig } from '../../../../src/world/read.ts';
import type { KubeObject } from '../../../../src/world/object.ts';
import { ROUTES } from './scene.ts';

/** A change of an object in Git. */
export type Change = (object: KubeObject) => KubeObject;

/** Returns a change of the image of the Rollout. */
export function image(tag: string): Change {
  return only('Rollout', (rollout) => {
    const spec = asObject(rollout['spec']);
    const template = asObject(spec['template']);
    const pod = asObject(template['spec']);
    const containers = asArray(pod['containers']).map((each) => ({
      ...asObject(each),
      image: `registry.example.com/app07:${tag}`,
    }));
    return { ...rollout, spec: { ...spec, template: { ...template, spec: { ...pod, containers } } } };
  });
}

/** Returns a user's n-th edit of the VirtualService: another timeout of the managed route. */
export function edit(n: number): Change {
  return managedRoute({ timeout: `${n}s` });
}

/** Returns a change of the name of the managed route in the Rollout. */
export function rolloutRoute(name: string): Change {
  return only('Rollout', (rollout) => {
    const spec = asObject(rollout['spec']);
    const canary = asObject(dig(spec, 'strategy', 'canary'));
    const trafficRouting = asObject(canary['trafficRouting']);
    const istio = asObject(trafficRouting['istio']);
    const virtualService = { ...asObject(istio['virtualService']), routes: [name] };
    const routed = { ...trafficRouting, istio: { ...istio, virtualService } };
    return { ...rollout, spec: { ...spec, strategy: { canary: { ...canary, trafficRouting: routed } } } };
  });
}

/** Returns a change of the name of the managed route in the VirtualService. */
export function virtualServiceRoute(name: string): Change {
  return managedRoute({ name });
}

/** Returns a change of the sync wave of the objects of a kind. */
export function wave(kind: string, number: number): Change {
  return only(kind, (object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      annotations: {
        ...asObject(object.metadata['annotations']),
        'argocd.argoproj.io/sync-wave': String(number),
      },
    },
  }));
}

/** Returns a change that does several. */
export function all(...changes: readonly Change[]): Change {
  return (object) => changes.reduce((changed, change) => change(changed), object);
}

/** The name of the route to which the Rollout refers. */
export function routeOf(rollout: KubeObject): string {
  return String(
    asArray(dig(rollout, 'spec', 'strategy', 'canary', 'trafficRouting', 'istio', 'virtualService', 'routes'))[0],
  );
}

function managedRoute(fields: object): Change {
  return only('VirtualService', (source) => {
    const spec = asObject(source['spec']);
    const http = asArray(spec['http']).map((route) =>
      ROUTES.includes(String(dig(route, 'name'))) ? { ...asObject(route), ...fields } : route,
    );
    return { ...source, spec: { ...spec, http } };
  });
}

function only(kind: string, change: Change): Change {
  return (object) => (object.kind === kind ? change(object) : object);
}

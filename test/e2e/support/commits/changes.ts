import { asArray, asObject, dig, type JsonObject } from '../../../../src/world/read.ts';
import type { KubeObject } from '../../../../src/world/object.ts';

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
  return managedRoute((route) => ({ ...route, timeout: `${n}s` }));
}

/** Returns a change of the name of the managed route in the Rollout. */
export function rolloutRoute(name: string): Change {
  return canaryOf((canary) => {
    const trafficRouting = asObject(canary['trafficRouting']);
    const istio = asObject(trafficRouting['istio']);
    const virtualService = { ...asObject(istio['virtualService']), routes: [name] };
    return { ...canary, trafficRouting: { ...trafficRouting, istio: { ...istio, virtualService } } };
  });
}

/** Returns a change of the name of the managed route in the VirtualService. */
export function virtualServiceRoute(name: string): Change {
  return managedRoute((route) => ({ ...route, name }));
}

/** Returns a change of the sync wave of the objects of some kinds. */
export function wave(kinds: readonly string[], number: number): Change {
  return (object) =>
    kinds.includes(object.kind)
      ? {
          ...object,
          metadata: {
            ...object.metadata,
            annotations: {
              ...asObject(object.metadata['annotations']),
              'argocd.argoproj.io/sync-wave': String(number),
            },
          },
        }
      : object;
}

/** Returns a change that does several. */
export function all(...changes: readonly Change[]): Change {
  return (object) => changes.reduce((changed, change) => change(changed), object);
}

/** Returns a change of the route of the VirtualService. In Git it has only one. */
export function managedRoute(change: (route: JsonObject) => object): Change {
  return only('VirtualService', (source) => {
    const spec = asObject(source['spec']);
    const http = asArray(spec['http']).map((route) => change(asObject(route)));
    return { ...source, spec: { ...spec, http } };
  });
}

/** Returns a change of the strategy of the Rollout. */
export function canaryOf(change: (canary: JsonObject) => object): Change {
  return only('Rollout', (rollout) => {
    const spec = asObject(rollout['spec']);
    return { ...rollout, spec: { ...spec, strategy: { canary: change(asObject(dig(spec, 'strategy', 'canary'))) } } };
  });
}

/** Returns a change of the objects of a kind. */
export function only(kind: string, change: Change): Change {
  return (object) => (object.kind === kind ? change(object) : object);
}

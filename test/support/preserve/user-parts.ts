import type { KubeObject } from '../../../src/world/object.ts';
import { isObject } from '../../../src/world/read.ts';
import { ALB, ALB_LIST, HASH, IN_PROGRESS, MANAGED_BY } from './owned-keys.ts';
import { EXPERIMENT, MANAGED } from './random-rollouts.ts';

/** Returns a JSON value in which every object is replaced, from the leaves up. */
function map(
  value: unknown,
  change: (object: Record<string, unknown>, path: readonly string[]) => void,
  path: readonly string[] = [],
): unknown {
  if (Array.isArray(value)) return value.map((entry: unknown) => map(entry, change, [...path, '*']));
  if (!isObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(value)) copy[key] = map(entry, change, [...path, key]);
  change(copy, path);
  return copy;
}

const ROUTER_BACKENDS =
  /^spec\.(weighted\.services|http\.\*\.backends|routes\.\*\.[a-z]+Route\.action\.weightedTargets)\.\*$/;

const HASHED = ['spec.selector', 'spec.subsets.*.labels', 'spec.podSelector.matchLabels'];

function without(list: unknown, drop: (entry: Record<string, unknown>) => boolean): unknown {
  return Array.isArray(list) ? list.filter((entry) => !isObject(entry) || !drop(entry)) : list;
}

/**
 * Returns the parts of an object that no preserver may change, without empty objects, which a preserver may have added.
 */
export function userPartsOf(object: KubeObject): unknown {
  const kept = map(object, (part, path) => {
    const place = path.join('.');
    if (place === 'metadata.annotations')
      for (const key of Object.keys(part))
        if (key === MANAGED_BY || key === ALB_LIST || key.startsWith(ALB)) delete part[key];
    if (place === 'spec.rules.*.http')
      part['paths'] = without(part['paths'], (entry) => JSON.stringify(entry['backend']).includes('m-header'));
    if (place === 'metadata.labels') delete part[IN_PROGRESS];
    if (HASHED.includes(place)) delete part[HASH];
    for (const key of ['annotations', 'labels', 'matchLabels', 'podSelector'])
      if (isObject(part[key]) && Object.keys(part[key]).length === 0) delete part[key];
    if (/^spec\.(http|tcp)\.\*$/.test(place))
      part['route'] = without(
        part['route'],
        (entry) => isObject(entry['destination']) && entry['destination']['host'] === EXPERIMENT,
      );
    if (
      /^spec\.(http|tcp)\.\*\.route\.\*$/.test(place) &&
      JSON.stringify(part['destination']) !== JSON.stringify({ host: 'legacy' })
    )
      delete part['weight'];
    if (place === 'spec.rules.*')
      part['backendRefs'] = without(part['backendRefs'], (entry) => entry['name'] === EXPERIMENT);
    if (place === 'spec.rules.*.backendRefs.*' && part['name'] !== 'legacy') delete part['weight'];
    if (ROUTER_BACKENDS.test(place) && !JSON.stringify(part).includes('"legacy"')) delete part['weight'];
    if (place !== 'spec') return;
    if (object.kind === 'Deployment') delete part['replicas'];
    if (object.kind === 'DestinationRule')
      part['subsets'] = without(part['subsets'], (entry) => entry['name'] === EXPERIMENT);
    part['http'] = without(part['http'], (entry) => MANAGED.includes(String(entry['name'])));
    part['rules'] = without(
      part['rules'],
      (entry) =>
        String(entry['name']).startsWith('m-header') ||
        (Array.isArray(entry['backendRefs']) && entry['backendRefs'].length === 1),
    );
  });
  return JSON.parse(JSON.stringify(kept));
}

import type { KubeObject } from '../../src/world/object.ts';
import { destinations, istio, rollout, service, times, virtualService } from '../growth/objects.ts';

const ROLLOUTS = 20;

/** Returns Rollouts that name the same routes of one VirtualService; none for 0 routes. The first is their Service. */
export function sharedRoutes(routes: number): KubeObject[] {
  if (routes === 0) return [];
  const names = times(routes, (index) => `route-${index}`);
  return [
    service('one', 'app-0'),
    service('two', 'app-0'),
    // Each route sends to Services that no Rollout has.
    virtualService('shared', { http: names.map((name) => ({ name, route: destinations('other') })) }),
    ...times(ROLLOUTS, (index) =>
      rollout(`app-${index}`, { canary: { ...istio('shared', names), stableService: 'one', canaryService: 'two' } }),
    ),
  ];
}

import type { KubeObject } from '../../../src/world/object.ts';
import { asKube } from '../json-objects.ts';
import { METADATA, type Backend, type RouterSetup, type Rule } from './router-setups.ts';

/** What a controller knows when it sets weights. */
export interface Target {
  readonly canary: number;
  /** To what it completes the weights. */
  readonly total: number;
  /** The weights of running experiments, by Service. */
  readonly experiments: ReadonlyMap<string, number>;
}

/** Returns rules as the controller of a router leaves them. */
export type SetWeight = (rules: readonly Rule[], target: Target) => readonly Rule[];

const PORT = 80;

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((a, b) => a + b, 0);
}

function isShifted({ backends }: Rule): boolean {
  return ['stable', 'canary'].every((wanted) => backends.some(({ name }) => name === wanted));
}

function withExperiments(backends: readonly Backend[], experiments: Target['experiments']): readonly Backend[] {
  const there = new Set(backends.map(({ name }) => name));
  const added = [...experiments].filter(([name]) => !there.has(name));
  return [...backends, ...added.map(([name, weight]): Backend => ({ name, weight, port: PORT }))];
}

/**
 * The weights that Argo Rollouts v1.9.1 sets in routes of a VirtualService (`processRoutes`), except that it removes the
 * destinations that it does not know.
 */
export const istio: SetWeight = (rules, { canary, total, experiments }) =>
  rules.map((rule) => {
    if (!isShifted(rule)) return rule;
    const additional = sum(rule.backends.filter(({ name }) => name === 'extra').map(({ weight }) => weight ?? 0));
    const stable = Math.max(0, total - canary - sum(experiments.values()) - additional);
    const weighed = rule.backends.map((backend): Backend => {
      if (backend.name === 'canary') return { ...backend, weight: canary };
      if (backend.name === 'stable') return { ...backend, weight: stable };
      return { ...backend, weight: experiments.get(backend.name) ?? backend.weight };
    });
    return { ...rule, backends: withExperiments(weighed, experiments) };
  });

/**
 * The weights that the Gateway API plugin sets (v0.15.0, `setHTTPRouteWeight` and `HandleExperiment`): an experiment is
 * at the cost of stable alone, in the first rule of an HTTPRoute.
 */
export function gateway(hasExperiments: boolean): SetWeight {
  return (rules, { canary, total, experiments }) => {
    const running = hasExperiments ? experiments : new Map<string, number>();
    const first = rules.findIndex(({ backends }) =>
      backends.some(({ name }) => name === 'stable' || name === 'canary'),
    );
    return rules.map((rule, index) => {
      if (!isShifted(rule)) return rule;
      const has = index === first && running.size > 0;
      const stable = has ? total - sum(running.values()) : total - canary;
      const weighed = rule.backends.map((backend): Backend => {
        if (backend.name === 'canary') return { ...backend, weight: canary };
        return backend.name === 'stable' ? { ...backend, weight: stable } : backend;
      });
      return { ...rule, backends: has ? withExperiments(weighed, running) : weighed };
    });
  };
}

/** The weights that Argo Rollouts v1.9.1 sets in a TraefikService and an ApisixRoute: those of the first of each Service. */
export const firstOfEach: SetWeight = (rules, { canary, total }) =>
  rules.map((rule) => {
    if (!isShifted(rule)) return rule;
    const isFirst = (backend: Backend): boolean => rule.backends.find(({ name }) => name === backend.name) === backend;
    const backends = rule.backends.map((backend): Backend => {
      if (!isFirst(backend)) return backend;
      if (backend.name === 'canary') return { ...backend, weight: canary };
      return backend.name === 'stable' ? { ...backend, weight: total - canary } : backend;
    });
    return { ...rule, backends };
  });

/** The weights that Argo Rollouts v1.9.1 sets in an App Mesh VirtualRouter. */
export const ofEach: SetWeight = (rules, { canary, total }) =>
  rules.map((rule) => {
    if (!isShifted(rule)) return rule;
    const backends = rule.backends.map((backend): Backend => {
      if (backend.name === 'canary') return { ...backend, weight: canary };
      return backend.name === 'stable' ? { ...backend, weight: total - canary } : backend;
    });
    return { ...rule, backends };
  });

/** Returns the Rollout of a router in the middle of a canary, with the weights that its controller has set in its status. */
export function rolloutOf(setup: RouterSetup, { canary, total, experiments }: Target): KubeObject {
  return asKube({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: METADATA,
    spec: {
      strategy: {
        canary: {
          stableService: 'stable',
          canaryService: 'canary',
          trafficRouting: { ...setup.router(), ...(total === 100 ? {} : { maxTrafficWeight: total }) },
        },
      },
    },
    status: {
      currentPodHash: 'new',
      stableRS: 'old',
      canary: {
        weights: {
          canary: { weight: canary, podTemplateHash: 'new', serviceName: 'canary' },
          stable: { weight: total - canary - sum(experiments.values()), podTemplateHash: 'old', serviceName: 'stable' },
          additional: [...experiments].map(([serviceName, extra]) => ({
            serviceName,
            weight: extra,
            podTemplateHash: 'exp',
          })),
        },
      },
    },
  });
}

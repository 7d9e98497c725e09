import type { Operation } from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import { withOperations } from '../../src/world/json-patch.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { gateOver, NO_LIMITS, requestFor } from '../support/gate.ts';

const ARGO_CD = 'argocd-controller';
const CONTROLLER = 'rollouts-controller';

/** One router: its objects, and what a Rollout says about it. */
interface Router {
  readonly id: string;
  readonly routing: object;
  /** Returns a route with these weights by Service, last written by these managers. */
  route(weights: Readonly<Record<string, number>>, managers?: readonly string[]): KubeObject;
  weightsIn(route: KubeObject): Record<string, number>;
  /** Whether the controller adds experiments to such a route. */
  readonly hasExperiments?: false;
}

const metadataOf = (managers: readonly string[], field: string, metadata: object = {}): KubeObject['metadata'] => ({
  name: 'web',
  namespace: 'shop',
  managedFields: managers.map((manager) => ({
    manager,
    operation: manager === ARGO_CD ? 'Apply' : 'Update',
    fieldsV1: { 'f:spec': { [`f:${field}`]: {} }, 'f:metadata': metadata },
  })),
});

function marked({ metadata }: KubeObject, annotations: Readonly<Record<string, string>>): KubeObject['metadata'] {
  return { ...metadata, annotations: { ...(metadata['annotations'] as object | undefined), ...annotations } };
}

interface Destination {
  readonly destination: { readonly host: string };
  readonly weight: number;
}
interface BackendRef {
  readonly name: string;
  readonly weight: number;
}

interface TargetGroup {
  readonly ServiceName: string;
  readonly ServicePort: string;
  readonly Weight: number;
}

const ACTION = 'alb.ingress.kubernetes.io/actions.root';

const ROUTERS: readonly Router[] = [
  {
    id: 'a VirtualService',
    routing: { istio: { virtualService: { name: 'web', routes: ['main'] } } },
    route: (weights, managers = []) => ({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: metadataOf(managers, 'http'),
      spec: {
        hosts: ['web'],
        http: [
          {
            name: 'main',
            route: Object.entries(weights).map(([host, weight]): Destination => ({ destination: { host }, weight })),
          },
        ],
      },
    }),
    weightsIn: (route) => {
      const { http } = route['spec'] as { http: { route: Destination[] }[] };
      return Object.fromEntries((http[0]?.route ?? []).map(({ destination, weight }) => [destination.host, weight]));
    },
  },
  {
    id: 'an HTTPRoute',
    routing: { plugins: { 'argoproj-labs/gatewayAPI': { httpRoute: 'web' } } },
    route: (weights, managers = []) => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: metadataOf(managers, 'rules'),
      spec: {
        rules: [
          {
            backendRefs: Object.entries(weights).map(([name, weight]): BackendRef & { port: number } => ({
              name,
              port: 80,
              weight,
            })),
          },
        ],
      },
    }),
    weightsIn: (route) => {
      const { rules } = route['spec'] as { rules: { backendRefs: BackendRef[] }[] };
      return Object.fromEntries((rules[0]?.backendRefs ?? []).map(({ name, weight }) => [name, weight]));
    },
  },
  {
    id: 'a TraefikService',
    routing: { traefik: { weightedTraefikServiceName: 'web' } },
    hasExperiments: false,
    route: (weights, managers = []) => ({
      apiVersion: 'traefik.io/v1alpha1',
      kind: 'TraefikService',
      metadata: metadataOf(managers, 'weighted'),
      spec: { weighted: { services: Object.entries(weights).map(([name, weight]) => ({ name, port: 80, weight })) } },
    }),
    weightsIn: (route) => {
      const { weighted } = route['spec'] as { weighted: { services: BackendRef[] } };
      return Object.fromEntries(weighted.services.map(({ name, weight }) => [name, weight]));
    },
  },
  {
    id: 'an ApisixRoute',
    routing: { apisix: { route: { name: 'web', rules: ['main'] } } },
    hasExperiments: false,
    route: (weights, managers = []) => ({
      apiVersion: 'apisix.apache.org/v2',
      kind: 'ApisixRoute',
      metadata: metadataOf(managers, 'http'),
      spec: {
        http: [
          {
            name: 'main',
            backends: Object.entries(weights).map(([serviceName, weight]) => ({
              serviceName,
              servicePort: 80,
              weight,
            })),
          },
        ],
      },
    }),
    weightsIn: (route) => {
      const { http } = route['spec'] as { http: { backends: { serviceName: string; weight: number }[] }[] };
      return Object.fromEntries((http[0]?.backends ?? []).map(({ serviceName, weight }) => [serviceName, weight]));
    },
  },
  {
    id: 'an ALB Ingress',
    routing: { alb: { ingress: 'web', rootService: 'root', servicePort: 80 } },
    route: (weights, managers = []) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        ...metadataOf(managers, 'rules', { 'f:annotations': { [`f:${ACTION}`]: {} } }),
        annotations: {
          [ACTION]: JSON.stringify({
            Type: 'forward',
            ForwardConfig: {
              TargetGroups: Object.entries(weights).map(([ServiceName, Weight]): TargetGroup => ({
                ServiceName,
                ServicePort: '80',
                Weight,
              })),
            },
          }),
        },
      },
      spec: {
        rules: [
          {
            http: { paths: [{ path: '/*', backend: { service: { name: 'root', port: { name: 'use-annotation' } } } }] },
          },
        ],
      },
    }),
    weightsIn: (route) => {
      const { [ACTION]: text = '{}' } = route.metadata['annotations'] as Record<string, string>;
      const { ForwardConfig } = JSON.parse(text) as { ForwardConfig: { TargetGroups: TargetGroup[] } };
      return Object.fromEntries(ForwardConfig.TargetGroups.map(({ ServiceName, Weight }) => [ServiceName, Weight]));
    },
  },
];

interface RolloutParts {
  readonly name?: string;
  readonly services?: object;
  readonly canary?: object;
  readonly status?: object;
  /** `status.canary`. */
  readonly weights?: object | undefined;
  readonly deleted?: boolean;
}

const SERVICES = { stableService: 'stable', canaryService: 'canary' };

function recorded(canary: number, names: { canary: string; stable: string } = { canary: 'canary', stable: 'stable' }) {
  return {
    weights: {
      canary: { weight: canary, podTemplateHash: 'new', serviceName: names.canary },
      stable: { weight: 100 - canary, podTemplateHash: 'old', serviceName: names.stable },
    },
  };
}

function rolloutOf(router: Router, parts: RolloutParts = {}): KubeObject {
  const { name = 'web', services = SERVICES, canary = {}, status = {}, deleted = false } = parts;
  const weights = 'weights' in parts ? parts.weights : recorded(20);
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name, namespace: 'shop', ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
    spec: { strategy: { canary: { ...services, ...canary, trafficRouting: router.routing } } },
    status: { currentPodHash: 'new', stableRS: 'old', ...status, canary: weights ?? {} },
  };
}

interface Applied {
  readonly weights: Record<string, number>;
  readonly warnings: readonly string[];
}

/** Applies a route over a stored one, as Argo CD does. */
async function apply(
  router: Router,
  submitted: KubeObject,
  stored: KubeObject,
  rollouts: readonly KubeObject[],
  manager = ARGO_CD,
): Promise<Applied> {
  const gate = gateOver([...rollouts, stored], { mayBreakGlass: () => Promise.resolve(true) });
  const answer = await gate.mutate(requestFor(submitted, stored, { fieldManager: manager }), NO_LIMITS);
  const { patch } = answer.response as { patch?: string };
  const operations: unknown = patch === undefined ? [] : JSON.parse(Buffer.from(patch, 'base64').toString());
  return {
    weights: router.weightsIn(withOperations(submitted, operations as Operation[])),
    warnings: answer.response.warnings ?? [],
  };
}

describe.each(ROUTERS.map((router): [string, Router] => [router.id, router]))('weights missed in %s', (_, router) => {
  const git = router.route({ stable: 100, canary: 0 });
  const missed = router.route({ stable: 100, canary: 0 }, [ARGO_CD]);

  it('come back from the status after a write while Rollgate was down', async () => {
    const { weights, warnings } = await apply(router, git, missed, [rolloutOf(router)]);
    expect(weights).toEqual({ stable: 80, canary: 20 });
    expect(warnings.join()).toContain('from the status: the stored ones are of an earlier write by the same client');
  });

  it('stay those of the status where the API server asks again, because another webhook changed the object', async () => {
    const { weights } = await apply(router, router.route({ stable: 80, canary: 20 }), missed, [rolloutOf(router)]);
    expect(weights).toEqual({ stable: 80, canary: 20 });
  });

  it('come back after the annotation of a break-glass is gone and Argo CD has applied them again', async () => {
    const open: KubeObject = {
      ...git,
      metadata: marked(git, { 'rollgate.io/break-glass': '2026-01-01T01:00:00Z INC-1' }),
    };
    const running = router.route({ stable: 80, canary: 20 }, [CONTROLLER]);
    const under = await apply(router, open, running, [rolloutOf(router)]);
    expect(under.weights).toEqual({ stable: 100, canary: 0 });
    expect((await apply(router, git, missed, [rolloutOf(router)])).weights).toEqual({ stable: 80, canary: 20 });
  });

  it('come back during an abort under dynamicStableScale, which takes the traffic back step by step', async () => {
    const aborted = rolloutOf(router, {
      canary: { dynamicStableScale: true },
      status: { abort: true },
      weights: recorded(60),
    });
    expect((await apply(router, git, missed, [aborted])).weights).toEqual({ stable: 40, canary: 60 });
  });

  it('are left alone after Argo CD has applied them under Rollgate: the status agrees', async () => {
    const kept = router.route({ stable: 80, canary: 20 }, [ARGO_CD]);
    const { weights, warnings } = await apply(router, git, kept, [rolloutOf(router)]);
    expect(weights).toEqual({ stable: 80, canary: 20 });
    expect(warnings.join()).not.toContain('status');
  });

  // A keep makes the client the owner of what the controller wrote, and the status may be behind that.
  it('are copied, and both are named, where the manifest has others than the stored ones', async () => {
    const ahead = router.route({ stable: 20, canary: 80 }, [ARGO_CD]);
    const { weights, warnings } = await apply(router, git, ahead, [rolloutOf(router)]);
    expect(weights).toEqual({ stable: 20, canary: 80 });
    expect(warnings.join()).toContain('as stored; the status of the Rollout has canary 20');
  });

  it.each([
    ['a person at a terminal', 'kubectl-edit', {}],
    ['under break-glass', ARGO_CD, { 'rollgate.io/break-glass': '2026-01-01T01:00:00Z INC-1' }],
  ])('are copied where they were meant: written by %s', async (_, manager, annotations) => {
    const stored = router.route({ stable: 100, canary: 0 }, [manager]);
    const meant: KubeObject = { ...stored, metadata: marked(stored, annotations) };
    const { weights } = await apply(router, git, meant, [rolloutOf(router)], manager);
    expect(weights).toEqual({ stable: 100, canary: 0 });
  });

  it.each<[string, readonly string[], string]>([
    ['another client', ['helm'], ARGO_CD],
    ['this client and another', [ARGO_CD, 'helm'], ARGO_CD],
    ['nobody that is known', [], ARGO_CD],
    ['a client, and this one names no manager', [ARGO_CD], ''],
  ])('are copied, and both are named, where the author is %s', async (_, managers, manager) => {
    const stored = router.route({ stable: 60, canary: 40 }, managers);
    const { weights, warnings } = await apply(router, git, stored, [rolloutOf(router)], manager);
    expect(weights).toEqual({ stable: 60, canary: 40 });
    expect(warnings.join()).toContain('as stored; the status of the Rollout has canary 20');
  });

  it('are copied where the controller wrote them: it writes the status later', async () => {
    const stored = router.route({ stable: 60, canary: 40 }, [CONTROLLER]);
    const { weights, warnings } = await apply(router, git, stored, [rolloutOf(router)]);
    expect(weights).toEqual({ stable: 60, canary: 40 });
    expect(warnings.join()).not.toContain('status');
  });

  it('are copied while another revision begins: the status is still that of the one before', async () => {
    const next = rolloutOf(router, { status: { currentPodHash: 'newer' } });
    const stored = router.route({ stable: 100, canary: 0 }, [ARGO_CD]);
    expect((await apply(router, router.route({ stable: 50, canary: 50 }), stored, [next])).weights).toEqual({
      stable: 100,
      canary: 0,
    });
  });

  it('are as submitted for a Rollout that was made again, and has set none yet', async () => {
    const again = rolloutOf(router, { weights: undefined });
    expect((await apply(router, router.route({ stable: 50, canary: 50 }), missed, [again])).weights).toEqual({
      stable: 50,
      canary: 50,
    });
  });

  it('stay where they go after the Services have swapped their names', async () => {
    const swapped = rolloutOf(router, {
      services: { stableService: 'canary', canaryService: 'stable' },
      weights: recorded(20),
    });
    const stored = router.route({ stable: 80, canary: 20 }, [ARGO_CD]);
    const submitted = router.route({ stable: 0, canary: 100 });
    expect((await apply(router, submitted, stored, [swapped])).weights).toEqual({ stable: 80, canary: 20 });
  });

  it('are kept for the Rollout that has set them, after it was renamed over the same Services', async () => {
    const renamed = rolloutOf(router, { name: 'web-2', weights: undefined });
    const stored = router.route({ stable: 80, canary: 20 }, [CONTROLLER]);
    expect((await apply(router, git, stored, [rolloutOf(router), renamed])).weights).toEqual({
      stable: 80,
      canary: 20,
    });
    const deleted = rolloutOf(router, { deleted: true });
    expect((await apply(router, git, stored, [deleted, renamed])).weights).toEqual({ stable: 100, canary: 0 });
  });

  it('are without the experiment that ended', async () => {
    if (router.hasExperiments === false) return;
    const stored = router.route({ stable: 70, canary: 20, experiment: 10 }, [CONTROLLER]);
    expect((await apply(router, git, stored, [rolloutOf(router)])).weights).toEqual({ stable: 80, canary: 20 });
  });
});

describe('weights missed with ping and pong', () => {
  const [router] = ROUTERS as [Router];
  const pingPong = {
    services: { pingPong: { pingService: 'ping', pongService: 'pong' } },
    weights: {
      stablePingPong: 'ping',
      weights: {
        canary: { weight: 100, podTemplateHash: 'new' },
        stable: { weight: 0, podTemplateHash: 'old' },
      },
    },
  };
  const git = router.route({ ping: 100, pong: 0 });

  it('come back from the status during an update', async () => {
    const stored = router.route({ ping: 100, pong: 0 }, [ARGO_CD]);
    expect((await apply(router, git, stored, [rolloutOf(router, pingPong)])).weights).toEqual({ ping: 0, pong: 100 });
  });

  it('are copied just after the promotion: pong is stable, and the status still has the weights of before', async () => {
    const promoted = rolloutOf(router, {
      ...pingPong,
      status: { stableRS: 'new' },
      weights: { ...pingPong.weights, stablePingPong: 'pong' },
    });
    const stored = router.route({ ping: 0, pong: 100 }, [ARGO_CD]);
    expect((await apply(router, git, stored, [promoted])).weights).toEqual({ ping: 0, pong: 100 });
    const added = router.route({ ping: 100, pong: 0, other: 1 });
    expect((await apply(router, added, stored, [promoted])).weights).toEqual({ ping: 0, pong: 100, other: 1 });
  });
});

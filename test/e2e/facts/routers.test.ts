import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { KubeObject } from '../../../src/world/object.ts';
import { asArray, asObject, dig, stringMap } from '../../../src/world/read.ts';
import { Cluster } from '../harness/cluster.ts';
import {
  ALB,
  APISIX,
  APP_MESH,
  appMeshNode,
  objectsOfRouter,
  TRAEFIK,
  type RouterCanary,
} from '../support/router-canaries.ts';
import { ROUTER_DEFINITIONS } from '../support/router-definitions.ts';
import { HASH, rollout } from './manifests.ts';
import { fact, Scene, unreconciled } from './scene.ts';

// The weights of the canaries are 30 and 60, with a pause after each.
const FIRST_PAUSE = 1;
const ALB_PAUSE = 2;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({
    rollgate: 'none',
    definitions: ROUTER_DEFINITIONS,
    argoRollouts: { args: ['--traefik-api-group=traefik.io', '--traefik-api-version=traefik.io/v1alpha1'] },
  });
});
afterAll(() => cluster.stop());

/** Returns a scene with a Healthy canary, whose object of the router was created as given. */
async function healthy(canary: RouterCanary, route: KubeObject = canary.route): Promise<Scene> {
  const scene = await Scene.of(cluster);
  await scene.create(...objectsOfRouter({ ...canary, route }, scene.namespace));
  await scene.phase('Healthy');
  return scene;
}

/** Returns a scene with a canary that pauses at its first weight. */
async function atFirstPause(canary: RouterCanary, step: number, route?: KubeObject): Promise<Scene> {
  const scene = await healthy(canary, route);
  await scene.update();
  await scene.phase('Paused', step);
  await scene.reconciled();
  return scene;
}

/** Creates a second Rollout, and waits until the same controller has it Healthy. */
async function later(scene: Scene): Promise<void> {
  const labels = { app: 'later' };
  await scene.create({
    ...rollout(
      { canary: {} },
      {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'a' }] } },
      },
    ),
    metadata: { name: 'later' },
  });
  await scene.phase('Healthy', undefined, 'later');
}

/**
 * Writes an object again as its file has it, and shows that this stays until the Rollout is reconciled.
 *
 * @param again - What is written, as a JSON merge patch.
 */
async function staysUntilReconciled(canary: RouterCanary, step: number, again: object): Promise<void> {
  const { kind, metadata } = canary.route;
  let before = '';
  const made = await unreconciled(
    () => atFirstPause(canary, step),
    async (scene) => {
      before = canary.controllersPart(await scene.get(kind, metadata.name));
      await scene.patch(kind, again, metadata.name);
      await later(scene);
      expect(canary.controllersPart(await scene.get(kind, metadata.name))).not.toBe(before);
    },
  );
  await made.reconciled();
  expect(canary.controllersPart(await made.get(kind, metadata.name))).toBe(before);
}

describe('an ALB Ingress', () => {
  const ROOT = 'alb.ingress.kubernetes.io/actions.root';
  const LIST = 'rollouts.argoproj.io/managed-alb-annotations';
  const annotationsOf = (ingress: KubeObject): ReadonlyMap<string, string> =>
    stringMap(ingress.metadata['annotations']);
  const pathsOf = (ingress: KubeObject): unknown[] =>
    asArray(dig(ingress, 'spec', 'rules')).map((rule) =>
      asArray(dig(rule, 'http', 'paths')).map((path) => dig(path, 'backend', 'service', 'name')),
    );

  fact(
    'I1',
    'holds',
    'gets an action of the controller as one text, with both Services, and a list of the annotations that the controller wrote; others stay',
    async () => {
      const others = { team: 'a', 'alb.ingress.kubernetes.io/actions.other': '{"Type":"fixed-response"}' };
      const route = { ...ALB.route, metadata: { ...ALB.route.metadata, annotations: others } };
      const scene = await atFirstPause({ ...ALB, steps: [] }, FIRST_PAUSE, route);
      const ingress = await scene.get('Ingress');
      const annotations = annotationsOf(ingress);
      expect([...annotations.keys()].sort()).toEqual([...Object.keys(others), ROOT, LIST].sort());
      expect(Object.fromEntries(annotations)).toMatchObject(others);
      expect(JSON.parse(annotations.get(ROOT) ?? '')).toMatchObject({
        Type: 'forward',
        ForwardConfig: {
          TargetGroups: [
            { ServiceName: 'web-canary', ServicePort: '80', Weight: 30 },
            { ServiceName: 'web-stable', ServicePort: '80', Weight: 70 },
          ],
        },
      });
      expect(JSON.parse(annotations.get(LIST) ?? '')).toEqual({ web: [ROOT] });
      expect(pathsOf(ingress)).toEqual([['root']]);
    },
  );

  fact(
    'I1',
    'holds',
    'whose action is written again, but not the list, is corrected at once: the list says whose Rollout is to be reconciled',
    async () => {
      const scene = await atFirstPause(ALB, ALB_PAUSE);
      const before = ALB.controllersPart(await scene.get('Ingress'));
      await scene.patch('Ingress', { metadata: { annotations: { [ROOT]: null } } });
      await scene.reacts('the action', async () => ALB.controllersPart(await scene.get('Ingress')) === before);
    },
  );

  fact('I1', 'holds', 'without the list stays without its action until the Rollout is reconciled', async () => {
    await staysUntilReconciled({ ...ALB, steps: [] }, FIRST_PAUSE, {
      metadata: { annotations: { [ROOT]: null, [LIST]: null } },
    });
  });

  fact(
    'I1',
    'holds',
    'gets the path of a header route before all others, with an action and conditions; lost after its step, none of them comes back',
    async () => {
      const scene = await atFirstPause(ALB, ALB_PAUSE);
      const ingress = await scene.get('Ingress');
      expect(pathsOf(ingress)).toEqual([['beta', 'root']]);
      const keys = ['actions', 'conditions'].map((what) => `alb.ingress.kubernetes.io/${what}.beta`);
      for (const key of keys) expect(annotationsOf(ingress).has(key), key).toBe(true);
      await scene.patch('Ingress', {
        metadata: { annotations: Object.fromEntries(keys.map((key) => [key, null])) },
        spec: ALB.route['spec'],
      });
      await scene.reconciled();
      await scene.plugin('promote');
      await scene.phase('Paused', ALB_PAUSE + 2);
      await scene.reconciled();
      const now = await scene.get('Ingress');
      expect(pathsOf(now)).toEqual([['root']]);
      for (const key of keys) expect(annotationsOf(now).has(key), key).toBe(false);
    },
  );
});

describe('a TraefikService', () => {
  const entry = (name: string, weight: number): object => ({ name, port: 80, weight });
  const services = (object: KubeObject): unknown => dig(object, 'spec', 'weighted', 'services');

  fact(
    'I2',
    'holds',
    'gets a weight in the first entry of each Service; all other entries and fields stay',
    async () => {
      const route = {
        ...TRAEFIK.route,
        spec: {
          weighted: {
            services: [entry('legacy', 7), entry('web-canary', 0), entry('web-stable', 100), entry('web-canary', 9)],
            sticky: { cookie: { name: 'c' } },
          },
        },
      };
      const scene = await atFirstPause(TRAEFIK, FIRST_PAUSE, route);
      expect(asObject((await scene.get('TraefikService'))['spec'])['weighted']).toEqual({
        services: [entry('legacy', 7), entry('web-canary', 30), entry('web-stable', 70), entry('web-canary', 9)],
        sticky: { cookie: { name: 'c' } },
      });
    },
  );

  fact('I2', 'holds', 'whose weights are written again keeps these until the Rollout is reconciled', async () => {
    await staysUntilReconciled(TRAEFIK, FIRST_PAUSE, { spec: { weighted: { services: services(TRAEFIK.route) } } });
  });
});

describe('an ApisixRoute', () => {
  fact(
    'I3',
    'holds',
    'gets weights in the http rules that the Rollout names; all other rules and fields stay',
    async () => {
      const [main] = asArray(dig(APISIX.route, 'spec', 'http'));
      const other = { ...asObject(main), name: 'other' };
      const scene = await atFirstPause(APISIX, FIRST_PAUSE, { ...APISIX.route, spec: { http: [other, main] } });
      const backend = (serviceName: string, weight: number): object => ({ serviceName, servicePort: 80, weight });
      expect(dig(await scene.get('ApisixRoute'), 'spec', 'http')).toEqual([
        other,
        { ...asObject(main), backends: [backend('web-stable', 70), backend('web-canary', 30)] },
      ]);
    },
  );

  fact('I3', 'holds', 'whose weights are written again keeps these until the Rollout is reconciled', async () => {
    await staysUntilReconciled(APISIX, FIRST_PAUSE, { spec: APISIX.route['spec'] });
  });
});

describe('App Mesh', () => {
  fact(
    'I4',
    'holds',
    'a VirtualRouter gets weights in the routes that the Rollout names; all other routes and fields stay',
    async () => {
      const [main] = asArray(dig(APP_MESH.route, 'spec', 'routes'));
      const other = { ...asObject(main), name: 'other' };
      const scene = await atFirstPause(APP_MESH, FIRST_PAUSE, { ...APP_MESH.route, spec: { routes: [other, main] } });
      const target = (name: string, weight: number): object => ({ virtualNodeRef: { name }, weight });
      const router = await scene.get('VirtualRouter', 'router');
      expect(dig(router, 'spec', 'routes')).toEqual([
        other,
        {
          ...asObject(main),
          httpRoute: {
            ...asObject(dig(main, 'httpRoute')),
            action: { weightedTargets: [target('node-stable', 70), target('node-canary', 30)] },
          },
        },
      ]);
    },
  );

  fact(
    'I4',
    'holds',
    'weights of a VirtualRouter that are written again stay until the Rollout is reconciled',
    async () => {
      await staysUntilReconciled(APP_MESH, FIRST_PAUSE, { spec: APP_MESH.route['spec'] });
    },
  );

  fact(
    'I4',
    'holds',
    'the two VirtualNodes get the hashes of the stable and the canary pods in their pod selectors, and nothing else; without a canary that of the canary node is canary-hash',
    async () => {
      const nodes = async (scene: Scene): Promise<unknown[]> => {
        const found = await Promise.all(['node-stable', 'node-canary'].map((name) => scene.get('VirtualNode', name)));
        return found.map((node) => [
          node.metadata['annotations'],
          dig(node, 'spec', 'podSelector', 'matchLabels'),
          dig(node, 'spec', 'listeners'),
        ]);
      };
      const scene = await healthy(APP_MESH);
      await scene.reconciled();
      const before = await scene.get('Rollout');
      const listeners = [{ portMapping: { port: 8080, protocol: 'http' } }];
      const stable = [undefined, { app: 'web', [HASH]: dig(before, 'status', 'stableRS') }, listeners];
      expect(await nodes(scene)).toEqual([stable, [undefined, { app: 'web', [HASH]: 'canary-hash' }, listeners]]);
      await scene.update();
      await scene.phase('Paused', FIRST_PAUSE);
      await scene.reconciled();
      const { status } = await scene.get('Rollout');
      expect(await nodes(scene)).toEqual([
        stable,
        [undefined, { app: 'web', [HASH]: dig(status, 'currentPodHash') }, listeners],
      ]);
      const weights = dig(status, 'canary', 'weights');
      expect(dig(weights, 'canary', 'podTemplateHash')).toBe(dig(status, 'currentPodHash'));
      expect(dig(weights, 'stable', 'podTemplateHash')).toBe(dig(status, 'stableRS'));
    },
  );

  fact('I4', 'holds', 'a hash that a VirtualNode loses stays away until the Rollout is reconciled', async () => {
    await staysUntilReconciled(appMeshNode('canary'), FIRST_PAUSE, {
      spec: { podSelector: { matchLabels: { [HASH]: null } } },
    });
  });
});

/** Shows that the controller fails again and again with an error, and that the Rollout gets neither Healthy nor InvalidSpec. */
async function standsStill(canary: RouterCanary, error: string): Promise<void> {
  const scene = await Scene.of(cluster);
  await scene.create(...objectsOfRouter(canary, scene.namespace));
  await scene.reacts('three errors', () => scene.log.filter((line) => line.includes(error)).length > 2);
  const { status } = await scene.get('Rollout');
  expect(dig(status, 'phase')).not.toBe('Healthy');
  expect(asArray(dig(status, 'conditions')).map((condition) => dig(condition, 'type'))).not.toContain('InvalidSpec');
}

describe('what the controller refuses of the object of a router', () => {
  const withSpec = (canary: RouterCanary, spec: object): RouterCanary => ({
    ...canary,
    route: { ...canary.route, spec },
  });
  const mesh = (targets: readonly [string, string]): RouterCanary =>
    withSpec(APP_MESH, {
      routes: [
        {
          name: 'main',
          httpRoute: {
            match: { prefix: '/' },
            action: { weightedTargets: targets.map((name) => ({ virtualNodeRef: { name }, weight: 50 })) },
          },
        },
      ],
    });

  fact(
    'I5',
    'holds',
    'a TraefikService without an entry for the canary Service, or without spec.weighted: the controller fails at each attempt, and the Rollout gets neither Healthy nor InvalidSpec',
    async () => {
      const services = [{ name: 'web-stable', port: 80 }];
      await standsStill(withSpec(TRAEFIK, { weighted: { services } }), 'traefik canary service was not found');
      const mirroring = { name: 'web-stable', port: 80, mirrors: [{ name: 'web-canary', port: 80, percent: 10 }] };
      await standsStill(withSpec(TRAEFIK, { mirroring }), 'spec.weighted.services was not found');
    },
  );

  fact(
    'I5',
    'holds',
    'an ApisixRoute without the rule that the Rollout names, or without a backend for the canary Service: the same',
    async () => {
      const [main] = asArray(dig(APISIX.route, 'spec', 'http'));
      const other = { ...asObject(main), name: 'other' };
      await standsStill(withSpec(APISIX, { http: [other] }), 'Apisix http route rule main not found');
      const stable = { ...asObject(main), backends: [{ serviceName: 'web-stable', servicePort: 80 }] };
      await standsStill(withSpec(APISIX, { http: [stable] }), 'apisix route web-canary backend was not found');
    },
  );

  fact(
    'I5',
    'holds',
    'App Mesh without a VirtualNode that the Rollout names, or without virtualNodeGroup, at which the controller panics: the same',
    async () => {
      const others = APP_MESH.others.filter(({ metadata }) => metadata.name !== 'node-canary');
      await standsStill({ ...APP_MESH, others }, 'Virtual-node is missing');
      const trafficRouting = { appMesh: { virtualService: { name: 'web', routes: ['main'] } } };
      await standsStill({ ...APP_MESH, trafficRouting }, 'Recovered from panic');
    },
  );

  fact(
    'I6',
    'holds',
    'a VirtualRouter whose targets are other VirtualNodes, or that lacks the route that the Rollout lists: the steps pass, and no weight is set',
    async () => {
      for (const canary of [
        mesh(['node-old', 'node-new']),
        { ...APP_MESH, trafficRouting: withoutRoute(APP_MESH.trafficRouting) },
      ]) {
        const scene = await atFirstPause(canary, FIRST_PAUSE);
        expect(dig(await scene.get('VirtualRouter', 'router'), 'spec')).toEqual(canary.route['spec']);
      }
    },
  );
});

describe('an object that somebody else has created where the controller creates one', () => {
  fact(
    'I7',
    'holds',
    'a TrafficSplit: the controller fails at each attempt to set a weight, also while there is no update, and the Rollout gets neither Healthy nor InvalidSpec',
    async () => {
      const route = {
        apiVersion: 'split.smi-spec.io/v1alpha1',
        kind: 'TrafficSplit',
        metadata: { name: 'web' },
        spec: { service: 'web-stable', backends: [{ service: 'web-stable', weight: '100' }] },
      };
      await standsStill({ ...APISIX, route, trafficRouting: { smi: {} } }, 'Rollout does not own TrafficSplit');
    },
  );

  fact(
    'I7',
    'holds',
    'an Ingress with the name of the one that the controller creates for the canary of nginx: the same',
    async () => {
      const ingress = (name: string, service: string, annotations: Record<string, string> = {}): KubeObject => ({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name, annotations },
        spec: {
          ingressClassName: 'nginx',
          rules: [
            {
              host: 'web.example.com',
              http: {
                paths: [
                  { path: '/', pathType: 'Prefix', backend: { service: { name: service, port: { number: 80 } } } },
                ],
              },
            },
          ],
        },
      });
      const canary = ingress('web-public-canary', 'web-canary', { 'nginx.ingress.kubernetes.io/canary': 'true' });
      await standsStill(
        {
          ...APISIX,
          route: ingress('public', 'web-stable'),
          others: [canary],
          trafficRouting: { nginx: { stableIngress: 'public' } },
        },
        'controlled by different object',
      );
    },
  );

  fact(
    'I7',
    'holds',
    'an ApisixRoute with the name of a header route: the controller fails at each attempt, and the update stays at the step',
    async () => {
      const scene = await healthy({
        ...APISIX,
        others: [{ ...APISIX.route, metadata: { name: 'beta' } }],
        trafficRouting: { managedRoutes: [{ name: 'beta' }], ...APISIX.trafficRouting },
        steps: [{ setHeaderRoute: { name: 'beta', match: [{ headerName: 'beta', headerValue: { exact: 'true' } }] } }],
      });
      await scene.update();
      const error = 'duplicate ApisixRoute [beta] already exists';
      await scene.reacts('three errors', () => scene.log.filter((line) => line.includes(error)).length > 2);
      const { status } = await scene.get('Rollout');
      expect([dig(status, 'phase'), dig(status, 'currentStepIndex')]).toEqual(['Progressing', 1]);
      expect(dig(await scene.get('ApisixRoute', 'beta'), 'spec')).toEqual(APISIX.route['spec']);
    },
  );
});

describe('Ambassador', () => {
  const mapping = (spec: object): RouterCanary => ({
    ...APISIX,
    route: { apiVersion: 'getambassador.io/v2', kind: 'Mapping', metadata: { name: 'web' }, spec },
    trafficRouting: { ambassador: { mappings: ['web'] } },
  });

  fact('I8', 'holds', 'a Mapping of Ambassador with a weight makes the Rollout InvalidSpec', async () => {
    const scene = await Scene.of(cluster);
    await scene.create(
      ...objectsOfRouter(mapping({ prefix: '/', service: 'web-stable', weight: 50 }), scene.namespace),
    );
    await scene.invalid('can not define weight');
  });

  fact(
    'I8',
    'holds',
    'a Mapping of Ambassador is copied, with the weight of the canary and the canary Service in place of the stable one; the copy of one that sends to another Service sends there too',
    async () => {
      for (const [service, copied] of [
        ['web-stable:80', 'web-canary:80'],
        ['legacy', 'legacy'],
      ]) {
        const scene = await atFirstPause(mapping({ prefix: '/', service }), FIRST_PAUSE);
        expect(dig(await scene.get('Mapping', 'web-canary'), 'spec')).toEqual({
          prefix: '/',
          service: copied,
          weight: 30,
        });
      }
    },
  );
});

/** Returns the routing of App Mesh with a list that names another route. */
function withoutRoute(routing: object): object {
  const appMesh = asObject(dig(routing, 'appMesh'));
  return { appMesh: { ...appMesh, virtualService: { name: 'web', routes: ['primary'] } } };
}

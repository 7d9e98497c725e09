import { afterAll, beforeAll, describe, expect } from 'vitest';
import { asArray, dig, optionalNumber, asString } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import type { JsonObject } from '../../../src/world/read.ts';
import { Cluster } from '../harness/cluster.ts';
import { until } from '../harness/program.ts';
import { rollout, service } from './manifests.ts';
import { fact, Scene, unreconciled } from './scene.ts';

// The plugin is not a Go module that can be imported. These tests run by hand, with a plugin program given by the user.
const PLUGIN = process.env['ROLLGATE_E2E_GATEWAY_PLUGIN'];
const NAME = 'argoproj-labs/gatewayAPI';

const SERVICES = [service('web'), service('web-canary')];
const HEADER = { name: 'beta', match: [{ headerName: 'x-beta', headerValue: { exact: 'yes' } }] };
const PAUSED_AT_20 = [{ setWeight: 20 }, { pause: {} }];

const backend = (name: string, weight?: number): JsonObject => ({
  name,
  port: 80,
  ...(weight === undefined ? {} : { weight }),
});
const route = (...rules: readonly JsonObject[]): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'web' },
  spec: { parentRefs: [{ name: 'edge' }], rules },
});
const BOTH = { backendRefs: [backend('web', 100), backend('web-canary', 0)] };
/** Returns a Rollout that routes through the plugin. */
const routed = (
  steps: readonly JsonObject[],
  config: JsonObject,
  canary: JsonObject = {},
  routing: JsonObject = {},
): KubeObject =>
  rollout({
    canary: {
      stableService: 'web',
      canaryService: 'web-canary',
      steps,
      trafficRouting: { plugins: { [NAME]: { namespace: 'given below', ...config } }, ...routing },
      ...canary,
    },
  });

/** Returns the rules of an HTTPRoute: name, and weight by backend. */
function rules(found: KubeObject): string[] {
  return asArray(dig(found, 'spec', 'rules')).map(
    (rule) =>
      `${asString(dig(rule, 'name'))}: ${asArray(dig(rule, 'backendRefs'))
        .map((ref) => `${asString(dig(ref, 'name'))} ${optionalNumber(dig(ref, 'weight')) ?? '-'}`)
        .join(', ')}`,
  );
}

describe.skipIf(PLUGIN === undefined)(
  'the Gateway API plugin v0.15.0, run by hand: ROLLGATE_E2E_GATEWAY_PLUGIN names its program',
  () => {
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await Cluster.start({ rollgate: 'none', argoRollouts: { plugins: { [NAME]: PLUGIN ?? '' } } });
    });
    afterAll(() => cluster.stop());

    /**
     * Returns a scene with the HTTPRoute, the Rollout and the Services. The namespace in the plugin's configuration is
     * that of the scene.
     */
    async function scene(http: KubeObject, from: KubeObject): Promise<Scene> {
      const made = await Scene.of(cluster, ...SERVICES, http);
      await made.create(JSON.parse(JSON.stringify(from).replaceAll('given below', made.namespace)) as KubeObject);
      return made;
    }

    fact(
      'A4',
      'holds',
      'a weight of an HTTPRoute that is put back stays wrong until the Rollout is reconciled for another reason: nobody watches the route',
      async () => {
        const prepare = async (): Promise<Scene> => {
          const prepared = await scene(route(BOTH), routed(PAUSED_AT_20, { httpRoute: 'web' }));
          await prepared.phase('Healthy');
          await prepared.update();
          await prepared.phase('Paused', 1);
          await prepared.reconciled();
          expect(rules(await prepared.get('HTTPRoute'))).toEqual([': web 80, web-canary 20']);
          return prepared;
        };
        const made = await unreconciled(prepare, async (prepared) => {
          await prepared.patch('HTTPRoute', { spec: { rules: [BOTH] } });
          // A second Rollout of the same controller completes its update while the first one is not reconciled.
          await prepared.create({
            ...rollout(
              { canary: {} },
              {
                selector: { matchLabels: { app: 'later' } },
                template: { metadata: { labels: { app: 'later' } }, spec: { containers: [{ name: 'a', image: 'a' }] } },
              },
            ),
            metadata: { name: 'later' },
          });
          await prepared.phase('Healthy', undefined, 'later');
          expect(rules(await prepared.get('HTTPRoute'))).toEqual([': web 100, web-canary 0']);
        });
        await made.reconciled();
        expect(rules(await made.get('HTTPRoute'))).toEqual([': web 80, web-canary 20']);
      },
    );

    const PREVIEW = {
      matches: [{ path: { type: 'PathPrefix', value: '/preview' } }],
      backendRefs: [backend('web-canary')],
    };
    for (const [how, config, routing] of [
      [
        'with useHeaderRoutes',
        { httpRoutes: [{ name: 'web', useHeaderRoutes: true }] },
        { managedRoutes: [{ name: 'beta' }] },
      ],
      ['with the singular httpRoute, without managedRoutes and header steps', { httpRoute: 'web' }, {}],
    ] as const) {
      fact(
        'C1',
        'holds',
        `a rule of one's own whose only backend is the canary Service is deleted ${how}`,
        async () => {
          const made = await scene(route(PREVIEW, BOTH), routed(PAUSED_AT_20, config, {}, routing));
          await until(
            'the rule to go',
            async () => (await made.nudge()) && rules(await made.get('HTTPRoute')).length === 1,
          );
          expect(rules(await made.get('HTTPRoute'))).toEqual([': web 100, web-canary 0']);
        },
      );
    }

    fact('C1', 'in part', 'without header routes such a rule stays, through an update too', async () => {
      const made = await scene(route(PREVIEW, BOTH), routed([{ setWeight: 20 }], { httpRoutes: [{ name: 'web' }] }));
      await made.phase('Healthy');
      await made.update();
      await made.phase('Healthy', 1);
      await made.reconciled();
      expect(rules(await made.get('HTTPRoute'))).toEqual([': web-canary 1', ': web 100, web-canary 0']);
    });

    fact(
      'C4',
      'holds',
      'a header step has no effect where useHeaderRoutes is not set, and the update goes on without it',
      async () => {
        const made = await scene(
          route(BOTH),
          routed(
            [{ setWeight: 20 }, { setHeaderRoute: HEADER }, { pause: {} }],
            { httpRoutes: [{ name: 'web' }] },
            {},
            { managedRoutes: [{ name: 'beta' }] },
          ),
        );
        await made.phase('Healthy');
        await made.update();
        await made.phase('Paused', 2);
        await made.reconciled();
        expect(rules(await made.get('HTTPRoute'))).toEqual([': web 80, web-canary 20']);
      },
    );

    for (const [how, config] of [
      ['with useHeaderRoutes', { httpRoutes: [{ name: 'web', useHeaderRoutes: true }] }],
      ['with the singular httpRoute', { httpRoute: 'web' }],
    ] as const) {
      fact('C4', 'holds', `a header step has an effect ${how}`, async () => {
        const made = await scene(
          route(BOTH),
          routed(
            [{ setWeight: 20 }, { setHeaderRoute: HEADER }, { pause: {} }],
            config,
            {},
            { managedRoutes: [{ name: 'beta' }] },
          ),
        );
        await made.phase('Healthy');
        await made.update();
        await made.phase('Paused', 2);
        expect(rules(await made.get('HTTPRoute'))).toEqual([': web 80, web-canary 20', 'beta: web-canary 1']);
      });
    }

    fact(
      'C2',
      'holds',
      'a route that has only the stable Service stops the Rollout before it is Healthy, and it is not InvalidSpec',
      async () => {
        const made = await scene(route({ backendRefs: [backend('web')] }), routed(PAUSED_AT_20, { httpRoute: 'web' }));
        await until('the complaint', () =>
          made.log.some((line) => line.includes('syncHandler error') && /backendRef|rule/i.test(line)),
        );
        await made.nudge();
        expect(dig(await made.get('Rollout'), 'status', 'phase')).not.toBe('Healthy');
      },
    );

    fact(
      'maxTrafficWeight',
      'holds',
      'with maxTrafficWeight 200 a step that sets the weight 150 gives the stable Service a weight below 0, which the API server refuses, and the update stands still',
      async () => {
        const made = await scene(
          route(BOTH),
          routed([{ setWeight: 150 }, { pause: {} }], { httpRoute: 'web' }, {}, { maxTrafficWeight: 200 }),
        );
        await made.phase('Healthy');
        await made.update();
        await made.reacts(
          'three errors',
          () => made.log.filter((line) => /should be greater than or equal to 0/.test(line)).length > 2,
        );
        expect(rules(await made.get('HTTPRoute'))).toEqual([': web 100, web-canary 0']);
        expect(dig(await made.get('Rollout'), 'status', 'phase')).toBe('Progressing');
      },
    );

    fact(
      'C5',
      'holds',
      'the controller accepts a plugin Rollout without canaryService; the plugin then fails',
      async () => {
        const made = await scene(route(BOTH), routed(PAUSED_AT_20, { httpRoute: 'web' }, { canaryService: null }));
        await until('the complaint', () => made.log.some((line) => line.includes('syncHandler error')));
        expect(
          asArray(dig(await made.get('Rollout'), 'status', 'conditions')).some(
            (condition) => dig(condition, 'type') === 'InvalidSpec',
          ),
        ).toBe(false);
      },
    );
  },
);

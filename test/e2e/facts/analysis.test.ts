import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import http from 'node:http';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { asArray, asString, dig } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { Cluster } from '../harness/cluster.ts';
import { until } from '../harness/program.ts';
import {
  COMPARED_RESULTS,
  controllerSecrets,
  DATADOG_SECRET,
  REFUSED_CONDITIONS,
  refusedSettings,
  type RefusedSettings,
} from '../support/refused-settings.ts';
import { deployment, rollout } from './manifests.ts';
import { fact, Scene } from './scene.ts';

// A page of text, a canary configuration as Kayenta knows it, and what New Relic and InfluxDB find.
const ANSWERS: readonly (readonly [path: string, answer: string])[] = [
  ['/page', '<html>'],
  ['/canaryConfig', JSON.stringify([{ id: '1', name: 'checks' }])],
  ['/newrelic', JSON.stringify({ data: { actor: { account: { nrql: { results: [{ count: 1 }] } } } } })],
  [
    '/api/v2/query',
    [
      '#datatype,string,long,double',
      '#group,false,false,false',
      '#default,_result,,',
      ',result,table,_value',
      ',,0,1.5',
    ]
      .map((line) => `${line}\r\n`)
      .join(''),
  ],
];

let cluster: Cluster;
let provider: Server;
beforeAll(async () => {
  // The metric server: /0 and /1 answer that number, and other paths that are not listed are a server error.
  provider = createServer((request, response) => {
    const url = request.url ?? '';
    const answer = /^\/\d$/.test(url)
      ? JSON.stringify({ value: Number(url.slice(1)) })
      : ANSWERS.find(([start]) => url.startsWith(start))?.[1];
    if (answer === undefined) response.writeHead(500);
    response.end(answer);
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  cluster = await Cluster.start({ rollgate: 'none' });
  for (const secret of controllerSecrets(address())) await cluster.controlPlane.admin.create(secret);
});
afterAll(async () => {
  provider.close();
  await cluster.stop();
});

const address = (): string => `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
const metric = (name: string, path: string, more: object = {}): object => ({
  name,
  successCondition: 'result == 1',
  provider: { web: { url: `${address()}/${path}`, jsonPath: '{$.value}' } },
  ...more,
});
const analysis = (metrics: readonly object[], more: object = {}): KubeObject => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AnalysisTemplate',
  metadata: { name: 'check' },
  spec: { metrics, ...more },
});
const gated = (more: object = {}): KubeObject =>
  rollout({
    canary: {
      steps: [{ setWeight: 50 }, { analysis: { templates: [{ templateName: 'check' }], ...more } }, { pause: {} }],
    },
  });

/** Returns the AnalysisRun of the first update, once it has ended. */
async function run(...objects: readonly KubeObject[]): Promise<KubeObject> {
  const scene = await Scene.of(cluster, ...objects);
  await scene.phase('Healthy');
  await scene.update();
  return until(
    'the analysis to end',
    async () =>
      (await scene.list('AnalysisRun')).find((found) =>
        ['Successful', 'Failed', 'Error', 'Inconclusive'].includes(String(dig(found, 'status', 'phase'))),
      ),
    // After an error, the next measurement comes ten seconds later.
    { within: 180_000 },
  );
}

describe('gates that cannot fail', () => {
  fact(
    'E7',
    'holds',
    'a metric with count equal to failureLimit is Successful although every measurement has failed',
    async () => {
      const found = await run(analysis([metric('value', '0', { count: 2, failureLimit: 2, interval: '1s' })]), gated());
      expect([dig(found, 'status', 'phase'), dig(asArray(dig(found, 'status', 'metricResults'))[0], 'failed')]).toEqual(
        ['Successful', 2],
      );
    },
  );

  fact('E7', 'holds', 'with count one above failureLimit it is Failed', async () => {
    const found = await run(analysis([metric('value', '0', { count: 3, failureLimit: 2, interval: '1s' })]), gated());
    expect(dig(found, 'status', 'phase')).toBe('Failed');
  });

  fact(
    'E7',
    'refuted',
    'measurements that end in an error do not count: a metric with count 2 and errors only is an Error after five of them, not a success',
    async () => {
      const found = await run(analysis([metric('value', 'closed', { count: 2, interval: '1s' })]), gated());
      expect([dig(found, 'status', 'phase'), dig(asArray(dig(found, 'status', 'metricResults'))[0], 'error')]).toEqual([
        'Error',
        5,
      ]);
    },
  );

  fact('E7', 'holds', 'a web metric whose answer is no JSON is Successful, whatever its condition asks', async () => {
    const found = await run(analysis([metric('value', 'page', { count: 2, interval: '1s' })]), gated());
    expect([
      dig(found, 'status', 'phase'),
      dig(asArray(dig(found, 'status', 'metricResults'))[0], 'successful'),
    ]).toEqual(['Successful', 2]);
  });

  fact('E7', 'holds', 'a metric with count below failureLimit is an Error as soon as the analysis begins', async () => {
    const found = await run(analysis([metric('value', '1', { count: 2, failureLimit: 3, interval: '1s' })]), gated());
    expect([dig(found, 'status', 'phase'), String(dig(found, 'status', 'message'))]).toEqual([
      'Error',
      expect.stringContaining('failureLimit'),
    ]);
  });
});

describe('what is refused when it is measured', () => {
  /**
   * Runs a metric with each of the settings, and shows that each measurement is the error that they are listed with, or
   * none if that is empty.
   */
  async function showErrors(settings: RefusedSettings, ...objects: readonly KubeObject[]): Promise<void> {
    const scene = await Scene.of(cluster, ...objects);
    const metrics = settings.map(([, refused, more = {}], index) => ({
      ...(Object.keys(refused).length === 0 ? metric('', '1') : { provider: refused }),
      name: `m${index}`,
      ...more,
    }));
    await scene.create({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'AnalysisRun',
      metadata: { name: 'checks' },
      spec: { metrics },
    });
    const results = await until('a measurement of each metric', async () => {
      const found = asArray(dig(await scene.get('AnalysisRun', 'checks'), 'status', 'metricResults'));
      return found.length === metrics.length && found;
    });
    const said = new Map(
      results.map((result) => {
        const [first] = asArray(dig(result, 'measurements'));
        return [asString(dig(result, 'name')), `${asString(dig(first, 'phase'))}: ${asString(dig(first, 'message'))}`];
      }),
    );
    const seen = metrics.map(({ name }, index) => {
      const message = said.get(name) ?? '';
      const [error = ''] = settings[index] ?? [];
      const isExpected =
        error === '' ? message === 'Successful: ' : message.startsWith('Error: ') && message.includes(error);
      return isExpected ? error : message;
    });
    expect(seen).toEqual(settings.map(([error]) => error));
  }

  fact(
    'provider settings',
    'holds',
    'settings of Datadog, Prometheus, web, Job, Kayenta, New Relic, CloudWatch, Graphite and SkyWalking that the provider refuses make the measurement an Error (36 of them, one of each sort that analysis-provider denies)',
    async () => {
      await showErrors(refusedSettings(address()), DATADOG_SECRET);
    },
  );

  fact(
    'conditions',
    'holds',
    'a condition that does not compile makes the measurement an Error: args.x without braces, an unknown name, =>, =, AND, an end that is missing, no true or false, or a regular expression that Go does not compile',
    async () => {
      await showErrors(REFUSED_CONDITIONS);
    },
  );

  fact(
    'conditions',
    'holds',
    'the result of New Relic is a map and that of InfluxDB a list: a condition that compares the whole result with a number makes the measurement an Error',
    async () => {
      await showErrors(COMPARED_RESULTS);
    },
  );

  fact(
    'arguments',
    'holds',
    'of an argument that the Rollout supplies twice the last one counts, and without a value it is the empty text, although the template has a default',
    async () => {
      const found = await run(
        analysis([metric('value', '1')], { args: [{ name: 'hash', value: 'default' }] }),
        gated({ args: [{ name: 'hash', value: 'first' }, { name: 'hash' }] }),
      );
      expect(dig(found, 'spec', 'args')).toEqual([{ name: 'hash', value: '' }]);
    },
  );
});

describe('what is only looked at when the analysis begins', () => {
  fact(
    'E6',
    'holds',
    'a metric with two providers does not make the Rollout InvalidSpec: the update is aborted when the step is reached',
    async () => {
      const scene = await Scene.of(
        cluster,
        analysis([
          metric('value', '1', {
            provider: {
              web: { url: 'http://127.0.0.1:1/' },
              job: {
                spec: { template: { spec: { containers: [{ name: 'a', image: 'a' }], restartPolicy: 'Never' } } },
              },
            },
          }),
        ]),
        gated(),
      );
      await scene.phase('Healthy');
      await scene.update();
      const degraded = await scene.phase('Degraded');
      expect(dig(degraded, 'status', 'abort')).toBe(true);
    },
  );

  fact(
    'E3',
    'refuted',
    'two metrics of one name in one template make the Rollout InvalidSpec: no update begins with them',
    async () => {
      const scene = await Scene.of(cluster, analysis([metric('twin', '1'), metric('twin', '1')]), gated());
      await scene.invalid('twin');
    },
  );

  fact(
    'E3',
    'holds',
    'a template with two metrics of one name, which nobody needs to refer to, has the metrics endpoint of the controller answer with an error for the whole cluster',
    async () => {
      await Scene.of(cluster, analysis([metric('twin', '1'), metric('twin', '1')]));
      await until('the error', async () => {
        const [answer] = (await once(
          http.get(`http://127.0.0.1:${cluster.argo.program.argument('metricsPort')}/metrics`),
          'response',
        )) as [http.IncomingMessage];
        return (
          (await text(answer)).includes('was collected before with the same name and label values') &&
          answer.statusCode === 500
        );
      });
    },
  );

  fact(
    'E2',
    'holds',
    'an argument whose fieldRef names nothing passes validation; the analysis never begins, and the update neither goes on nor ends',
    async () => {
      const scene = await Scene.of(
        cluster,
        analysis([metric('value', '1')], { args: [{ name: 'image' }] }),
        gated({
          args: [{ name: 'image', valueFrom: { fieldRef: { fieldPath: 'spec.template.spec.containers[0].imagee' } } }],
        }),
      );
      await scene.phase('Healthy');
      await scene.update();
      await until(
        'the complaints of the controller',
        () => scene.log.filter((line) => line.includes('invalid path')).length > 2,
      );
      const { status } = await scene.get('Rollout');
      expect(dig(status, 'phase')).toBe('Progressing');
      expect(await scene.list('AnalysisRun')).toEqual([]);
      expect(asArray(dig(status, 'conditions')).some((condition) => dig(condition, 'type') === 'InvalidSpec')).toBe(
        false,
      );
    },
  );

  fact(
    'E2',
    'holds',
    'with workloadRef a fieldRef below spec.template finds nothing either, whatever the Deployment has there',
    async () => {
      const {
        template: _template,
        selector: _selector,
        ...spec
      } = gated({
        args: [{ name: 'image', valueFrom: { fieldRef: { fieldPath: 'spec.template.spec.containers[0].image' } } }],
      })['spec'] as Record<string, unknown>;
      const referring = {
        ...rollout({}),
        spec: { ...spec, workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
      };
      const scene = await Scene.of(
        cluster,
        analysis([metric('value', '1')], { args: [{ name: 'image' }] }),
        deployment(),
        referring,
      );
      await scene.phase('Healthy');
      await scene.patch('Deployment', { spec: { template: { metadata: { annotations: { version: '2' } } } } });
      await until(
        'the complaints of the controller',
        () => scene.log.filter((line) => line.includes('invalid path')).length > 2,
      );
      expect(dig(await scene.get('Rollout'), 'status', 'phase')).toBe('Progressing');
      expect(await scene.list('AnalysisRun')).toEqual([]);
    },
  );
});

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { asArray, dig, optionalNumber, asString, type JsonObject } from '../../src/world/read.ts';
import { CHART } from '../../scripts/helm.ts';
import { binary } from '../control-plane/build.ts';

interface Health {
  readonly status?: string;
  readonly message?: string;
  readonly error?: string;
}

let program = '';
beforeAll(async () => {
  program = await binary('argo-cd-health');
});

/** Returns the result of the chart's health check for each Deployment, run in the Lua of Argo CD. */
function checked(deployments: readonly JsonObject[]): Health[] {
  const { stdout, stderr, status } = spawnSync(program, [join(CHART, 'files', 'argo-cd-health.lua')], {
    input: deployments.map((each) => `${JSON.stringify(each)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Health);
}

function deployment(
  notes: Readonly<Record<string, string>>,
  replicas: number,
  more: { readonly spec?: object; readonly status?: object } = {},
): JsonObject {
  const annotations = Object.fromEntries(Object.entries(notes).map(([key, value]) => [`rollgate.io/${key}`, value]));
  const status = {
    observedGeneration: 2,
    replicas,
    updatedReplicas: replicas,
    availableReplicas: replicas,
    ...more.status,
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      namespace: 'shop',
      generation: 2,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: { replicas, ...more.spec },
    status,
  };
}

const CONVERTED = { convert: 'canary', replicas: '5', 'rollout-uid': 'r-1' };

describe('the health check for Argo CD', () => {
  it.each<[string, JsonObject, string, string | undefined]>([
    [
      'let in, and its Rollout not made yet',
      deployment({ convert: 'canary', replicas: '5' }, 0),
      'Progressing',
      'a Rollout is being made of this Deployment',
    ],
    ['its Rollout is made, and it runs its own pods still', deployment(CONVERTED, 5), 'Healthy', undefined],
    [
      'the same, and they are not available',
      deployment(CONVERTED, 5, { status: { availableReplicas: 3 } }),
      'Progressing',
      'Waiting for rollout to finish: 3 of 5 updated replicas are available...',
    ],
    ['converted', deployment(CONVERTED, 0), 'Healthy', 'its pods are run by a Rollout: see the health of that'],
    [
      'converted and told not to run any',
      deployment({ ...CONVERTED, replicas: '0' }, 0),
      'Healthy',
      'its pods are run by a Rollout: see the health of that',
    ],
    [
      'refused for half a minute',
      deployment({ convert: 'canary', replicas: '5', 'convert-suspended': 'refused: exceeded quota' }, 5),
      'Degraded',
      'conversion to a Rollout is suspended: refused: exceeded quota',
    ],
    [
      'its Rollout was deleted',
      deployment(
        { convert: 'canary', replicas: '5', 'convert-suspended': 'rollout-deleted: its Rollout was deleted' },
        5,
      ),
      'Degraded',
      'conversion to a Rollout is suspended: rollout-deleted: its Rollout was deleted',
    ],
    [
      'its Rollout was deleted, and that is not noted yet',
      deployment(CONVERTED, 5, { status: { replicas: 2, updatedReplicas: 2, availableReplicas: 0 } }),
      'Progressing',
      'Waiting for rollout to finish: 2 out of 5 new replicas have been updated...',
    ],
    [
      'going back by "off"',
      deployment({ ...CONVERTED, convert: 'off' }, 0),
      'Progressing',
      'it goes back from a Rollout to a Deployment',
    ],
    [
      'going back, the annotation taken away, with pods of its own',
      deployment({ replicas: '5', 'rollout-uid': 'r-1' }, 5),
      'Progressing',
      'it goes back from a Rollout to a Deployment',
    ],
    ['back, and "off"', deployment({ convert: 'off' }, 5), 'Healthy', undefined],
    [
      'the annotation was taken away before anything was made of it',
      deployment({ replicas: '5' }, 5),
      'Healthy',
      undefined,
    ],
    ['not converted: its profile does not fit', deployment({ convert: 'canary' }, 5), 'Healthy', undefined],
    ['nothing of Rollgate', deployment({}, 0), 'Healthy', undefined],
  ])('%s', (_, given, status, message) => {
    expect(checked([given])).toEqual([{ status, ...(message === undefined ? {} : { message }) }]);
  });

  it('gives a Deployment without conversion the same health as Argo CD does', () => {
    const deployments = fc.sample(ordinary, 3_000);
    const verdicts = checked(deployments);
    expect(verdicts).toEqual(deployments.map(builtIn));
    // Every possible result occurs in the comparison.
    expect(new Set(verdicts.map(({ message = '' }) => message.replaceAll(/\d+/g, 'N'))).size).toBe(7);
  });
});

/**
 * The built-in check of Argo CD v3.2.12 (gitops-engine, pkg/health/health_deployment.go, getAppsv1DeploymentHealth).
 */
function builtIn({ metadata, spec, status }: JsonObject): Health {
  const count = (field: string): number => optionalNumber(dig(status, field)) ?? 0;
  const wanted = optionalNumber(dig(spec, 'replicas'));
  const [updated, available, all] = [count('updatedReplicas'), count('availableReplicas'), count('replicas')];
  const progressing = asArray(dig(status, 'conditions')).find((condition) => dig(condition, 'type') === 'Progressing');
  if (dig(spec, 'paused') === true) return { status: 'Suspended', message: 'Deployment is paused' };
  const waits = (what: string): Health => ({
    status: 'Progressing',
    message: `Waiting for rollout to finish: ${what}`,
  });
  if ((optionalNumber(dig(metadata, 'generation')) ?? 0) > count('observedGeneration'))
    return waits('observed deployment generation less than desired generation');
  if (dig(progressing, 'reason') === 'ProgressDeadlineExceeded')
    return {
      status: 'Degraded',
      message: `Deployment "${asString(dig(metadata, 'name'))}" exceeded its progress deadline`,
    };
  if (wanted !== undefined && updated < wanted)
    return waits(`${updated} out of ${wanted} new replicas have been updated...`);
  if (all > updated) return waits(`${all - updated} old replicas are pending termination...`);
  if (available < updated) return waits(`${available} of ${updated} updated replicas are available...`);
  return { status: 'Healthy' };
}

const few = fc.integer({ min: 0, max: 3 });
const conditions = fc.array(
  fc.record({
    type: fc.constantFrom('Progressing', 'Available'),
    reason: fc.constantFrom('ProgressDeadlineExceeded', 'NewReplicaSetAvailable', 'MinimumReplicasUnavailable'),
    message: fc.constant('x'),
  }),
  { maxLength: 2 },
);
const ordinary: fc.Arbitrary<JsonObject> = fc
  .record(
    {
      metadata: fc.record(
        {
          name: fc.constant('web'),
          generation: few,
          annotations: fc.constantFrom(null, {}, { a: 'b' }, { 'rollgate.io/convert': 'off' }),
        },
        { requiredKeys: ['name'] },
      ),
      spec: fc.record({ replicas: few, paused: fc.boolean() }, { requiredKeys: [] }),
      status: fc.option(
        fc.record(
          {
            observedGeneration: few,
            replicas: few,
            updatedReplicas: few,
            availableReplicas: few,
            conditions: fc.option(conditions),
          },
          { requiredKeys: [] },
        ),
      ),
    },
    { requiredKeys: ['metadata', 'spec'] },
  )
  .map((made) => ({ apiVersion: 'apps/v1', kind: 'Deployment', ...made }));

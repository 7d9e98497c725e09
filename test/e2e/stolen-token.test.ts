import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partOf } from './docs.ts';
import { Api } from './harness/api.ts';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene, deployment } from './harness/conversion.ts';
import { ROLLGATE } from './harness/rollgate.ts';
import { attemptsOf, WRITING, type Places } from './stolen-token/attempts.ts';
import { permissionsOf, type Permission } from './stolen-token/permissions.ts';
import { tableOf, type Row } from './stolen-token/table.ts';

let cluster: Cluster;
let places: Places;
let api: Api;
let permissions: readonly Permission[];

beforeAll(async () => {
  cluster = await Cluster.start();
  const scene = await ConversionScene.open(cluster);
  const { namespace } = scene;
  await scene.running('web', 2);
  await scene.developer.run(['annotate', 'deployment', 'web', 'rollgate.io/convert=canary', '-n', namespace]);
  await scene.healthy('web', 2);
  const { admin } = cluster.controlPlane;
  await admin.create(deployment(namespace, 'foreign', { replicas: 1 }));
  await admin.create({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'foreign', namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'x' } },
      strategy: { canary: {} },
      template: { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'x', image: 'x:1' }] } },
    },
  });
  places = { namespace, own: ROLLGATE.namespace };
  api = new Api(await cluster.controlPlane.account(ROLLGATE));
  permissions = await permissionsOf(api, places);
});
afterAll(() => cluster?.stop());

async function rows(): Promise<readonly Row[]> {
  const found: Row[] = [];
  for (const permission of permissions) {
    for (const { what, foreign, own } of await attemptsOf(permission, api, places))
      found.push({ ...permission, what, foreign: await foreign(), own: await own() });
  }
  return found;
}

describe('a stolen token of Rollgate', () => {
  it('may do what the page says, verb by verb of what kubectl auth can-i --list shows', async () => {
    const tried = await rows();
    // Each permission was tried, on an object of each side.
    for (const { verb, resource } of permissions)
      expect(tried.some((row) => row.verb === verb && row.resource === resource)).toBe(true);
    const table = tableOf(tried);
    expect(partOf('security.md', 'stolen token', table)).toBe(table);
  });

  it('may write nothing that takes no part in conversion, except what the page says it can', async () => {
    const allowed = (await rows())
      .filter(({ verb, foreign }) => WRITING.includes(verb) && foreign === 'allowed')
      .map(({ verb, resource, what }) => `${verb} ${resource} ${what}`.trim());
    expect([...new Set(allowed)].sort()).toEqual([
      'create events.events.k8s.io',
      'create leases.coordination.k8s.io',
      'create rollouts.argoproj.io that says it was made from the Deployment',
      'create selfsubjectaccessreviews.authorization.k8s.io',
      'create selfsubjectreviews.authentication.k8s.io',
      'create selfsubjectrulesreviews.authorization.k8s.io',
      'create subjectaccessreviews.authorization.k8s.io',
      'create tokenreviews.authentication.k8s.io',
    ]);
  });
});

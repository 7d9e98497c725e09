import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { asArray, dig } from '../../src/world/read.ts';
import { applyLikeFlux } from '../support/flux-client.ts';
import { Cluster } from './harness/cluster.ts';
import { ARGO_CD_WAYS, yamlOf } from './harness/kubectl.ts';
import { until } from './harness/program.ts';
import { shop, virtualService } from './harness/shop.ts';
import { healthy, pausedAt } from './support/rollouts.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: ['policy.mode=enforce', 'events.enabled=true'] });
});
afterAll(() => cluster?.stop());

const FLUX = ['apply', '--server-side', '--force-conflicts', '--field-manager=kustomize-controller'];

/** Applies objects as Flux does, with kubectl and the account of a reconciler. Returns the first error. */
function applyByFlux(objects: readonly KubeObject[]): Promise<string | undefined> {
  return applyLikeFlux(objects, async (object, dryRun) => {
    const args = [...FLUX, ...(dryRun ? ['--dry-run=server'] : []), '-f', '-'];
    const { code, stderr } = await cluster.argoCd.try(args, yamlOf([object]));
    return code === 0 ? undefined : stderr;
  });
}

async function settled(namespace: string): Promise<KubeObject[]> {
  const objects = shop(namespace, 'web');
  await cluster.admin.run(['create', 'namespace', namespace]);
  expect(await applyByFlux(objects)).toBeUndefined();
  await healthy(cluster, namespace, 'web');
  return objects;
}

/** Returns the objects with another name of the route, on both sides or only in the Rollout. */
function renamed(objects: readonly KubeObject[], namespace: string, route: string, both = true): KubeObject[] {
  return objects.map((object) => {
    if (object.kind === 'VirtualService') return both ? virtualService(namespace, 'web', route) : object;
    if (object.kind !== 'Rollout') return object;
    return JSON.parse(JSON.stringify(object).replace('"routes":["primary"]', `"routes":["${route}"]`)) as KubeObject;
  });
}

function withImage(objects: readonly KubeObject[], image: string): KubeObject[] {
  return objects.map((object) => JSON.parse(JSON.stringify(object).replace('shop:1', image)) as KubeObject);
}

async function routesOf(namespace: string): Promise<unknown> {
  const { admin } = cluster.controlPlane;
  const rollout = await admin.get('argoproj.io/v1alpha1', 'Rollout', namespace, 'web');
  const route = await admin.get('networking.istio.io/v1', 'VirtualService', namespace, 'web');
  const named = dig(rollout, 'spec', 'strategy', 'canary', 'trafficRouting', 'istio', 'virtualService', 'routes');
  return [asArray(named)[0], dig(asArray(dig(route, 'spec', 'http'))[0], 'name')];
}

describe('a commit that renames a route on both sides', () => {
  it('arrives at the first apply of Flux, which writes the Rollout first', async () => {
    const objects = await settled('flux');
    expect(await applyByFlux(renamed(objects, 'flux', 'main'))).toBeUndefined();
    expect(await routesOf('flux')).toEqual(['main', 'main']);
    await healthy(cluster, 'flux', 'web');
  });

  it('is refused in the middle of an update, and arrives after it without a person', async () => {
    const objects = withImage(await settled('updating'), 'shop:2');
    expect(await applyByFlux(objects)).toBeUndefined();
    await pausedAt(cluster, 'updating', 'web', 20);
    const commit = renamed(objects, 'updating', 'main');
    expect(await applyByFlux(commit)).toContain('Flux tries again, and this passes when it has ended');
    expect(await routesOf('updating')).toEqual(['primary', 'primary']);
    await cluster.developer.run(['argo', 'rollouts', 'promote', 'web', '-n', 'updating']);
    await healthy(cluster, 'updating', 'web');
    expect(await applyByFlux(commit)).toBeUndefined();
    expect(await routesOf('updating')).toEqual(['main', 'main']);
  });

  it('is a warning in the dry run of Argo CD, and its sync names wave and retry', async () => {
    const objects = renamed(await settled('argo'), 'argo', 'main');
    const rollout = yamlOf(objects.filter(({ kind }) => kind === 'Rollout'));
    const diff = await cluster.argoCd.try([...ARGO_CD_WAYS['server-side dry run'], '-f', '-'], rollout);
    expect([diff.code, diff.stderr]).toEqual([0, expect.stringContaining('has no http route "main"')]);
    const sync = await cluster.argoCd.try([...ARGO_CD_WAYS['server-side apply'], '-f', '-'], rollout);
    expect([sync.code, sync.stderr]).toEqual([
      1,
      expect.stringContaining('an earlier sync wave, or set syncPolicy.retry'),
    ]);
    // The rest of the sync, and the retry.
    await cluster.argoCd.apply(
      objects.filter(({ kind }) => kind !== 'Rollout'),
      'server-side apply',
    );
    await cluster.argoCd.apply(objects, 'server-side apply');
    expect(await routesOf('argo')).toEqual(['main', 'main']);
  });
});

describe('a mistake', () => {
  it('that is in one object alone lets Flux apply nothing', async () => {
    const objects = await settled('alone');
    const wrong = renamed(objects, 'alone', 'main').map(
      (object) => JSON.parse(JSON.stringify(object).replace('"setWeight":20', '"setWeight":120')) as KubeObject,
    );
    expect(await applyByFlux(wrong)).toContain('120');
    expect(await routesOf('alone')).toEqual(['primary', 'primary']);
  });

  it('that needs a route which nobody brings is an Event within two minutes, and can be fixed', async () => {
    const objects = await settled('nobody');
    expect(await applyByFlux(renamed(objects, 'nobody', 'main', false))).toBeUndefined();
    const event = await until(
      'the Event',
      async () => {
        const { stdout } = await cluster.admin.run(['get', 'events', '-n', 'nobody', '-o', 'json']);
        return asArray(dig(JSON.parse(stdout), 'items')).find((item) => dig(item, 'reason') === 'ContradictionStands');
      },
      { within: 120_000 },
    );
    expect(event).toMatchObject({
      type: 'Warning',
      involvedObject: { kind: 'Rollout', namespace: 'nobody', name: 'web' },
    });
    expect(dig(event, 'message')).toContain('VirtualService "web" has no http route "main"');
    expect(await applyByFlux(renamed(objects, 'nobody', 'main'))).toBeUndefined();
    await healthy(cluster, 'nobody', 'web');
  });
});

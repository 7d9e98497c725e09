import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { asArray, dig } from '../../src/world/read.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { FAIL, Load } from './harness/load.ts';
import { until } from './harness/program.ts';
import { ROLLGATE, type Rollgate } from './harness/rollgate.ts';
import { RollgateService } from './harness/service.ts';
import { shop } from './harness/shop.ts';

const CONFIGURATIONS = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'];

let cluster: Cluster;
let service: RollgateService;
let namespace: string;
let load: Load | undefined;
let replicas = 0;

beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: FAIL });
  namespace = await cluster.namespace('load');
  const { address, program } = cluster.rollgate;
  await program.stop('SIGKILL');
  service = await RollgateService.start(address);
  await service.add(await replica());
  await service.add(await replica());
});

afterEach(async () => {
  await load?.stop();
  if (load !== undefined) await cluster.admin.run(['delete', 'virtualservice', '--all', '-n', namespace]);
  load = undefined;
});

afterAll(async () => {
  await service?.stop();
  await cluster?.stop();
});

function replica(): Promise<Rollgate> {
  return cluster.rollgate.replica(`rollgate-${++replicas}`);
}

function answered(rollgate: Rollgate): number {
  return rollgate.decisions().length;
}

describe('no request is lost', () => {
  it('during a rolling restart under load', async () => {
    load = await Load.start(cluster.controlPlane.admin, namespace);
    await load.more(300);
    const [old, fresh] = [service.endpoints, [await replica(), await replica()]];
    for (const [index, each] of fresh.entries()) {
      await service.add(each);
      const leaving = old[index];
      if (leaving !== undefined) await service.remove(leaving);
    }
    await load.more(300);
    await load.stop();
    console.log(
      `rolling restart: ${load.admitted} updates admitted, ${load.failures.length} failed; answers by process: ${[...old, ...fresh].map(answered).join(', ')}`,
    );
    expect(load.failures).toEqual([]);
    for (const each of [...old, ...fresh]) expect(answered(each)).toBeGreaterThan(0);
    expect(old.map(({ program }) => program.running)).toEqual([false, false]);
  });

  it('unless processes are killed: the load detects it', async () => {
    load = await Load.start(cluster.controlPlane.admin, namespace);
    await load.more(100);
    const [killed] = service.endpoints;
    if (killed === undefined) throw new Error('there is no process');
    await service.remove(killed, 'SIGKILL');
    await load.stop();
    console.log(`a process killed: ${load.admitted} updates admitted, ${load.failures.length} failed`);
    expect(load.failures.length).toBeGreaterThan(0);
    await service.add(await replica());
  });
});

describe('a gate that is gone does not block the cluster', () => {
  beforeAll(async () => {
    for (const each of service.endpoints) await service.remove(each, 'SIGKILL');
  });

  it('with failurePolicy Fail: only the kinds that it checks are blocked, and Rollgate can be scaled up', async () => {
    const { developer, admin } = cluster;
    const refused = await developer.try(['apply', '-f', '-'], yamlOf(shop(namespace, 'waiting')));
    expect(refused.stderr).toContain('failed calling webhook');
    await admin.run(['create', 'namespace', 'beside']);
    await admin.run(['run', 'pod', '--image=none', '-n', 'beside']);
    await admin.run(['create', 'configmap', 'settings', '-n', 'beside']);
    await admin.run(['scale', 'deployment', ROLLGATE.name, '-n', ROLLGATE.namespace, '--replicas=0']);
    await admin.run(['scale', 'deployment', ROLLGATE.name, '-n', ROLLGATE.namespace, '--replicas=2']);
    await admin.run(['delete', 'namespace', 'beside']);
  });

  it('when scaled to zero with failurePolicy Ignore, the default', async () => {
    for (const plural of CONFIGURATIONS) {
      const path = `/apis/admissionregistration.k8s.io/v1/${plural}/rollgate`;
      const configuration = await cluster.controlPlane.admin.call('GET', path);
      const patch = asArray(dig(configuration, 'webhooks')).map((_, index) => ({
        op: 'replace',
        path: `/webhooks/${index}/failurePolicy`,
        value: 'Ignore',
      }));
      await cluster.controlPlane.admin.call('PATCH', path, patch, 'application/json-patch+json');
    }
    await until(
      'the change to be in force',
      async () => (await cluster.developer.try(['apply', '-f', '-'], yamlOf(shop(namespace, 'ignored')))).code === 0,
    );
    await cluster.developer.run(['delete', '-f', '-'], yamlOf(shop(namespace, 'ignored')));
  });

  it('when uninstalled, Deployment and Service first', async () => {
    const mine = ['-l', 'app.kubernetes.io/instance=rollgate'];
    await cluster.admin.run(['delete', 'deployment,service', '-n', ROLLGATE.namespace, ...mine]);
    await cluster.developer.apply(shop(namespace, 'between'));
    await cluster.admin.run([
      'delete',
      'poddisruptionbudget,configmap,serviceaccount',
      '-n',
      ROLLGATE.namespace,
      ...mine,
    ]);
    await cluster.admin.run([
      'delete',
      'clusterrole,clusterrolebinding,mutatingwebhookconfiguration,validatingwebhookconfiguration',
      ...mine,
    ]);
    await sleep(1_000);
    await cluster.developer.apply(shop(namespace, 'after'));
    await cluster.admin.run(['delete', 'namespace', ROLLGATE.namespace]);
  });
});

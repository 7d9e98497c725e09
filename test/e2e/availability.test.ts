import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { invalidRollout } from '../../src/commands/self-test.ts';
import { asArray, asString, dig } from '../../src/world/read.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { FAIL, Load } from './harness/load.ts';
import { until } from './harness/program.ts';
import { Release } from './harness/release.ts';
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

function replica(values: Readonly<Record<string, string>> = {}): Promise<Rollgate> {
  return cluster.rollgate.replica(`rollgate-${++replicas}`, values);
}

/** Replaces the processes in turn, as a Deployment with maxSurge 1 does its pods. Returns the new ones. */
async function replaced(values: Readonly<Record<string, string>> = {}): Promise<readonly Rollgate[]> {
  const [old, fresh] = [service.endpoints, [await replica(values), await replica(values)]];
  for (const [index, each] of fresh.entries()) {
    await service.add(each);
    const leaving = old[index];
    if (leaving !== undefined) await service.remove(leaving);
  }
  expect(old.map(({ program }) => program.running)).toEqual([false, false]);
  return fresh;
}

// These are other ones here than in a pod.
const PLACES: readonly string[] = ['cert-dir', 'policy', 'host', 'port', 'health-port', 'kubeconfig'];

/** What the API server has of an installation. */
interface Installed {
  readonly policy: string;
  /** The arguments of the pods, by name. */
  readonly args: Readonly<Record<string, string>>;
  readonly podAnnotation: unknown;
  /** The timeouts of all webhooks. */
  readonly timeouts: readonly unknown[];
}

async function installed(): Promise<Installed> {
  const { admin } = cluster.controlPlane;
  const { namespace: own, name } = ROLLGATE;
  const deployment = await admin.get('apps/v1', 'Deployment', own, name);
  const policy = await admin.get('v1', 'ConfigMap', own, `${name}-policy`);
  const configurations = await Promise.all(
    CONFIGURATIONS.map((plural) => admin.call('GET', `/apis/admissionregistration.k8s.io/v1/${plural}/${name}`)),
  );
  const args = asArray(dig(asArray(dig(deployment, 'spec', 'template', 'spec', 'containers'))[0], 'args'))
    .map((arg) => /^--([^=]+)=(.*)$/.exec(asString(arg)) ?? [])
    .filter(([, key = '']) => key !== '' && !PLACES.includes(key));
  return {
    policy: asString(dig(policy, 'data', 'rollgate.yaml')),
    args: Object.fromEntries(args.map(([, key = '', value = '']) => [key, value])),
    podAnnotation: dig(deployment, 'spec', 'template', 'metadata', 'annotations', 'changed'),
    timeouts: configurations.flatMap((each) => asArray(dig(each, 'webhooks')).map((one) => dig(one, 'timeoutSeconds'))),
  };
}

/** Does what follows from a changed release: the kubelet updates the policy in the pods, and new pods replace them. */
async function rolledOut(): Promise<{ readonly now: Installed; readonly fresh: readonly Rollgate[] }> {
  const now = await installed();
  await cluster.rollgate.policyText(now.policy);
  return { now, fresh: await replaced(now.args) };
}

/** Returns how an invalid Rollout is answered. */
async function answer(): Promise<string> {
  const { code, stderr } = await cluster.developer.try(
    ['create', '--dry-run=server', '-f', '-'],
    yamlOf([invalidRollout(namespace)]),
  );
  if (!stderr.includes('[rollgate/')) return stderr;
  return code === 0 ? 'warning' : 'denial';
}

function answered(rollgate: Rollgate): number {
  return rollgate.decisions().length;
}

describe('no request is lost', () => {
  it('during a rolling restart under load', async () => {
    load = await Load.start(cluster.controlPlane.admin, namespace);
    await load.more(300);
    const old = service.endpoints;
    const fresh = await replaced();
    await load.more(300);
    await load.stop();
    console.log(
      `rolling restart: ${load.admitted} updates admitted, ${load.failures.length} failed; answers by process: ${[...old, ...fresh].map(answered).join(', ')}`,
    );
    expect(load.failures).toEqual([]);
    for (const each of [...old, ...fresh]) expect(answered(each)).toBeGreaterThan(0);
  });

  it('during helm upgrade and helm rollback under load, which change webhooks, policy and pods', async () => {
    const release = await Release.adopt(cluster);
    const before = await installed();
    load = await Load.start(cluster.controlPlane.admin, namespace);
    await load.more(300);
    await release.upgrade(
      'policy.mode=audit',
      'podAnnotations.changed=yes',
      'maxInFlight=300',
      'webhooks.timeoutSeconds=7',
    );
    const upgrade = await rolledOut();
    const upgraded = await answer();
    await load.more(300);
    await release.rollback();
    const rollback = await rolledOut();
    const wentBack = await answer();
    await load.more(300);
    await load.stop();
    const processes = [...upgrade.fresh, ...rollback.fresh];
    console.log(
      `helm upgrade and rollback: ${load.admitted} updates admitted, ${load.failures.length} failed; answers by process: ${processes.map(answered).join(', ')}`,
    );
    expect(load.failures).toEqual([]);
    for (const each of processes) expect(answered(each)).toBeGreaterThan(0);
    expect([upgraded, wentBack]).toEqual(['warning', 'denial']);
    // All of it really changed, and went back.
    expect(upgrade.now).toMatchObject({ podAnnotation: 'yes', args: { 'max-in-flight': '300' } });
    expect(new Set(upgrade.now.timeouts)).toEqual(new Set([7]));
    expect(upgrade.now.policy).not.toBe(before.policy);
    expect(rollback.now).toEqual(before);
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
    await cluster.podsAllowed('beside');
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

import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHART, helm, render } from '../../scripts/helm.ts';
import { readCertificate } from '../../src/server/tls.ts';
import { asString, dig } from '../../src/world/read.ts';
import { certificate } from '../support/certificates.ts';
import { Refused } from './harness/api.ts';
import { caBundles, setCaBundles } from './harness/ca-bundles.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { FAIL, Load } from './harness/load.ts';
import { objectsOf } from './harness/objects.ts';
import { until } from './harness/program.ts';
import { ROLLGATE, type Rollgate } from './harness/rollgate.ts';
import { RollgateService } from './harness/service.ts';
import { shop } from './harness/shop.ts';

// No cert-manager, and with failurePolicy Fail no lost request goes unnoticed.
const SETTINGS = ['certificates.mode=self', ...FAIL];
const NAME = 'rollgate-certificates';
const SECRET = `/api/v1/namespaces/${ROLLGATE.namespace}/secrets/${NAME}`;
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${ROLLGATE.namespace}/leases/${NAME}`;
// The account of the processes that serve in the second test. It may not hold the Lease, so that the leader is another.
const FOLLOWER = { namespace: ROLLGATE.namespace, name: 'follower' };

let cluster: Cluster;
let namespace: string;
let service: RollgateService | undefined;
let leader: Rollgate;
let leaders = 0;

beforeAll(async () => {
  cluster = await Cluster.start({ rollgate: SETTINGS });
  leader = cluster.rollgate;
  namespace = await cluster.namespace('load');
});

afterAll(async () => {
  await service?.stop();
  await leader?.program.stop('SIGKILL');
  await cluster?.stop();
});

async function call(method: 'GET' | 'PATCH' | 'DELETE', path: string, body?: unknown, type?: string): Promise<unknown> {
  return cluster.controlPlane.admin.call(method, path, body, type);
}

async function secretText(key: string): Promise<string> {
  return Buffer.from(asString(dig(await call('GET', SECRET), 'data', key)), 'base64').toString();
}

function bundles(): Promise<string[]> {
  return caBundles(cluster.controlPlane.admin);
}

/** Sets the `caBundle` of all webhooks, and so makes the API server open new connections. */
function trust(bundle: string): Promise<void> {
  return setCaBundles(cluster.controlPlane.admin, () => bundle);
}

function renew(what: 'certificate' | 'ca'): Promise<unknown> {
  const annotations = { 'rollgate.io/renew': what };
  return call('PATCH', SECRET, { metadata: { annotations } }, 'application/merge-patch+json');
}

function authorities(text: string): number {
  return text.split('BEGIN CERTIFICATE').length - 1;
}

function fingerprints(text: string): string[] {
  const each = text.split(/(?<=-----END CERTIFICATE-----\n)/).filter((part) => part.includes('BEGIN'));
  return each.map((part) => new X509Certificate(part).fingerprint256);
}

function count(rollgate: Rollgate, action: string): number {
  return rollgate.program.output().split(`"action":"${action}"`).length - 1;
}

/** Starts a process that leads. The Lease of the one that was killed would expire only after a while. */
async function lead(): Promise<void> {
  // One that was killed early may not have held it.
  await call('DELETE', LEASE).catch((error: unknown) => {
    if (!(error instanceof Refused && error.code === 404)) throw error;
  });
  leader = await cluster.rollgate.replica(`leader-${++leaders}`);
  await leader.start();
}

/** Waits until all processes serve what the Secret has, and the API server has opened new connections to them. */
async function reconnected(): Promise<void> {
  const { fingerprint } = readCertificate({ cert: await secretText('tls.crt'), key: await secretText('tls.key') });
  for (const each of service?.endpoints ?? [])
    await until('the new certificate', () => each.program.output().includes(fingerprint));
  await trust(`${(await bundles())[0] ?? ''}# ${Date.now()}\n`);
}

describe('certificates that Rollgate keeps itself', () => {
  it('lead from a fresh install to a first denial, without cert-manager', async () => {
    const [broken] = shop(namespace, 'reviews').filter(({ kind }) => kind === 'Rollout');
    const rollout = structuredClone(broken) as unknown as { spec: { strategy: unknown } };
    rollout.spec.strategy = { canary: {}, blueGreen: { activeService: 'reviews' } };
    const refused = await until(
      'a denial',
      async () => {
        const { stderr } = await cluster.developer.try(['apply', '-f', '-'], yamlOf([rollout as never]));
        return stderr.includes('[rollgate/') && stderr;
      },
      { within: 30_000 },
    );
    expect(refused).toContain('rollgate/rollout-strategy');
    // The webhook that denies may be the first that trusts it, and log lines are written with a short delay.
    await until('the authority in all webhooks', async () => (await bundles()).every((bundle) => bundle !== ''));
    await until('the line about it', () => count(leader, 'create') > 0);
    expect(count(leader, 'create')).toBe(1);
    const text = await secretText('tls.crt');
    expect(new X509Certificate(text).subjectAltName).toBe(
      'DNS:rollgate.rollgate.svc, DNS:rollgate.rollgate.svc.cluster.local',
    );
    for (const bundle of await bundles()) expect(bundle).toBe(await secretText('ca.crt'));
  });

  it('lose no request while the certificate and the authority are renewed and the leader is killed at each step', async () => {
    const binding = (kind: string, name: string, more: object): object => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: `${kind}Binding`,
      metadata: { name: 'follower', ...more },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
      subjects: [{ kind: 'ServiceAccount', ...FOLLOWER }],
    });
    const inside = { namespace: FOLLOWER.namespace };
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'follower', ...inside },
      rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: [NAME], verbs: ['get'] }],
    };
    const rights = [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: FOLLOWER },
      role,
      binding('Role', 'follower', inside),
      binding('ClusterRole', 'rollgate', {}),
      binding('ClusterRole', 'rollgate-conversion', { name: 'follower-conversion' }),
    ];
    await cluster.admin.run(['apply', '-f', '-'], yamlOf(rights as never));
    const follower = await cluster.controlPlane.account(FOLLOWER);
    const kubeconfig = await cluster.controlPlane.kubeconfig(follower, 'follower');
    const { address, program } = leader;
    await program.stop('SIGKILL');
    service = await RollgateService.start(address);
    for (const name of ['follower-1', 'follower-2'])
      await service.add(await cluster.rollgate.replica(name, { kubeconfig }));
    await lead();

    const load = await Load.start(cluster.controlPlane.admin, namespace);
    await load.more(200);
    const first = await secretText('ca.crt');
    await renew('certificate');
    await until('a renewal', () => count(leader, 'renew') === 1);
    await reconnected();
    await load.more(200);
    expect(await secretText('ca.crt')).toBe(first);

    await renew('ca');
    const begun = async (): Promise<boolean> => (await secretText('next-ca.crt')) !== '';
    const trusted = async (): Promise<boolean> => (await bundles()).every((bundle) => authorities(bundle) === 2);
    const switched = async (): Promise<boolean> => !(await begun()) && authorities(await secretText('ca.crt')) === 2;
    for (const [step, reached] of Object.entries({ begun, trusted, switched })) {
      await until(step, reached, { within: 120_000 });
      await leader.program.stop('SIGKILL');
      await load.more(50);
      await lead();
    }
    await reconnected();
    await load.more(200);
    await load.stop();
    console.log(`certificates of its own: ${load.admitted} updates admitted, ${load.failures.length} failed`);
    expect(load.failures).toEqual([]);
    const both = await secretText('ca.crt');
    expect(both.endsWith(first)).toBe(true);
    expect(authorities(both)).toBe(2);
    expect(await secretText('next-ca.crt')).toBe('');
    const [current = ''] = both.split(/(?<=-----END CERTIFICATE-----\n)/);
    expect(new X509Certificate(await secretText('tls.crt')).checkIssued(new X509Certificate(current))).toBe(true);
    for (const each of service.endpoints) expect(each.decisions().length).toBeGreaterThan(0);
  });

  it('restore a caBundle that somebody changed', async () => {
    const restored = (await secretText('ca.crt')).trim();
    await trust('nothing');
    await until('the bundle', async () => (await bundles()).every((bundle) => bundle.trim() === restored));
  });

  it('keep what another tool trusts for the time of a rotation: pods may still have its certificate', async () => {
    const mine = await secretText('ca.crt');
    const foreign = certificate().cert;
    const { fingerprint256 } = new X509Certificate(foreign);
    await trust(foreign);
    const known = async (): Promise<boolean> =>
      (await bundles()).every((bundle) => bundle.includes(mine) && fingerprints(bundle).includes(fingerprint256));
    await until('both to be trusted', known);
    await until('the rotation to end', async () => (await secretText('next-ca.crt')) === '', { within: 120_000 });
    expect(await known()).toBe(true);
    expect(fingerprints(await secretText('ca.crt'))).toContain(fingerprint256);
    expect(authorities(await secretText('ca.crt'))).toBe(authorities(mine) + 2);
  });

  it('stay as they are when the chart is applied again, whichever tool does it', async () => {
    const values = ['policy.mode=enforce', ...SETTINGS].flatMap((setting) => ['--set', setting]);
    const mine = objectsOf(render(...values)).filter(({ kind }) => /^Secret$|WebhookConfiguration$/.test(kind));
    expect(mine).toHaveLength(3);
    const now = async (): Promise<unknown> => [dig(await call('GET', SECRET), 'data'), await bundles()];
    const before = await now();
    // What Argo CD compares and does, with and without ServerSideApply=true.
    expect(await cluster.admin.try(['diff', '-f', '-'], yamlOf(mine))).toMatchObject({ code: 0, stdout: '' });
    await cluster.admin.run(['apply', '-f', '-'], yamlOf(mine));
    const server = ['--server-side', '--force-conflicts', '--field-manager=argocd-controller'];
    await cluster.admin.run(['apply', ...server, '-f', '-'], yamlOf(mine));
    expect(await now()).toEqual(before);
    const { folder } = cluster.controlPlane;
    const env = { ...process.env, HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder };
    for (const more of ['logLevel=info', 'logLevel=debug'])
      await promisify(execFile)(
        helm(),
        [
          ...['upgrade', '--install', 'rollgate', CHART, '--take-ownership', '--namespace', ROLLGATE.namespace],
          ...['--kubeconfig', cluster.admin.kubeconfig, ...values, '--set', more],
        ],
        { env },
      );
    expect(await now()).toEqual(before);

    // `helm upgrade --force` and Replace=true do this. Nothing can be kept then.
    await cluster.admin.run(['replace', '-f', '-'], yamlOf(mine));
    await until('another authority', async () => {
      const text = await secretText('ca.crt');
      return text !== '' && (await bundles()).every((bundle) => bundle === text);
    });
    expect(await now()).not.toEqual(before);
  });
});

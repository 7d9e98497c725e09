import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { selfSigned } from '../../src/server/certificate.ts';
import { readCertificate } from '../../src/server/tls.ts';
import { asString, dig } from '../../src/world/read.ts';
import { binary } from '../control-plane/build.ts';
import { caBundles, setCaBundles } from './harness/ca-bundles.ts';
import { Cluster } from './harness/cluster.ts';
import { yamlOf } from './harness/kubectl.ts';
import { FAIL, Load } from './harness/load.ts';
import { until } from './harness/program.ts';
import { ROLLGATE, type Rollgate } from './harness/rollgate.ts';
import type { SecretVolume } from './harness/secret-volume.ts';
import { RollgateService } from './harness/service.ts';
import { shop, virtualService } from './harness/shop.ts';

const { namespace: NAMESPACE, name: NAME } = ROLLGATE;
const CA = 'rollgate-ca';
const TLS = 'rollgate-tls';

interface Pod {
  readonly rollgate: Rollgate;
  readonly volume: SecretVolume;
}

let cluster: Cluster;
let service: RollgateService;
let pods: readonly Pod[];
let load: Load | undefined;

beforeAll(async () => {
  cluster = await Cluster.start({ certManager: true, rollgate: FAIL });
  await until('the CA in all webhooks', async () => (await bundles()).every((bundle) => bundle !== ''));
  const { address, program } = cluster.rollgate;
  await program.stop('SIGKILL');
  service = await RollgateService.start(address);
  pods = await Promise.all(['rollgate-1', 'rollgate-2'].map(pod));
  for (const { rollgate } of pods) await service.add(rollgate);
});

afterEach(async () => {
  await load?.stop();
  load = undefined;
  if (cluster?.certManager.cainjector.running === false) cluster.certManager.cainjector.start();
});

afterAll(async () => {
  await service?.stop();
  await cluster?.stop();
});

async function pod(name: string): Promise<Pod> {
  const volume = await cluster.mountCertificate();
  return { rollgate: await cluster.rollgate.replica(name, { 'cert-dir': volume.directory }), volume };
}

/** Starts the load in a namespace of its own. */
async function underLoad(): Promise<Load> {
  load = await Load.start(cluster.controlPlane.admin, await cluster.namespace('load'));
  await load.more(100);
  return load;
}

function bundles(): Promise<string[]> {
  return caBundles(cluster.controlPlane.admin);
}

/** Returns a file in a Secret, in PEM. */
async function secret(name: string, key: string): Promise<string> {
  const found = await cluster.controlPlane.admin.get('v1', 'Secret', NAMESPACE, name);
  return Buffer.from(asString(dig(found, 'data', key)), 'base64').toString();
}

function certificatesIn(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

/** Does what the kubelet of the node of a pod does when the Secret has changed, and waits until the pod uses it. */
async function synced({ rollgate, volume }: Pod): Promise<void> {
  await volume.sync();
  const { fingerprint } = readCertificate({ cert: await secret(TLS, 'tls.crt'), key: await secret(TLS, 'tls.key') });
  await until('the new certificate', () => rollgate.program.output().includes(fingerprint));
}

/**
 * Makes the API server open new connections and check the served certificates: it does so for each new CA bundle. The
 * cainjector keeps what it did not inject.
 */
async function reconnected(): Promise<void> {
  const stranger = selfSigned({
    names: ['stranger'],
    notBefore: new Date(),
    notAfter: new Date(Date.now() + 3_600_000),
  });
  await setCaBundles(cluster.controlPlane.admin, (bundle) => `${bundle}${stranger.cert}`);
}

/** Makes the API server reconnect, and waits until each pod has answered on new connections. */
async function admittedByEachPod(running: Load): Promise<void> {
  const [answered, connections] = [pods.map(({ rollgate }) => rollgate.decisions().length), service.connections];
  // The Service gives each new connection to the next pod.
  await until('new connections', async () => {
    await reconnected();
    await running.more(50);
    return service.connections >= connections + 2 * pods.length || running.failures.length > 0;
  });
  await running.more(50);
  expect(running.failures).toEqual([]);
  // Log lines are written with a short delay.
  for (const [index, { rollgate }] of pods.entries())
    await until('decisions of each pod', () => rollgate.decisions().length > (answered[index] ?? 0));
}

describe('the real cert-manager', () => {
  it('issues the certificate and injects its CA, so that Rollgate answers', async () => {
    const ca = await secret(TLS, 'ca.crt');
    expect(ca).toBe(await secret(CA, 'tls.crt'));
    const injected = await bundles();
    expect(injected.length).toBeGreaterThan(8);
    expect(new Set(injected)).toEqual(new Set([ca]));
    const namespace = await cluster.namespace('shop');
    const [stable, canary, , rollout] = shop(namespace, 'reviews');
    const objects = [stable, canary, virtualService(namespace, 'reviews', 'main'), rollout];
    const applied = await cluster.developer.try(
      ['apply', '-f', '-'],
      yamlOf(objects.filter((each) => each !== undefined)),
    );
    expect(applied.stderr).toContain('has no http route "primary"');
  });

  it('renews the certificate three times and the CA once under load, and no request is lost', async () => {
    const running = await underLoad();
    const served = new Set<string>();
    for (const what of [NAME, CA, NAME, NAME]) {
      await cluster.certManager.renew(NAMESPACE, what);
      if (what === CA) continue;
      for (const each of pods) {
        await synced(each);
        await admittedByEachPod(running);
      }
      served.add(await secret(TLS, 'tls.crt'));
    }
    await running.stop();
    console.log(`three renewals: ${running.admitted} updates admitted, ${running.failures.length} failed`);
    expect(running.failures).toEqual([]);
    expect(served.size).toBe(3);
  });

  it('keeps the old CA in the bundle when the CA changes, so that pods may get the new certificate late', async () => {
    const running = await underLoad();
    const old = await secret(TLS, 'ca.crt');
    await changeCa();
    expect(await secret(TLS, 'ca.crt')).toBe(old);
    await cluster.certManager.renew(NAMESPACE, NAME);
    const [before, after] = [certificatesIn(old), certificatesIn(await secret(TLS, 'ca.crt'))];
    expect(after).not.toEqual(before);
    await until('both CAs in all webhooks', async () =>
      (await bundles()).every((bundle) => [...before, ...after].every((ca) => bundle.includes(ca))),
    );
    await admittedByEachPod(running);
    for (const each of pods) {
      await synced(each);
      await admittedByEachPod(running);
    }
    await running.stop();
    console.log(`another CA: ${running.admitted} updates admitted, ${running.failures.length} failed`);
    expect(running.failures).toEqual([]);
  });

  it('loses requests when pods get the certificate of another CA before its CA is injected: the load detects it', async () => {
    const running = await underLoad();
    await changeCa();
    await cluster.certManager.cainjector.stop();
    await cluster.certManager.renew(NAMESPACE, NAME);
    for (const each of pods) await synced(each);
    await reconnected();
    await running.fails();
    await running.stop();
    expect(running.failures[0]).toContain('certificate signed by unknown authority');
    cluster.certManager.cainjector.start();
    await until('the new CA', async () => {
      const ca = (await secret(TLS, 'ca.crt')).trim();
      return (await bundles()).every((bundle) => bundle.includes(ca));
    });
  });

  it('loses none with the steps of docs/certificates.md, even if the cainjector is down', async () => {
    const [deleteCa = '', addCa = '', renew, , removeOld = ''] = documented('Changing the CA of cert-manager');
    // What cmctl does is done without it below.
    expect(renew).toBe(`cmctl renew ${NAME} -n ${NAMESPACE}\n`);
    const running = await underLoad();
    const old = certificatesIn(await secret(TLS, 'ca.crt'));
    await cluster.certManager.reissued(NAMESPACE, CA, () => shell(deleteCa));
    await shell(addCa);
    await cluster.certManager.cainjector.stop();
    await cluster.certManager.renew(NAMESPACE, NAME);
    for (const each of pods) {
      await synced(each);
      await admittedByEachPod(running);
    }
    await shell(removeOld);
    await running.more(100);
    await running.stop();
    console.log(
      `the CA changed as documented: ${running.admitted} updates admitted, ${running.failures.length} failed`,
    );
    expect(running.failures).toEqual([]);
    const ca = await secret(CA, 'tls.crt');
    expect(certificatesIn(ca)).not.toEqual(old);
    expect(new Set(await bundles())).toEqual(new Set([ca]));
  });
});

/** Makes cert-manager create another key for the CA. */
function changeCa(): Promise<void> {
  return cluster.certManager.reissued(NAMESPACE, CA, () =>
    cluster.admin.run(['delete', 'secret', CA, '-n', NAMESPACE]),
  );
}

/** Returns the commands below a heading of docs/certificates.md, by code block. */
function documented(heading: string): string[] {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'certificates.md'), 'utf8');
  const section = text.split(`\n## ${heading}\n`)[1]?.split(/^#/m)[0] ?? '';
  return [...section.matchAll(/^( *)```sh\n([^]*?)```/gm)].map(([, indent = '', commands = '']) =>
    commands.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

/** Runs commands as the administrator. */
async function shell(commands: string): Promise<void> {
  const path = [dirname(await binary('kubectl')), process.env['PATH'] ?? ''].join(delimiter);
  await promisify(execFile)('sh', ['-euc', commands], {
    env: { ...process.env, KUBECONFIG: cluster.admin.kubeconfig, PATH: path },
  });
}

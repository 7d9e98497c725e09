import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { binary } from '../../control-plane/build.ts';
import { asArray, dig } from '../../../src/world/read.ts';
import { ControlPlane, copyOf } from './control-plane.ts';
import { textOf, type Definition } from './definitions.ts';
import { Kubectl } from './kubectl.ts';
import { until, type Program } from './program.ts';

const CACHE = join(import.meta.dirname, '..', '..', '..', '.cache', 'control-plane');

// What the API server keeps for the addresses of Services, which each control plane has others of, and what it says of
// itself.
const OWN = ['services', 'servicecidrs', 'ipaddresses', 'ranges', 'endpointslices', 'leases', 'masterleases', 'events'];

/**
 * Returns a data folder of etcd in which an API server has stored its own objects and definitions, to be copied. It is
 * made once for each API server and each list of definitions: to store them takes half of what a control plane needs to
 * start.
 *
 * @throws Error - If they cannot be stored.
 */
export async function storedDefinitions(definitions: readonly Definition[]): Promise<string> {
  const text = textOf(definitions);
  const hash = createHash('sha256');
  for (const part of [await binary('etcd'), await binary('kube-apiserver'), OWN.join(), text]) hash.update(part);
  const stored = join(CACHE, `stored-${hash.digest('hex').slice(0, 12)}`);
  if (!existsSync(stored)) await store(text, definitions.length, stored);
  return stored;
}

async function store(text: string, count: number, target: string): Promise<void> {
  const controlPlane = await ControlPlane.start({ controllers: 'none' });
  const made = `${target}.${process.pid}`;
  try {
    const { admin } = controlPlane;
    const kubeconfig = await controlPlane.kubeconfig(controlPlane.person('admin'), 'admin');
    const kubectl = new Kubectl(await binary('kubectl'), await binary('kubectl-argo-rollouts'), kubeconfig);
    await kubectl.run(['apply', '--server-side', '-f', '-'], text);
    await until('the definitions to be established', async () => {
      const all = await admin.list('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
      const established = all.filter((each) =>
        asArray(dig(each, 'status', 'conditions')).some(
          (condition) => dig(condition, 'type') === 'Established' && dig(condition, 'status') === 'True',
        ),
      );
      return established.length === count;
    });
    await controlPlane.apiserver.stop('SIGKILL');
    for (const name of OWN) await deleteKeys(controlPlane.etcd, `/registry/${name}/`);
    await controlPlane.etcd.stop();
    await copyOf(argumentOf(controlPlane.etcd, 'data-dir'), made);
    // Two runs may make it at the same time, and then the first one stays.
    await rename(made, target).catch((error: unknown) => {
      if (!existsSync(target)) throw error;
    });
  } finally {
    await rm(made, { recursive: true, force: true });
    await controlPlane.stop();
  }
}

async function deleteKeys(etcd: Program, prefix: string): Promise<void> {
  const encoded = (key: string): string => Buffer.from(key).toString('base64');
  // The first key that does not begin with the prefix, which ends with a slash: `0` comes after it.
  const body = JSON.stringify({ key: encoded(prefix), range_end: encoded(`${prefix.slice(0, -1)}0`) });
  const url = `${argumentOf(etcd, 'listen-client-urls')}/v3/kv/deleterange`;
  const { status } = await fetch(url, { method: 'POST', body });
  if (status !== 200) throw new Error(`etcd did not delete ${prefix}: ${status}`);
}

function argumentOf(program: Program, name: string): string {
  const value = program.argument(name);
  if (value === undefined) throw new Error(`it was started without --${name}`);
  return value;
}

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generatedCertificate } from '../../src/server/tls.ts';
import { freePort } from '../e2e/harness/program.ts';
import { requireCore } from './cores.ts';
import { PEPR_MODULE } from './pepr-module.ts';
import type { Server } from './processes.ts';

/** The release of Pepr that is compared. */
export const PEPR_VERSION = '1.1.4';

/** The last part of its paths, which is a secret in a cluster. */
export const PEPR_PATH = '/bench';

const FOLDER = join(import.meta.dirname, '..', '..', '.cache', 'bench', `pepr-${PEPR_VERSION}`);
const READY_WITHIN = 30_000;

/** Starts Pepr with a capability that approves every change. It is installed first, if it is not there. */
export async function startPepr(core: number): Promise<Server> {
  install();
  const { cert, key } = generatedCertificate(['localhost']).current;
  for (const [name, content] of Object.entries({ 'tls.crt': cert, 'tls.key': key, 'module.cjs': PEPR_MODULE }))
    writeFileSync(join(FOLDER, name), content);
  const store = await startStore();
  writeFileSync(join(FOLDER, 'kubeconfig'), kubeconfigFor((store.address() as AddressInfo).port));
  const port = await freePort('127.0.0.1');
  const child = spawn('taskset', ['-c', String(core), process.execPath, 'module.cjs', String(port)], {
    cwd: FOLDER,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NODE_ENV: 'production',
      KUBECONFIG: join(FOLDER, 'kubeconfig'),
      SSL_CERT_PATH: join(FOLDER, 'tls.crt'),
      SSL_KEY_PATH: join(FOLDER, 'tls.key'),
      PEPR_API_PATH: PEPR_PATH.slice(1),
      PEPR_WATCH_MODE: 'false',
    },
  });
  const stop = (): void => {
    child.kill('SIGKILL');
    store.close();
    store.closeAllConnections();
  };
  // It does not end with this process.
  process.once('exit', stop);
  try {
    await ready(port, () => child.exitCode === null);
    const { pid = 0 } = child;
    requireCore(pid, core);
    return { pid, port, stop };
  } catch (error) {
    stop();
    throw error;
  }
}

function install(): void {
  if (existsSync(join(FOLDER, 'node_modules', 'pepr', 'package.json'))) return;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), JSON.stringify({ private: true }));
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefix', FOLDER];
  execFileSync('npm', ['install', ...options, `pepr@${PEPR_VERSION}`], { stdio: ['ignore', 'ignore', 'inherit'] });
}

// Pepr opens its paths when it has read its store from the cluster.
async function startStore(): Promise<http.Server> {
  const store = (name: string): object => ({
    apiVersion: 'pepr.dev/v1',
    kind: 'PeprStore',
    metadata: { name, namespace: 'pepr-system', labels: {}, resourceVersion: '1', uid: name },
    data: { __pepr_do_not_delete__: 'k-thx-bye' },
  });
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    const selected = /metadata\.name=([\w-]+)/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1];
    const name = selected ?? url.pathname.split('/').at(-1) ?? '';
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json' });
    if (url.searchParams.get('watch') !== null) {
      response.write(`${JSON.stringify({ type: 'ADDED', object: store(name) })}\n`);
      return;
    }
    const list = { apiVersion: 'pepr.dev/v1', kind: 'PeprStoreList', metadata: { resourceVersion: '1' } };
    response.end(JSON.stringify(selected === undefined ? store(name) : { ...list, items: [store(name)] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function kubeconfigFor(port: number): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'store',
    clusters: [{ name: 'store', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'store', user: {} }],
    contexts: [{ name: 'store', context: { cluster: 'store', user: 'store' } }],
  });
}

async function ready(port: number, runs: () => boolean): Promise<void> {
  const end = performance.now() + READY_WITHIN;
  while ((await statusOf(port)) !== 200) {
    if (!runs() || performance.now() > end) throw new Error('Pepr is not ready');
    await sleep(200);
  }
}

function statusOf(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    https
      .get({ host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .on('error', () => resolve(undefined));
  });
}

import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { median } from './engine.ts';
import { closedLoop, openLoop, requestBytes, type Load } from './load.ts';
import type { ProcessFigures } from './server-process.ts';
import { applications, changeFor } from './world.ts';

/** The figures of both servers under the same load. */
export interface ServerFigures {
  readonly rollouts: number;
  readonly bodies: number;
  readonly bodyBytes: number;
  readonly connections: number;
  /** Requests per second, the median of the rounds. */
  readonly bare: number;
  readonly rollgate: number;
  /** Latencies at half of Rollgate's throughput. */
  readonly half: Load;
  readonly bareAtSameRate: Load;
  /** Resident memory of Rollgate after the load, in MiB. */
  readonly residentMiB: number;
}

const CONNECTIONS = 16;
const BODIES = 1_000;
const ROUNDS = 7;
const ROUND = 4_000;

// The Node options of the Dockerfile.
const FLAGS = ['--max-semi-space-size=8', '--v8-pool-size=1'];

// The server runs on core 0; this process should run on the other core.
const SERVER_CORE = '0';

/**
 * Measures both servers in turns with one client. Needs `taskset`.
 *
 * @param rollouts - The number of Rollouts in the cache.
 */
export async function measureServers(rollouts: number): Promise<ServerFigures> {
  const bodies = reviews(rollouts);
  const requests = bodies.map((body, index) => requestBytes(index % 2 === 0 ? '/validate' : '/mutate', body));
  const bare = await start('bare', rollouts);
  const ours = await start('rollgate', rollouts);
  try {
    const rates = { bare: [] as number[], rollgate: [] as number[] };
    for (let round = 0; round < ROUNDS + 1; round++) {
      for (const [name, server] of [
        ['bare', bare],
        ['rollgate', ours],
      ] as const) {
        const { perSecond } = await closedLoop(server.port, requests, CONNECTIONS, ROUND);
        if (round > 0) rates[name].push(perSecond);
      }
    }
    const rollgate = median(rates.rollgate);
    const half = await openLoop(ours.port, requests, CONNECTIONS, 3 * ROUND, rollgate / 2);
    const bareAtSameRate = await openLoop(bare.port, requests, CONNECTIONS, 3 * ROUND, rollgate / 2);
    return {
      rollouts,
      bodies: bodies.length,
      bodyBytes: Math.round(bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length),
      connections: CONNECTIONS,
      bare: median(rates.bare),
      rollgate,
      half,
      bareAtSameRate,
      residentMiB: (await memory(ours.child)) / 1024 / 1024,
    };
  } finally {
    bare.child.kill();
    ours.child.kill();
  }
}

function reviews(rollouts: number): string[] {
  const apps = applications(rollouts);
  return Array.from({ length: BODIES }, (_, index) => {
    const app = apps[(index * 7_919) % apps.length];
    if (app === undefined) throw new Error('no application');
    // Half of the requests go to each webhook, and both see every kind.
    const { before, after } = changeFor(app, index >> 1);
    const uid = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
    const { name, namespace } = after.metadata;
    const request = {
      uid,
      kind: { group: '', version: 'v1', kind: after.kind },
      name,
      namespace,
      operation: 'UPDATE',
      userInfo: { username: 'dev', groups: ['system:authenticated'] },
      object: after,
      oldObject: before,
    };
    return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
  });
}

async function start(kind: string, rollouts: number): Promise<{ child: ChildProcess; port: number }> {
  const script = join(import.meta.dirname, 'server-process.ts');
  const child = spawn('taskset', ['-c', SERVER_CORE, process.execPath, ...FLAGS, script, kind, String(rollouts)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const { port } = await answer<{ port: number }>(child);
  return { child, port };
}

async function memory(child: ChildProcess): Promise<number> {
  child.send('memory');
  return (await answer<ProcessFigures>(child)).rss;
}

function answer<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

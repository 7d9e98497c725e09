import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_BODY } from '../../src/server/body.ts';
import { MAX_DRY_RUN } from '../../src/server/dryrun.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { denseRollout, largeManifests, MOST_PARSED } from '../e2e/support/attacks.ts';
import { container, rollout, service, times } from '../growth/objects.ts';
import { imageFlags } from '../support/image-flags.ts';
import { reviewOf, type Json } from '../support/reviews.ts';
import { compiledServer } from './compiled.ts';
import { median } from './statistics.ts';
import { count } from './counts.ts';
import type { ProcessFigures } from './server-process.ts';
import { sharedRoutes } from './shared-routes.ts';

/** What one request costs everybody else. */
export interface BoundFigure {
  readonly title: string;
  /** The size of the body in KiB. */
  readonly kibibytes: number;
  /** The most processor time of one turn of the event loop, in milliseconds. */
  readonly blocked: number;
  /** The most resident memory above that before the request, in MiB. */
  readonly memory: number;
}

interface Sent {
  readonly title: string;
  readonly path: string;
  readonly body: string;
  /** The routes of the VirtualService that the Rollouts in the cache share. */
  readonly routes?: number;
  /** What is sent there once before. */
  readonly before?: string;
}

/** How often each request is sent. */
export const BOUND_ROUNDS = count(5, 1);
const WARM_UP = count(200, 10);
const DRY_RUN = '/v1/dry-run';
const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * Measures the requests that hold the process longest, each in a process of its own.
 *
 * @param only - A part of the titles of those that are measured; all of them if it is empty.
 */
export async function measureBounds(only = ''): Promise<BoundFigure[]> {
  const figures: BoundFigure[] = [];
  for (const sent of requests()) if (sent.title.includes(only)) figures.push(await measured(sent));
  return figures;
}

function requests(): Sent[] {
  const validate = (title: string, review: Json, routes?: number): Sent => ({
    title,
    path: '/validate?timeout=5s',
    body: JSON.stringify(review),
    ...(routes === undefined ? {} : { routes }),
  });
  const update = (title: string, object: KubeObject, changed: KubeObject, routes?: number): Sent =>
    validate(title, reviewOf({ operation: 'UPDATE', object: changed, oldObject: object }), routes);
  // Nearly all rules see something in it, so that none of them is left out.
  const changeOfAll = (title: string, bytes: number): Sent =>
    update(
      title,
      usual(bytes, 'SETTING', { dynamicStableScale: true, steps: [{ setWeight: 10 }, { analysis: {} }] }),
      usual(bytes, 'OPTION', { steps: [{ setWeight: 20 }, { experiment: {} }, { pause: {} }] }),
    );
  const create = (title: string, object: KubeObject): Sent =>
    validate(title, reviewOf({ operation: 'CREATE', object: object }));
  const [shared] = sharedRoutes(1);
  if (shared === undefined) throw new Error('there is no Service');
  const otherPort = service(shared.metadata.name, 'app-0', [{ name: 'http', port: 81, targetPort: 'http' }]);
  return [
    changeOfAll('update of a Rollout of 5 KiB', 5 * KIB),
    changeOfAll('update of a Rollout of 100 KiB', 100 * KIB),
    changeOfAll('update of a Rollout of 1.5 MiB, the most that etcd stores', 1.5 * MIB),
    create('a Rollout of empty objects, as many as are parsed', denseRollout('shop', 'web', MOST_PARSED)),
    create('a Rollout of empty objects, 6.5 MiB', denseRollout('shop', 'web', 6.5 * MIB)),
    create('a Rollout with a text of 6.9 MiB', withText(MAX_BODY - 0.1 * MIB)),
    update('a port of the Service of 20 Rollouts that name 1,000 routes', shared, otherPort, 1_000),
    update('a port of the Service of 20 Rollouts that name 3,000 routes', shared, otherPort, 3_000),
    { title: 'the first dry run, of 1 MiB', path: DRY_RUN, body: largeManifests(MAX_DRY_RUN) },
    {
      title: 'a later dry run of 1 MiB',
      path: DRY_RUN,
      body: largeManifests(MAX_DRY_RUN),
      before: largeManifests(KIB),
    },
  ];
}

/** Returns a Rollout of about that many bytes, as people write them: with environment variables. */
function usual(bytes: number, prefix: string, canary: Json): KubeObject {
  const variable = (index: number): Json => ({ name: `${prefix}_${index}`, value: `https://example.com/${index}` });
  const one = JSON.stringify(variable(1_000)).length + 1;
  const env = times(Math.ceil(bytes / one), variable);
  return rollout('web', { canary, pod: { containers: [container('app', { env })] } });
}

function withText(bytes: number): KubeObject {
  return rollout('web', { pod: { containers: [container('app', { args: ['x'.repeat(bytes)] })] } });
}

async function measured({ title, path, body, routes = 0, before: earlier }: Sent): Promise<BoundFigure> {
  const child = spawn(process.execPath, [...imageFlags(), compiledServer(), 'rollgate', '10', String(routes)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  try {
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    const small = requests()[0];
    for (let count = 0; count < WARM_UP && small !== undefined; count++) await post(port, small.path, small.body);
    if (earlier !== undefined) await post(port, path, earlier);
    const before = await figuresOf(child, 'begin');
    const blocked: number[] = [];
    let peak = 0;
    for (let round = 0; round < BOUND_ROUNDS; round++) {
      if (round > 0) await figuresOf(child, 'begin');
      // The timer of the figures must not see what the message itself took.
      await sleep(50);
      await post(port, path, body);
      const after = await figuresOf(child, 'end');
      blocked.push(after.blocked);
      if (round === 0) ({ peak } = after);
    }
    return {
      title,
      kibibytes: Math.round(body.length / KIB),
      blocked: Math.round(median(blocked)),
      memory: Math.round((peak - before.rss) / MIB),
    };
  } finally {
    child.kill();
  }
}

async function figuresOf(child: ChildProcess, message: 'begin' | 'end'): Promise<ProcessFigures> {
  child.send(message);
  const [figures] = (await once(child, 'message')) as [ProcessFigures];
  return figures;
}

// The server made its certificate a moment ago, on this machine.
const agent = new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });

// A figure of a request that was refused, or that took too long, would be that of another one.
function post(port: number, path: string, body: string): Promise<string> {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const request = https.request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers });
    request.on('error', reject).on('response', (response) => {
      const answer = text(response);
      if (response.statusCode === 200) answer.then(resolve, reject);
      else answer.then((said) => reject(new Error(`${path}: ${response.statusCode} ${said.slice(0, 200)}`)), reject);
    });
    request.end(body);
  });
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { asArray, dig } from '../../src/world/read.ts';
import { webDeployment } from '../support/converted.ts';
import { imageFlags } from '../support/image-flags.ts';
import { reviewOf, SHOP, shopObject, type Json } from '../support/reviews.ts';
import { ask } from '../support/server.ts';
import type { Held } from './served-process.ts';

// How long the load lasts, in seconds. The full run sets ten minutes; here it shows that the test itself works.
const SECONDS = Number(process.env['MIXED_LOAD_SECONDS'] ?? '1');
// Rounds after which code is compiled and every kind of answer was given.
const WARM_UP = SECONDS < 60 ? 10 : 40;
// Milliseconds between two rounds.
const PAUSE = 150;
const MIB = 1024 * 1024;
// A leak of 150 bytes for each request is more than this after ten minutes.
const HEAP_MAY_GROW = 3 * MIB;
// Nobody collects the garbage of the thread of the dry runs.
const RESIDENT_MAY_GROW = 64 * MIB;

const POLICY = `
mode: enforce
controllers: {accounts: ['system:serviceaccount:argo-rollouts:argo-rollouts']}
profiles:
  plain:
    strategy:
      canary: {steps: [{setWeight: 50}, {pause: {duration: 1m}}]}
`;

let folder: string;
let child: ChildProcess;
let ports: { readonly port: number; readonly healthPort: number };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mixed-load-'));
  writeFileSync(join(folder, 'shop.yaml'), SHOP);
  const policy = join(folder, 'policy');
  writeFileSync(policy, POLICY);
  const script = join(import.meta.dirname, 'served-process.ts');
  child = spawn(process.execPath, [...imageFlags(), '--expose-gc', script, folder, policy], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  [ports] = (await once(child, 'message')) as [typeof ports];
});

afterEach(() => {
  child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function changed(kind: string, name: string, from: string, to: string): Json {
  const written = JSON.stringify(shopObject(kind, name));
  if (!written.includes(from)) throw new Error(`${kind} ${name} has no ${from}`);
  return JSON.parse(written.replace(from, to)) as Json;
}

function update(object: Json, oldObject: Json): string {
  return JSON.stringify(reviewOf({ operation: 'UPDATE', object, oldObject }));
}

const ROLLOUT = shopObject('Rollout', 'reviews');
const ROUTES = shopObject('VirtualService', 'reviews');
const UNROUTED = changed('Rollout', 'reviews', '"main"', '"primary"');
const FIRST_WEIGHTS = JSON.parse(
  JSON.stringify(ROUTES).replace('"weight":80', '"weight":100').replace('"weight":20', '"weight":0'),
) as Json;

interface Sent {
  readonly path: string;
  readonly body: string;
  /** What the answer says. */
  readonly says: (answer: unknown) => unknown;
  readonly expected: unknown;
}

const allowed = (answer: unknown): unknown => dig(answer, 'response', 'allowed');
const patched = (answer: unknown): unknown => dig(answer, 'response', 'patch') !== undefined;

const SENT: readonly Sent[] = [
  {
    path: '/validate?timeout=30s',
    body: update(changed('Rollout', 'reviews', '"setWeight":20', '"setWeight":30'), ROLLOUT),
    says: allowed,
    expected: true,
  },
  { path: '/validate?timeout=30s', body: update(UNROUTED, ROLLOUT), says: allowed, expected: false },
  { path: '/mutate?timeout=30s', body: update(FIRST_WEIGHTS, ROUTES), says: patched, expected: true },
  {
    path: '/mutate?timeout=30s',
    body: JSON.stringify(
      reviewOf({
        operation: 'CREATE',
        object: webDeployment({ convert: 'plain' }, { replicas: 3 }),
      }),
    ),
    says: patched,
    expected: true,
  },
  {
    path: '/validate?timeout=30s',
    body: JSON.stringify(reviewOf({ operation: 'DELETE', oldObject: shopObject('Service', 'reviews-stable') })),
    says: (answer) => asArray(dig(answer, 'response', 'warnings')).length > 0,
    expected: true,
  },
  { path: '/validate', body: '{"no": "review"}', says: (answer) => typeof dig(answer, 'error'), expected: 'string' },
  { path: '/v1/dry-run', body: JSON.stringify(UNROUTED), says: (answer) => dig(answer, 'verdict'), expected: 'deny' },
];

/** One of everything. Returns the number of requests. */
async function round(agent: https.Agent): Promise<number> {
  for (const { path, body, says, expected } of SENT) {
    const answer: unknown = JSON.parse((await ask(ports.port, path, agent, body)).body);
    expect(says(answer), `${path} ${body.slice(0, 80)}: ${JSON.stringify(answer).slice(0, 300)}`).toEqual(expected);
  }
  // A client with a connection of its own, one that gives up in the middle of its body, one that says nothing.
  const own = new https.Agent({ keepAlive: false });
  await ask(ports.port, SENT[0]?.path ?? '', own, SENT[0]?.body ?? '');
  own.destroy();
  await abandon(`POST /validate HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n{`);
  await abandon('');
  expect(await scrape()).toContain('rollgate_');
  return SENT.length + 4;
}

async function abandon(written: string): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port: ports.port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  if (written !== '') await new Promise((resolve) => socket.write(written, resolve));
  socket.destroy();
  await once(socket, 'close');
}

async function scrape(): Promise<string> {
  const request = http.get({ host: '127.0.0.1', port: ports.healthPort, path: '/metrics', agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return text(response);
}

async function held(): Promise<Held> {
  child.send('held');
  const [figures] = (await once(child, 'message')) as [Held];
  return figures;
}

/** Returns what the process holds once it has closed the connections that clients have left. */
async function heldAtRest(expected?: Held): Promise<Held> {
  let figures = await held();
  for (let look = 0; look < 50; look++) {
    await sleep(100);
    const last = figures;
    figures = await held();
    const against = expected ?? last;
    if (figures.descriptors === against.descriptors && sameResources(figures, against)) break;
  }
  return figures;
}

function sameResources(a: Held, b: Held): boolean {
  return JSON.stringify(Object.entries(a.resources).sort()) === JSON.stringify(Object.entries(b.resources).sort());
}

it(
  'holds the same memory, files and handles after a mixed load as before',
  async () => {
    let requests = 0;
    const load = async (pause: number, goesOn: (rounds: number) => boolean, expected?: Held): Promise<Held> => {
      const agent = new https.Agent({ keepAlive: true, maxSockets: 2 });
      for (let rounds = 0; goesOn(rounds); rounds++) {
        requests += await round(agent);
        await sleep(pause);
      }
      agent.destroy();
      return heldAtRest(expected);
    };
    const before = await load(0, (rounds) => rounds < WARM_UP);
    requests = 0;
    const end = performance.now() + SECONDS * 1_000;
    const after = await load(PAUSE, (rounds) => rounds === 0 || performance.now() < end, before);
    console.log(
      `${requests} requests: heap ${mib(before.heap)} to ${mib(after.heap)} MiB, resident ${mib(before.resident)} to ${mib(after.resident)} MiB, ${after.descriptors} descriptors`,
    );
    expect(after.descriptors).toBe(before.descriptors);
    expect(after.resources).toEqual(before.resources);
    expect(after.heap - before.heap).toBeLessThan(HEAP_MAY_GROW);
    expect(after.resident - before.resident).toBeLessThan(RESIDENT_MAY_GROW);
  },
  (SECONDS + 120) * 1_000,
);

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

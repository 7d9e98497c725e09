import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RequestListener } from 'node:http';
import { Gate } from '../../src/admission/gate.ts';
import { DOCUMENT_RULES } from '../../src/documents/index.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { RULES } from '../../src/rules/index.ts';
import { createApp } from '../../src/server/app.ts';
import { standardOutput } from '../../src/server/log-sink.ts';
import { BodyLanes } from '../../src/server/body-lanes.ts';
import { InFlightLimiter } from '../../src/server/in-flight-limiter.ts';
import { DryRuns } from '../../src/server/dryrun.ts';
import { createLog } from '../../src/server/log.ts';
import { Metrics } from '../../src/server/metrics.ts';
import { generatedCertificate } from '../../src/server/tls.ts';
import { storeOf } from '../../src/world/store.ts';
import { sharedRoutes } from './shared-routes.ts';
import { applications, objectsOfAll } from './world.ts';
import { supportedRange } from '../../src/world/rollouts-versions.ts';

// One of the two compared servers, pinned to a core: `bare` parses a body and returns a constant, `rollgate` is the
// real app.

/** What a process answers, in bytes and milliseconds. */
export interface ProcessFigures {
  readonly rss: number;
  /** The most resident memory since `begin`. */
  readonly peak: number;
  /** The most processor time of one turn of the event loop since `begin`. */
  readonly blocked: number;
}

const [kind = 'bare', size = '10000', routes = '0'] = process.argv.slice(2);

function bare(): RequestListener {
  const answer = JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: '00000000-0000-4000-8000-000000000000', allowed: true },
  });
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { request?: unknown };
      if (body.request === undefined) throw new Error('no request');
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
      response.end(answer);
    });
  };
}

function rollgate(): RequestListener {
  const world = storeOf([...objectsOfAll(applications(Number(size))), ...sharedRoutes(Number(routes))]);
  const policy = (): typeof DEFAULT_POLICY => DEFAULT_POLICY;
  // The log has one line for each decision, as in production. Where it goes does not matter here.
  const log = createLog('info', standardOutput());
  const limiter = new BodyLanes({ requests: 1_000, weight: 256 * 1024 * 1024 });
  const metrics = new Metrics({
    version: 'bench',
    rules: RULES.map(({ id }) => id),
    keeps: PRESERVERS.map(({ id }) => id),
    inFlight: () => limiter.requests,
    droppedLogLines: () => 0,
    keepsOff: () => false,
    untrustedControllers: () => 0,
    versions: () => supportedRange([]),
    caches: () => [],
    cacheBytes: () => 0,
  });
  const gate = new Gate({
    world,
    rules: RULES,
    keeps: PRESERVERS,
    policy,
    discovered: () => ['system:serviceaccount:argo-rollouts:argo-rollouts'],
    pause: () => nextTurn(),
    now: Date.now,
  });
  return createApp({
    reviews: {
      gate,
      world,
      policy,
      exemptionOf: () => undefined,
      metrics,
      log,
      limiter,
      maxSubjects: 1_000,
      maxOperations: 500_000,
      now: Date.now,
    },
    dryRun: {
      dryRuns: new DryRuns({ world, log }),
      policy,
      limiter: new InFlightLimiter({ requests: 16, bytes: 32 * 1024 * 1024 }),
      metrics,
      log,
      authorizer: undefined,
    },
    rules: RULES,
    documentRules: DOCUMENT_RULES,
    keeps: PRESERVERS,
    log,
  });
}

const { cert, key } = generatedCertificate(['localhost']).current;
const server = https.createServer(
  { cert, key, minVersion: 'TLSv1.3', keepAliveTimeout: 95_000 },
  kind === 'bare' ? bare() : rollgate(),
);
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));

// Processor time of the main thread: what other processes do on this machine does not count.
let blocked = 0;
let measuring = false;
function processorTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
function measureTurns(before: number): void {
  const now = processorTime();
  blocked = Math.max(blocked, now - before);
  if (measuring) setImmediate(() => measureTurns(now));
}

process.on('message', (message) => {
  if (message === 'begin') {
    globalThis.gc?.();
    // Linux counts the peak of the resident memory again from here.
    writeFileSync('/proc/self/clear_refs', '5');
    measuring = true;
    setImmediate(() => {
      blocked = 0;
      measureTurns(processorTime());
    });
  } else measuring = false;
  const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
  const figures: ProcessFigures = { rss: process.memoryUsage().rss, peak, blocked };
  process.send?.(figures);
});
process.on('disconnect', () => process.exit(0));

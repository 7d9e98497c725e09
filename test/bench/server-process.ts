import { readFileSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import https from 'node:https';
import { Session, type Profiler } from 'node:inspector';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { generatedCertificate } from '../../src/server/tls.ts';
import { bareApp } from './bare-app.ts';
import { sharedRoutes } from './shared-routes.ts';
import { applications, objectsOfAll } from './world.ts';

// One of the compared servers: `bare` parses a body and allows the request, `rollgate` is the real app. Messages ask it
// about itself.

/** What a process answers, in bytes and milliseconds. */
export interface ProcessFigures {
  readonly rss: number;
  /** The most resident memory since `begin`. */
  readonly peak: number;
  /** The most processor time of one turn of the event loop since `begin`. */
  readonly blocked: number;
}

/** The first message of a process. */
export interface Listening {
  readonly port: number;
  /** In PEM. */
  readonly certificate: string;
}

/** The delay of the event loop since `watch delay`, in milliseconds. */
export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
}

/** What the main thread did since `start profile`. */
export interface Profiled {
  readonly profile: Profiler.Profile;
  /** Its processor time, in microseconds. */
  readonly mainThread: number;
}

/** The answers, by message. */
export interface Answers {
  readonly begin: ProcessFigures;
  readonly end: ProcessFigures;
  readonly 'watch delay': LoopDelay;
  readonly delay: LoopDelay;
  readonly 'start profile': true;
  readonly profile: Profiled;
}

const [kind = 'bare', size = '10000', routes = '0'] = process.argv.slice(2);

const app = kind === 'bare' ? bareApp() : await rollgateHere();
const { cert, key } = generatedCertificate(['localhost']).current;
const server = https.createServer({ cert, key, minVersion: 'TLSv1.3', keepAliveTimeout: 95_000 }, app);
server.listen(0, '127.0.0.1', () => {
  const listening: Listening = { port: (server.address() as AddressInfo).port, certificate: cert };
  process.send?.(listening);
});

// The bare server must not hold what it does not use.
async function rollgateHere(): Promise<RequestListener> {
  const { rollgateApp } = await import('./rollgate-app.ts');
  const { warmUp } = await import('../../src/commands/serve/warm-up.ts');
  const { returnUnusedMemory } = await import('../../src/server/unused-memory.ts');
  const objects = [...objectsOfAll(applications(Number(size))), ...sharedRoutes(Number(routes))];
  // As `serve` does before it opens its port.
  await warmUp(() => false);
  const app = rollgateApp(objects);
  returnUnusedMemory();
  return app;
}

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

// The histogram has the interval between two looks, so that a loop without delay has the resolution.
const RESOLUTION = 2;
const delays = monitorEventLoopDelay({ resolution: RESOLUTION });

// Only a process that is profiled has it.
const session = new Session();
let profiledFrom = 0;

const answers: { readonly [K in keyof Answers]: () => Answers[K] } = {
  begin() {
    globalThis.gc?.();
    // Linux counts the peak of the resident memory again from here.
    writeFileSync('/proc/self/clear_refs', '5');
    measuring = true;
    setImmediate(() => {
      blocked = 0;
      measureTurns(processorTime());
    });
    return processFigures();
  },
  end() {
    measuring = false;
    return processFigures();
  },
  'watch delay'() {
    delays.reset();
    delays.enable();
    return loopDelay();
  },
  delay() {
    delays.disable();
    return loopDelay();
  },
  'start profile'() {
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: 200 });
    session.post('Profiler.start');
    profiledFrom = processorTime();
    return true;
  },
  profile() {
    const mainThread = (processorTime() - profiledFrom) * 1_000;
    let profile: Profiler.Profile | undefined;
    // A session with its own thread answers at once.
    session.post('Profiler.stop', (_, stopped) => (profile = stopped.profile));
    session.disconnect();
    if (profile === undefined) throw new Error('the profiler did not answer');
    return { profile, mainThread };
  },
};

function processFigures(): ProcessFigures {
  const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
  return { rss: process.memoryUsage().rss, peak, blocked };
}

function loopDelay(): LoopDelay {
  const at = (percentile: number): number => Math.max(0, delays.percentile(percentile) / 1e6 - RESOLUTION);
  return { p50: at(50), p99: at(99) };
}

process.on('message', (message: keyof Answers) => process.send?.(answers[message]()));
process.on('disconnect', () => process.exit(0));

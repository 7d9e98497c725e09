import type { Profiler } from 'node:inspector';
import { count } from './counts.ts';
import { onOwnCores } from './cores.ts';
import { closedLoop } from './load.ts';
import { processorTime, startOwn, type OwnServer } from './processes.ts';
import { requestsWith, reviews } from './reviews.ts';

/** The processor time of a request by what it is spent on, in microseconds. */
export type Spent = Readonly<Record<Room, number>>;

/** Where two servers spend the processor time of a request. */
export interface WhereFigures {
  readonly rollouts: number;
  readonly bare: Spent;
  readonly rollgate: Spent;
}

/** What the time is spent on, in the order of the page. The bare server has its own code in `parsing`. */
export const ROOMS = {
  node: 'Node.js itself: HTTP, TLS, the socket, timers',
  parsing: 'parsing the body',
  serving: 'way of a request through the server',
  deciding: 'way of a request through admission: what differs, what is introduced',
  rules: 'rules, and what they read',
  keeps: 'keeps',
  log: 'log',
  metrics: 'metrics',
  collecting: 'garbage collection on the main thread',
  beside: 'other threads: garbage collection, the compiler',
} as const;

/** An id of a row. */
export type Room = keyof typeof ROOMS;

// The first that matches. What Node.js does in C++ counts for its caller.
const PLACES: readonly (readonly [RegExp, Room])[] = [
  [/\/src\/server\/json-body|\/test\/bench\/bare-app/, 'parsing'],
  [/\/src\/server\/log|\/node_modules\/pino/, 'log'],
  [/\/src\/server\/[a-z-]*(metrics|counts)|\/node_modules\/prom-client/, 'metrics'],
  [/\/src\/preserve\/|\/src\/admission\/preserv/, 'keeps'],
  [/\/src\/(rules|world|conditions|migration|policy)\//, 'rules'],
  [/\/src\/admission\//, 'deciding'],
  [/\/src\/|\/node_modules\/|\/test\/bench\//, 'serving'],
  [/^node:/, 'node'],
];

const WARM_UP = count(4_000, 500);
const PROFILED = count(8_000, 1_000);

/** Measures where the time of a request goes. A profiler runs meanwhile, so the sum is more than without one. */
export function measureWhere(rollouts: number): Promise<WhereFigures> {
  return onOwnCores(async ({ server: core }) => {
    const requests = requestsWith(reviews(rollouts));
    return {
      rollouts,
      bare: await profiled(await startOwn('bare', core, 0), requests),
      rollgate: await profiled(await startOwn('rollgate', core, rollouts), requests),
    };
  });
}

// Stops the server afterwards.
async function profiled(server: OwnServer, requests: readonly Buffer[]): Promise<Spent> {
  try {
    await closedLoop(server.port, requests, WARM_UP);
    await server.ask('start profile');
    const before = processorTime(server.pid);
    const { answers } = await closedLoop(server.port, requests, PROFILED);
    const all = processorTime(server.pid) - before;
    const { profile, mainThread } = await server.ask('profile');
    return spent(profile, mainThread / answers, all / answers);
  } finally {
    server.stop();
  }
}

/**
 * Returns the time of a request by what it was spent on.
 *
 * @param profile - Of the main thread; shares of its samples count, not their times.
 * @param mainThread - The processor time of the main thread for a request, in microseconds.
 * @param all - That of all threads.
 */
export function spent(profile: Profiler.Profile, mainThread: number, all: number): Spent {
  const rooms = roomsOf(profile.nodes);
  const seen = new Map<Room, number>();
  let samples = 0;
  for (const id of profile.samples ?? []) {
    const room = rooms.get(id);
    if (room === undefined) continue;
    samples++;
    seen.set(room, (seen.get(room) ?? 0) + 1);
  }
  const of = (room: Room): number =>
    room === 'beside' ? Math.max(0, all - mainThread) : ((seen.get(room) ?? 0) / samples) * mainThread;
  return Object.fromEntries((Object.keys(ROOMS) as Room[]).map((room) => [room, of(room)])) as Record<Room, number>;
}

// By node of the profile; none for the time in which nothing was done.
function roomsOf(nodes: readonly Profiler.ProfileNode[]): ReadonlyMap<number, Room> {
  const rooms = new Map<number, Room>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const visit = (node: Profiler.ProfileNode, caller: Room): void => {
    const room = roomOf(node.callFrame, caller);
    if (room !== undefined) rooms.set(node.id, room);
    for (const child of node.children ?? []) {
      const callee = byId.get(child);
      if (callee !== undefined) visit(callee, room ?? 'node');
    }
  };
  const [root] = nodes;
  if (root !== undefined) visit(root, 'node');
  return rooms;
}

function roomOf({ url, functionName }: Profiler.ProfileNode['callFrame'], caller: Room): Room | undefined {
  if (functionName === '(idle)') return undefined;
  if (functionName === '(garbage collector)') return 'collecting';
  if (functionName === '(program)') return 'node';
  // Functions of the engine and of Node.js in C++.
  if (url === '') return caller;
  const room = PLACES.find(([place]) => place.test(url))?.[1] ?? caller;
  // What the log writes is the log's; what answers the request is the socket's.
  return room === 'node' && (caller === 'log' || caller === 'metrics') ? caller : room;
}

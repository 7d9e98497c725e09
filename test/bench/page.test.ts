import type { Profiler } from 'node:inspector';
import { describe, expect, it } from 'vitest';
import type { Data } from './data.ts';
import { goalsOf, goalsTable } from './goals.ts';
import { growthPicture } from './growth-picture.ts';
import { page } from './page.ts';
import { ROOMS, spent, type Room, type Spent } from './where.ts';

const cost = (microseconds: number): Data['server']['bare'] => ({
  microseconds: { median: microseconds, least: microseconds - 1, most: microseconds + 1 },
  perSecond: { median: 1e6 / microseconds, least: 1, most: 2 },
  residentMiB: 250,
});
const latencies = { p50: 0.7, p99: 1.4 };
const cold = { first: 5, nextTen: 1, nextNinety: 0.8 };
const sort = { title: 'Rollout: other steps', seen: true, validate: 90, mutate: 2, allocated: 57 * 1024 };
const plain = { title: 'Rollout: another image', seen: false, validate: 5, mutate: 2, allocated: 11 * 1024 };

const spentOn = (each: number): Spent =>
  Object.fromEntries(Object.keys(ROOMS).map((room) => [room, each])) as Record<Room, number>;

const DATA: Data = {
  node: 'v24.0.0',
  cpu: 'a processor',
  engine: [10, 10_000].map((rollouts) => ({
    rollouts,
    objects: 5 * rollouts,
    decisions: 1_000,
    sorts: [sort, plain, plain, plain],
  })),
  server: {
    rollouts: 10_000,
    bodies: 1_000,
    bodyBytes: 2_335,
    rounds: 7,
    bare: cost(40),
    rollgate: cost(70),
    pepr: cost(275),
    rates: [{ perSecond: 50, bare: latencies, rollgate: latencies, rollgateLoop: latencies }],
  },
  where: { rollouts: 10_000, bare: spentOn(5), rollgate: spentOn(7) },
  semiSpaces: [{ mebibytes: 8, cost: cost(70) }],
  cold: { bare: cold, rollgate: cold, processes: 7, idleMiB: 90 },
  apiServer: {
    writes: 1_000,
    variants: [
      { title: 'no webhook', p50: 4, p99: 9 },
      { title: 'Rollgate', p50: 5.5, p99: 8.75 },
    ],
  },
  bounds: [{ title: 'a dry run', kibibytes: 1_024, blocked: 8, memory: 60 }],
  growth: [{ title: 'steps', milliseconds: [1, 10, 100] }],
};

describe('the page of the bench', () => {
  it('says first whether the goals are reached', () => {
    const found = goalsOf(DATA);
    expect(found.filter(({ reached }) => !reached)).toEqual([]);
    expect(page(DATA)).toMatch(/# Performance\n\n[^\n]+\n\nEvery goal is reached:\n\n\|/);
  });

  it('has the goals that are not reached before the others', () => {
    const slow: Data = { ...DATA, server: { ...DATA.server, rollgate: cost(81) } };
    expect(page(slow)).toContain('2 of 12 goals are not reached; they come first:');
    const rows = goalsTable(goalsOf(slow)).split('\n').slice(2);
    expect(rows.slice(0, 3).map((row) => row.includes('**not reached**'))).toEqual([true, true, false]);
    expect(rows[0]).toBe(
      '| processor time of a request, HTTPS and log included | 81 µs | at most 75 µs | **not reached** |',
    );
  });

  it('compares servers by processor time, and applies with those without a webhook', () => {
    expect(page(DATA)).toContain('| Rollgate | 70 µs | 69 to 71 | 57 % |');
    expect(page(DATA)).toContain('| Rollgate | 5.50 ms | 8.75 ms | +1.50 ms | −0.25 ms |');
  });

  it('has a picture whose lines are in it', () => {
    const picture = growthPicture([10, 100, 1_000], DATA.growth);
    const [, , steps = ''] = picture.match(/points="[^"]+"/g)?.slice(-3) ?? [];
    expect(picture).toContain('</svg>');
    expect(steps).toMatch(/^points="(\d+,\d+ ?)+"$/);
    expect(picture).not.toMatch(/NaN|Infinity/);
  });
});

describe('where the time goes', () => {
  const node = (id: number, functionName: string, url: string, children: number[] = []): Profiler.ProfileNode => ({
    id,
    callFrame: { functionName, url, scriptId: '0', lineNumber: 0, columnNumber: 0 },
    children,
  });
  const NODES = [
    node(1, '(root)', '', [2, 3, 9, 10]),
    node(2, '(idle)', ''),
    node(3, 'answer', 'file:///rollgate/src/server/reviews.ts', [4, 5, 6]),
    node(4, 'check', 'file:///rollgate/src/rules/canary-steps/rule.ts', [11]),
    node(5, 'end', 'node:_http_outgoing', [7]),
    node(6, '#next', 'file:///rollgate/src/server/log-sink.ts', [8]),
    node(7, 'writeUtf8String', ''),
    node(8, 'write', 'node:fs'),
    node(9, '(garbage collector)', ''),
    node(10, '(program)', ''),
    node(11, 'dig', 'file:///rollgate/src/world/read.ts'),
  ];
  const of = (...samples: number[]): Spent =>
    spent({ nodes: NODES, startTime: 0, endTime: 1, samples, timeDeltas: [] }, 100, 130);

  it('divides the time of the main thread by its samples, without those in which it did nothing', () => {
    const found = of(2, 2, 3, 4, 4, 11);
    expect(found).toMatchObject({ serving: 25, rules: 75, node: 0, beside: 30 });
  });

  it('counts what Node.js does as the socket, but what it writes for the log as the log', () => {
    const found = of(5, 7, 10, 8, 9);
    expect(found).toMatchObject({ node: 60, log: 20, collecting: 20 });
  });

  it('is on the page, with its sum', () => {
    const rows = page(DATA)
      .split('\n')
      .filter((line) => line.startsWith('| keeps |') || line.startsWith('| all |'));
    expect(rows).toEqual(['| keeps | 5.0 µs | 7.0 µs |', '| all | 50 µs | 70 µs |']);
  });
});

import { setImmediate } from 'node:timers/promises';
import { Gate } from '../../src/admission/gate.ts';
import type { Request } from '../../src/admission/review.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { RULES } from '../../src/rules/index.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import { NO_LIMITS, requestFor } from '../support/gate.ts';
import { allocated } from './allocation.ts';
import { count } from './counts.ts';
import { mean, median } from './statistics.ts';
import { applications, CHANGES, changeOf, objectsOfAll, type Application, type ChangeSort } from './world.ts';

/** What decisions about one sort of change cost in a world of one size. */
export interface SortFigure {
  readonly title: string;
  readonly seen: boolean;
  /** The processor time of a validation in microseconds, with garbage collection: the median of the rounds. */
  readonly validate: number;
  readonly mutate: number;
  /** The bytes that a validation allocates. */
  readonly allocated: number;
}

/** The costs of decisions in a world of one size. */
export interface EngineFigure {
  readonly rollouts: number;
  readonly objects: number;
  readonly decisions: number;
  readonly sorts: readonly SortFigure[];
}

const ROUNDS = count(9, 1);
const DECISIONS = count(500, 20);
const WARM_UP = count(3, 1);
const CONTROLLERS = ['system:serviceaccount:argo-rollouts:argo-rollouts'];

interface Setup {
  readonly apps: readonly Application[];
  readonly objects: number;
  readonly gate: Gate;
  readonly sorts: readonly { readonly sort: ChangeSort; readonly mutate: number[]; readonly validate: number[] }[];
}

/**
 * Measures decisions in worlds of several sizes. The worlds take turns, round by round, in one process; in a round the
 * sorts of changes do, as in a cluster: code that just served another kind is not the fastest.
 */
export async function measureEngine(sizes: readonly number[]): Promise<EngineFigure[]> {
  const setups = sizes.map(setUp);
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    for (const setup of setups) {
      globalThis.gc?.();
      const times = await timesOf(setup, round);
      if (round < WARM_UP) continue;
      for (const [index, { mutate, validate }] of setup.sorts.entries()) {
        mutate.push(mean(times[index]?.mutate ?? []));
        validate.push(mean(times[index]?.validate ?? []));
      }
    }
  }
  const figures: EngineFigure[] = [];
  for (const setup of setups) figures.push(await figureOf(setup));
  return figures;
}

async function figureOf({ apps, objects, gate, sorts }: Setup): Promise<EngineFigure> {
  const figures: SortFigure[] = [];
  for (const { sort, validate, mutate } of sorts) {
    const { title, seen } = sort;
    const bytes = await bytesOf(gate, apps, sort);
    figures.push({ title, seen, validate: median(validate), mutate: median(mutate), allocated: bytes });
  }
  const decisions = 2 * DECISIONS * ROUNDS * sorts.length;
  return { rollouts: apps.length, objects, decisions, sorts: figures };
}

function setUp(size: number): Setup {
  const apps = applications(size);
  const objects = objectsOfAll(apps);
  const gate = new Gate({
    world: storeOf(objects),
    rules: RULES,
    keeps: PRESERVERS,
    policy: () => DEFAULT_POLICY,
    discovered: () => CONTROLLERS,
    pause: () => setImmediate(),
    now: () => 0,
  });
  return { apps, objects: objects.length, gate, sorts: CHANGES.map((sort) => ({ sort, mutate: [], validate: [] })) };
}

interface Times {
  readonly mutate: number[];
  readonly validate: number[];
}

async function timesOf({ apps, gate, sorts }: Setup, round: number): Promise<readonly Times[]> {
  const times = sorts.map((): Times => ({ mutate: [], validate: [] }));
  for (const webhook of ['mutate', 'validate'] as const) {
    // All are parsed before, so that the time of that does not count.
    const requests = Array.from({ length: DECISIONS * sorts.length }, (_, index) => {
      // The distance has no divisor in common with the number of sorts, so that each follows each.
      const sort = (index + Math.floor(index / sorts.length) * 3) % sorts.length;
      return { sort, request: requestOf(apps, sorts[sort]?.sort, round * DECISIONS + index) };
    });
    for (const { sort, request } of requests) times[sort]?.[webhook].push(await timed(gate, webhook, request));
  }
  return times;
}

// Each decision parses its objects as from a request body, so that it cannot reuse what an earlier one derived.
function requestOf(apps: readonly Application[], sort: ChangeSort | undefined, turn: number): Request {
  const app = apps[(turn * 7_919) % apps.length];
  if (app === undefined || sort === undefined) throw new Error('no application');
  const { before, after } = changeOf(app, sort, turn + 1);
  return requestFor(after, JSON.parse(JSON.stringify(before)) as KubeObject);
}

async function timed(gate: Gate, webhook: 'mutate' | 'validate', request: Request): Promise<number> {
  // Processor time, so that other work on the machine does not count.
  const begin = process.cpuUsage();
  const { response } = await gate[webhook](request, NO_LIMITS);
  const { user, system } = process.cpuUsage(begin);
  if (!response.allowed) throw new Error(`an ordinary change was refused: ${response.status?.message ?? ''}`);
  return user + system;
}

async function bytesOf(gate: Gate, apps: readonly Application[], sort: ChangeSort): Promise<number> {
  const requests = Array.from({ length: DECISIONS }, (_, turn) => requestOf(apps, sort, turn));
  const bytes = await allocated(async () => {
    for (const request of requests) await gate.validate(request, NO_LIMITS);
  });
  return bytes / requests.length;
}

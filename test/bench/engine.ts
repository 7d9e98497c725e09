import { setImmediate } from 'node:timers/promises';
import { Gate } from '../../src/admission/gate.ts';
import type { Request } from '../../src/admission/review.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { RULES } from '../../src/rules/index.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import { NO_LIMITS, requestFor } from '../support/gate.ts';
import { applications, CHANGES, changeOf, objectsOfAll, type Application, type ChangeSort } from './world.ts';

/**
 * The processor time of decisions about one sort of change in a world of one size, in milliseconds, with garbage
 * collection. Each figure is the median of the rounds.
 */
export interface SortFigure {
  readonly title: string;
  readonly seen: boolean;
  readonly validate: number;
  readonly mutate: number;
}

/** The times of decisions in a world of one size. */
export interface EngineFigure {
  readonly rollouts: number;
  readonly objects: number;
  readonly decisions: number;
  readonly sorts: readonly SortFigure[];
}

const ROUNDS = 9;
const DECISIONS = 500;
const WARM_UP = 3;

interface Setup {
  readonly apps: readonly Application[];
  readonly objects: number;
  readonly gate: Gate;
  readonly sorts: readonly { readonly sort: ChangeSort; readonly mutate: number[]; readonly validate: number[] }[];
}

/** Measures decisions in worlds of several sizes. The worlds take turns, round by round, in one process. */
export async function measureEngine(sizes: readonly number[]): Promise<EngineFigure[]> {
  const setups = sizes.map(setUp);
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    for (const { apps, gate, sorts } of setups) {
      globalThis.gc?.();
      for (const { sort, mutate, validate } of sorts) {
        const ofMutation = await timed(gate, 'mutate', requestsFor(apps, sort, round));
        const ofValidation = await timed(gate, 'validate', requestsFor(apps, sort, round));
        if (round < WARM_UP) continue;
        mutate.push(ofMutation);
        validate.push(ofValidation);
      }
    }
  }
  return setups.map(({ apps, objects, sorts }) => ({
    rollouts: apps.length,
    objects,
    decisions: 2 * DECISIONS * ROUNDS * sorts.length,
    sorts: sorts.map(({ sort: { title, seen }, validate, mutate }) => ({
      title,
      seen,
      validate: median(validate),
      mutate: median(mutate),
    })),
  }));
}

function setUp(size: number): Setup {
  const apps = applications(size);
  const objects = objectsOfAll(apps);
  const accounts = ['system:serviceaccount:argo-rollouts:argo-rollouts'];
  const gate = new Gate({
    world: storeOf(objects),
    rules: RULES,
    keeps: PRESERVERS,
    policy: () => DEFAULT_POLICY,
    discovered: () => accounts,
    pause: () => setImmediate(),
    now: () => 0,
  });
  return { apps, objects: objects.length, gate, sorts: CHANGES.map((sort) => ({ sort, mutate: [], validate: [] })) };
}

// Each decision parses its objects as from a request body, so that it cannot reuse what an earlier one derived.
function requestsFor(apps: readonly Application[], sort: ChangeSort, round: number): Request[] {
  return Array.from({ length: DECISIONS }, (_, index) => {
    const app = apps[(index * 7_919) % apps.length];
    if (app === undefined) throw new Error('no application');
    const { before, after } = changeOf(app, sort, round * DECISIONS + index + 1);
    return requestFor(after, JSON.parse(JSON.stringify(before)) as KubeObject);
  });
}

async function timed(gate: Gate, webhook: 'mutate' | 'validate', requests: readonly Request[]): Promise<number> {
  // Processor time, so that other work on the machine does not count.
  const begin = process.cpuUsage();
  for (const request of requests) {
    const { response } = await gate[webhook](request, NO_LIMITS);
    if (!response.allowed) throw new Error(`an ordinary change was refused: ${response.status?.message ?? ''}`);
  }
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e3 / requests.length;
}

/** Returns the median of at least one number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

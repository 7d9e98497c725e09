import { Gate, type Answer } from '../../src/admission/gate.ts';
import type { Request } from '../../src/admission/review.ts';
import { KEEPS } from '../../src/mutations/index.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { RULES } from '../../src/rules/index.ts';
import { storeOf } from '../../src/world/store.ts';
import { NO_LIMITS, requestFor } from '../support/gate.ts';
import { applications, changeFor, objectsOfAll } from './world.ts';

/** Decisions of the engine in a world of one size. */
export interface EngineFigure {
  readonly rollouts: number;
  readonly objects: number;
  readonly decisions: number;
  /** Milliseconds a decision, in the mean of both webhooks; all are the medians of the rounds. */
  readonly milliseconds: number;
  readonly validate: number;
  readonly mutate: number;
}

const ROUNDS = 15;
const DECISIONS = 4_000;
const WARM_UP = 2;

/** In: sizes of worlds. Out: for each how long a decision takes; the worlds take turns, round by round, in one process. */
export async function measureEngine(sizes: readonly number[]): Promise<EngineFigure[]> {
  const setups = sizes.map((size) => {
    const apps = applications(size);
    const objects = objectsOfAll(apps);
    const gate = new Gate({ world: storeOf(objects), rules: RULES, keeps: KEEPS, policy: () => DEFAULT_POLICY, discovered: () => ['system:serviceaccount:argo-rollouts:argo-rollouts'], now: () => 0 });
    const requests: Request[] = Array.from({ length: 1_000 }, (_, index) => {
      const app = apps[(index * 7_919) % apps.length];
      if (app === undefined) throw new Error('no application');
      const { before, after } = changeFor(app, index);
      // Parsed anew, as from a body: nothing remembered by identity may help.
      return requestFor(JSON.parse(JSON.stringify(after)) as typeof after, JSON.parse(JSON.stringify(before)) as typeof before);
    });
    return { size, objects: objects.length, gate, requests, mutate: [] as number[], validate: [] as number[] };
  });
  for (let round = 0; round < ROUNDS + WARM_UP; round++) {
    for (const setup of setups) {
      const fresh = setup.requests.map((request): Request => ({ ...request, object: request.object && { ...request.object }, oldObject: request.oldObject && { ...request.oldObject } }));
      globalThis.gc?.();
      const mutate = await timed(fresh, (request) => setup.gate.mutate(request, NO_LIMITS));
      globalThis.gc?.();
      const validate = await timed(fresh, (request) => setup.gate.validate(request, NO_LIMITS));
      if (round >= WARM_UP) {
        setup.mutate.push(mutate);
        setup.validate.push(validate);
      }
    }
  }
  return setups.map(({ size, objects, mutate, validate }) => {
    const [forMutation, forValidation] = [median(mutate), median(validate)];
    return { rollouts: size, objects, decisions: 2 * DECISIONS * ROUNDS, milliseconds: (forMutation + forValidation) / 2, validate: forValidation, mutate: forMutation };
  });
}

async function timed(requests: readonly Request[], decide: (request: Request) => Promise<Answer>): Promise<number> {
  const begin = process.hrtime.bigint();
  for (let index = 0; index < DECISIONS; index++) {
    const request = requests[index % requests.length];
    if (request === undefined) continue;
    const { response } = await decide(request);
    if (!response.allowed) throw new Error(`an ordinary change was refused: ${response.status?.message ?? ''}`);
  }
  return Number(process.hrtime.bigint() - begin) / 1e6 / DECISIONS;
}

/** In: numbers, at least one. Out: the middle one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

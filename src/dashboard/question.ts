import { isObject } from '../world/read.ts';
import type { Question } from './messages.ts';

const MOST_REPLICAS = 100_000;

/** A question that was read, or why it is none. */
export type ReadQuestion =
  { readonly ok: true; readonly question: Question } | { readonly ok: false; readonly error: string };

/** Reads a question from JSON. Never throws. */
export function readQuestion(text: string): ReadQuestion {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return failed('the body is not JSON');
  }
  if (!isObject(value)) return failed('the body is not an object');
  const { manifests, policy, rollout, replicas, stage, ...rest } = value;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) return failed(`unknown key ${JSON.stringify(unknown.slice(0, 80))}`);
  if (typeof manifests !== 'string') return failed('manifests: must be text');
  if (typeof policy !== 'string') return failed('policy: must be text');
  if (rollout !== undefined && typeof rollout !== 'string') return failed('rollout: must be text');
  if (replicas !== undefined && !isCount(replicas)) return failed(`replicas: use 0 to ${MOST_REPLICAS}`);
  if (stage !== undefined && !isCount(stage)) return failed('stage: must be an index');
  return {
    ok: true,
    question: {
      manifests,
      policy,
      ...(rollout === undefined ? {} : { rollout }),
      ...(replicas === undefined ? {} : { replicas }),
      ...(stage === undefined ? {} : { stage }),
    },
  };
}

function failed(error: string): ReadQuestion {
  return { ok: false, error };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_REPLICAS;
}

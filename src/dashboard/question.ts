import { hasTooManyValues, MOST_VALUES } from '../server/dryrun-job.ts';
import { isObject } from '../world/read.ts';
import type { Question } from './messages.ts';

const MOST_REPLICAS = 100_000;
/** The bytes of UTF-8 that manifests may have. */
export const MOST_MANIFESTS = 1024 * 1024;
const MOST_POLICY = 256 * 1024;

/** A question that was read, or why it is none. */
export type ReadQuestion =
  | { readonly ok: true; readonly question: Question }
  | { readonly ok: false; readonly status: 400 | 413; readonly error: string };

/** Reads a question from JSON. Never throws. */
export function readQuestion(text: string): ReadQuestion {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return failed('the body is not JSON');
  }
  if (!isObject(value)) return failed('the body is not an object');
  const { manifests, policy, rollout, replicas, stage, abortAt, ...rest } = value;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) return failed(`unknown key ${JSON.stringify(unknown.slice(0, 80))}`);
  if (typeof manifests !== 'string') return failed('manifests: must be text');
  if (typeof policy !== 'string') return failed('policy: must be text');
  const large = whyTooLarge(manifests, policy);
  if (large !== undefined) return failed(large, 413);
  if (rollout !== undefined && typeof rollout !== 'string') return failed('rollout: must be text');
  const chosen = rollout === undefined ? {} : { rollout };
  return withCounts({ manifests, policy, ...chosen }, { replicas, stage, abortAt });
}

type Counts = Readonly<Record<'replicas' | 'stage' | 'abortAt', unknown>>;

function withCounts(question: Question, { replicas, stage, abortAt }: Counts): ReadQuestion {
  const isRead = (value: unknown): value is number | undefined => value === undefined || isCount(value);
  if (!isRead(replicas)) return failed(`replicas: use 0 to ${MOST_REPLICAS}`);
  if (!isRead(stage)) return failed('stage: must be an index');
  if (!isRead(abortAt)) return failed('abortAt: must be the number of a step');
  return {
    ok: true,
    question: {
      ...question,
      ...(replicas === undefined ? {} : { replicas }),
      ...(stage === undefined ? {} : { stage }),
      ...(abortAt === undefined ? {} : { abortAt }),
    },
  };
}

function whyTooLarge(manifests: string, policy: string): string | undefined {
  const bytes = Buffer.from(manifests);
  if (bytes.length > MOST_MANIFESTS) return `the manifests are larger than ${MOST_MANIFESTS} bytes: use fewer`;
  if (hasTooManyValues(bytes)) return `the manifests have more than ${MOST_VALUES} values: use fewer`;
  if (Buffer.byteLength(policy) > MOST_POLICY)
    return `the policy is larger than ${MOST_POLICY} bytes: use a shorter one`;
  return undefined;
}

function failed(error: string, status: 400 | 413 = 400): ReadQuestion {
  return { ok: false, status, error };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_REPLICAS;
}

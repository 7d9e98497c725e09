import type { RecordedAnswers, Question } from '../admission/recording-world.ts';
import { checkPolicy, parsePolicy, type PolicyCatalog } from '../policy/load.ts';
import type { Policy } from '../policy/policy.ts';
import { isObject, asString } from '../world/read.ts';
import { parseJson } from './body.ts';
import type { Reply } from './reply.ts';

/** The ways in which a dry run can be answered, by media type. */
export const DRY_RUN_FORMATS = {
  'application/json': 'json',
  'text/plain': 'text',
  'application/sarif+json': 'sarif',
} as const;

export type DryRunFormat = (typeof DRY_RUN_FORMATS)[keyof typeof DRY_RUN_FORMATS];

/** One dry run, as the worker gets it; plain data. */
export interface DryRunJob {
  readonly body: Uint8Array;
  readonly format: DryRunFormat;
  /** The namespace of objects that name none. */
  readonly namespace: string | undefined;
  readonly requireReferences: boolean;
  /** The policy in force. */
  readonly policy: Policy;
}

/** What the worker is told: a new job, or answers to its questions about the present one. */
export type ToWorker = { readonly job: DryRunJob } | { readonly answers: RecordedAnswers };

/** What the worker says: what it would have to know, or the reply. */
export type FromWorker = { readonly questions: readonly Question[] } | { readonly reply: Reply };

/** What a body asks for. */
export type Asked =
  | { readonly ok: true; readonly text: string; readonly candidate: Policy | undefined }
  | { readonly ok: false; readonly errors: readonly string[] };

/**
 * In: a body, and the ids that a policy may name. Out: the manifests in it as a text and, if it is an envelope
 * `{"manifests": ..., "policy": ...}`, the candidate policy; or what is wrong with it. An envelope is JSON without
 * apiVersion and kind; every other body is manifests. Never throws.
 */
export function readAsked(body: Uint8Array, known: PolicyCatalog): Asked {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  if (!text.trimStart().startsWith('{')) return { ok: true, text, candidate: undefined };
  const parsed = parseJson(body);
  // YAML may begin with a brace as well.
  if (!parsed.ok || !isObject(parsed.value) || 'apiVersion' in parsed.value || 'kind' in parsed.value)
    return { ok: true, text, candidate: undefined };
  const { manifests, policy, ...rest } = parsed.value;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined)
    return refuse(
      `unknown key ${JSON.stringify(unknown.slice(0, 80))}: a body is a manifest with apiVersion and kind, or an envelope with manifests and policy`,
    );
  if (typeof manifests !== 'string' && !isObject(manifests) && !Array.isArray(manifests))
    return refuse('manifests: a text, an object or a list of objects is needed');
  const inside = typeof manifests === 'string' ? manifests : JSON.stringify(manifests, undefined, 2);
  if (policy === undefined) return { ok: true, text: inside, candidate: undefined };
  if (typeof policy !== 'string' && !isObject(policy)) return refuse('policy: a text or an object is needed');
  const loaded = typeof policy === 'string' ? parsePolicy(asString(policy), known) : checkPolicy(policy, known);
  return loaded.ok
    ? { ok: true, text: inside, candidate: loaded.policy }
    : { ok: false, errors: loaded.errors.map((error) => `policy: ${error}`) };
}

function refuse(error: string): Asked {
  return { ok: false, errors: [error] };
}

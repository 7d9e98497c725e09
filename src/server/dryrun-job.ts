import type { RecordedAnswers, Question } from '../admission/recording-world.ts';
import type { Policy } from '../policy/policy.ts';
import type { InstalledFields } from '../world/field-tree.ts';
import { isObject, asString } from '../world/read.ts';
import type { RolloutsVersions } from '../world/rollouts-versions.ts';
import { parseJson } from './json-body.ts';
import type { Reply } from './reply.ts';

/** The formats of a dry-run response, by media type. */
export const DRY_RUN_FORMATS = {
  'application/json': 'json',
  'text/plain': 'text',
  'application/sarif+json': 'sarif',
} as const;

/** The format of the answer to a dry run. */
export type DryRunFormat = (typeof DRY_RUN_FORMATS)[keyof typeof DRY_RUN_FORMATS];

/** One dry run as the worker receives it. Plain data. */
export interface DryRunJob {
  /** Moved to the thread, not copied, so that it may be empty afterwards. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly format: DryRunFormat;
  /** The namespace of objects that name none. */
  readonly namespace: string | undefined;
  readonly requireReferences: boolean;
  /** The active policy. */
  readonly policy: Policy;
}

/**
 * A message to the worker: a new job with the releases of Argo Rollouts that it is judged for, or answers to its
 * questions about the current one, of which `more` may follow in the next message. The installed fields are large, so a
 * job has them only if they changed since the last one.
 */
export type ToWorker =
  | { readonly job: DryRunJob; readonly versions: RolloutsVersions; readonly fields?: InstalledFields }
  | { readonly answers: RecordedAnswers; readonly more: boolean };

/** A message from the worker: the questions whose answers it needs, or the reply. */
export type FromWorker = { readonly questions: readonly Question[] } | { readonly reply: Reply };

/** The most questions about the cluster that one dry run may ask. */
export const MOST_QUESTIONS = 10_000;

/**
 * The most values of manifests. Each becomes an object of some hundred bytes several times. Ordinary JSON has one for each
 * six bytes, YAML has fewer.
 */
export const MOST_VALUES = 100_000;
const DASH = 0x2d;
const SPACE = 0x20;
const MARKS: ReadonlySet<number> = new Set([...'\n,:{['].map((mark) => mark.charCodeAt(0)));

/** Returns whether manifests would take too much memory. Looks only at the bytes. */
export function hasTooManyValues(body: Uint8Array): boolean {
  let values = 0;
  for (let index = 0; index < body.length; index++) {
    const byte = body[index] ?? 0;
    if (MARKS.has(byte) || (byte === DASH && body[index + 1] === SPACE)) values++;
  }
  return values > MOST_VALUES;
}

/** The content of a dry-run body. */
export type DryRunBody =
  | { readonly ok: true; readonly text: string; readonly candidate: Policy | undefined }
  | { readonly ok: false; readonly errors: readonly string[] };

/**
 * Reads a dry-run body. Returns its manifests as text and, from an envelope `{"manifests": ..., "policy": ...}`, the
 * candidate policy; or the errors. An envelope is JSON without apiVersion and kind; every other body is manifests.
 * Never rejects.
 */
export async function readDryRunBody(body: Uint8Array): Promise<DryRunBody> {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  if (!text.trimStart().startsWith('{')) return { ok: true, text, candidate: undefined };
  const parsed = parseJson(body);
  // YAML may begin with a brace as well.
  if (!parsed.ok || !isObject(parsed.value) || 'apiVersion' in parsed.value || 'kind' in parsed.value)
    return { ok: true, text, candidate: undefined };
  const { manifests, policy, ...rest } = parsed.value;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined)
    return invalid(
      `unknown key ${JSON.stringify(unknown.slice(0, 80))}: send manifests with apiVersion and kind, or an envelope with manifests and policy`,
    );
  if (typeof manifests !== 'string' && !isObject(manifests) && !Array.isArray(manifests))
    return invalid('manifests: must be text, an object or a list of objects');
  const manifestText = typeof manifests === 'string' ? manifests : JSON.stringify(manifests, undefined, 2);
  if (policy === undefined) return { ok: true, text: manifestText, candidate: undefined };
  if (typeof policy !== 'string' && !isObject(policy)) return invalid('policy: must be text or an object');
  // Only when they are needed: the thread of dry runs would take 5 MiB more without end.
  const [{ checkPolicy, parsePolicy }, { POLICY_CATALOG }] = await Promise.all([
    import('../policy/load.ts'),
    import('../admission/policy-catalog.ts'),
  ]);
  const loaded =
    typeof policy === 'string' ? parsePolicy(asString(policy), POLICY_CATALOG) : checkPolicy(policy, POLICY_CATALOG);
  return loaded.ok
    ? { ok: true, text: manifestText, candidate: loaded.policy }
    : { ok: false, errors: loaded.errors.map((error) => `policy: ${error}`) };
}

function invalid(error: string): DryRunBody {
  return { ok: false, errors: [error] };
}

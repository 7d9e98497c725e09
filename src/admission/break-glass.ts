import { parseGoDuration } from '../world/duration.ts';
import { dig } from '../world/read.ts';
import type { KubeObject } from '../world/object.ts';
import { BREAK_GLASS } from '../world/writers.ts';
import { about, ruleTag } from './attribution.ts';
import type { Request, UserInfo } from './review.ts';

/** How the gate finds out whether an override counts. */
export interface BreakGlassParts {
  /**
   * Returns whether a user may `break-glass` on `overrides.rollgate.io`, undefined where that could not be determined.
   * Absent: nobody may.
   */
  mayBreakGlass?(user: UserInfo, namespace: string): Promise<boolean | undefined>;
  /** Returns milliseconds since the epoch. */
  now(): number;
}

/** What the circumstances of one request are. */
export interface BreakGlassContext {
  /** Whether anything would be denied or kept in the request. */
  readonly needed: boolean;
  /** How long after the request a break-glass may end at most, as a Go duration. */
  readonly maxDuration: string;
}

/** What became of the annotation in one request. */
export interface BreakGlass {
  /** Who overrides Rollgate, and why. Undefined where the annotation is not in force. */
  readonly override: string | undefined;
  /** Says until when the annotation is in force, or why it is not. The same on both sides of the gate. */
  readonly warning: string;
  /** Whether the right of the user decided. */
  readonly asked: boolean;
}

/**
 * Returns what becomes of the annotation `rollgate.io/break-glass` in a request. The API server is asked about the user
 * only if the value itself is fine, and only if it is needed or new. Otherwise nobody is told anything about a value
 * that is fine, and the result is undefined.
 */
export async function breakGlassOf(
  request: Request,
  { needed, maxDuration }: BreakGlassContext,
  parts: BreakGlassParts,
): Promise<BreakGlass | undefined> {
  const { user, namespace } = request;
  const annotated = request.object ?? request.oldObject;
  const value = annotated === undefined ? undefined : valueIn(annotated);
  if (annotated === undefined || value === undefined || (request.operation === 'DELETE' && !needed)) return undefined;
  const inForce = (text: string): string => about(annotated, `break-glass is in force ${text} ${ruleTag(TAG)}`);
  const notInForce = (why: string, asked: boolean): BreakGlass => ({
    override: undefined,
    warning: about(annotated, `break-glass is not in force: ${why} ${ruleTag(TAG)}`),
    asked,
  });

  const read = readValue(value, parts.now(), maxDuration);
  if (!read.ok) return notInForce(read.why, false);
  if (!needed && !isBreakGlassNew(request)) return undefined;
  const may = parts.mayBreakGlass === undefined ? false : await parts.mayBreakGlass(user, namespace);
  const right = 'break-glass on overrides.rollgate.io';
  if (may === undefined)
    return notInForce(`the API server could not be asked whether "${user.username}" may ${right}`, true);
  const where = namespace === '' ? '' : ` in namespace "${namespace}"`;
  return may
    ? {
        override: `${user.username}: ${read.reason}`,
        warning: inForce(`until ${read.expiry} for ${read.reason}`),
        asked: true,
      }
    : notInForce(`"${user.username}" has no right to ${right}${where}`, true);
}

/** Returns whether a request sets the annotation, or changes it. */
export function isBreakGlassNew({ object, oldObject }: Pick<Request, 'object' | 'oldObject'>): boolean {
  const value = object === undefined ? undefined : valueIn(object);
  return value !== undefined && (oldObject === undefined || valueIn(oldObject) !== value);
}

// As in the messages of rules.
const TAG = 'break-glass';
const FORMAT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2}))\s+(\S.*)$/;

function valueIn(object: KubeObject): string | undefined {
  const value = dig(object.metadata, 'annotations', BREAK_GLASS);
  return typeof value === 'string' ? value : undefined;
}

type Read =
  | { readonly ok: true; readonly expiry: string; readonly reason: string }
  | { readonly ok: false; readonly why: string };

function readValue(value: string, now: number, maxDuration: string): Read {
  const [, expiry = '', reason = ''] = FORMAT.exec(value.trim()) ?? [];
  const until = Date.parse(expiry);
  if (!Number.isFinite(until)) return { ok: false, why: 'its value is malformed: use "<RFC 3339 expiry> <reason>"' };
  if (until <= now) return { ok: false, why: `it expired at ${expiry}` };
  const latest = now + (parseGoDuration(maxDuration) ?? 0) * 1000;
  return until > latest
    ? {
        ok: false,
        why: `it ends later than ${maxDuration} from now (breakGlass.maxDuration): use ${seconds(latest)} or earlier`,
      }
    : { ok: true, expiry, reason };
}

// Whole seconds, rounded down: what is said to be allowed must be.
function seconds(time: number): string {
  const latest = new Date(Math.min(time, LAST_DATE));
  return latest.toISOString().replace(/\.\d+Z$/, 'Z');
}

// The last time that a Date can hold: a policy may allow 292 years.
const LAST_DATE = 8.64e15;

import { dig, asString, optionalString } from '../world/read.ts';
import type { KubeObject } from '../world/object.ts';
import type { Request, UserInfo } from './review.ts';

/** The annotation by which a person with the right to do so suspends Rollgate for one object until a moment. */
export const BREAK_GLASS = 'rollgate.io/break-glass';

/** How the gate finds out whether an override counts. */
export interface BreakGlassParts {
  /** Returns whether a user may `break-glass` on `overrides.rollgate.io`. Absent: nobody may. */
  mayBreakGlass?(user: UserInfo, namespace: string): Promise<boolean>;
  /** Returns milliseconds since the epoch. */
  now(): number;
}

/**
 * Returns the reason given in the annotation `rollgate.io/break-glass` while it holds; undefined if there is none, it
 * has expired, or it is malformed.
 *
 * @param now - Milliseconds since the epoch.
 */
export function breakGlassReason(object: KubeObject, now: number): string | undefined {
  const value = asString(dig(object.metadata, 'annotations', BREAK_GLASS)).trim();
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2}))\s+(\S.*)$/.exec(value);
  const [, expiry = '', reason = ''] = match ?? [];
  const until = Date.parse(expiry);
  return Number.isFinite(until) && until > now ? reason : undefined;
}

/** Returns who overrides Rollgate in a request, and why; undefined where nobody does or may. */
export async function breakGlassOf(
  { object, oldObject, user, namespace }: Request,
  parts: BreakGlassParts,
): Promise<string | undefined> {
  const annotated = object ?? oldObject;
  if (annotated === undefined || optionalString(dig(annotated.metadata, 'annotations', BREAK_GLASS)) === undefined)
    return undefined;
  const reason = breakGlassReason(annotated, parts.now());
  if (reason === undefined || parts.mayBreakGlass === undefined) return undefined;
  return (await parts.mayBreakGlass(user, namespace)) ? `${user.username}: ${reason}` : undefined;
}

import { pino, type DestinationStream, type Logger } from 'pino';
import type { DecisionRecord } from '../admission/gate.ts';
import type { Request } from '../admission/review.ts';

export type Log = Logger;

/** The levels that `--log-level` takes. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

// A write for every line would cost as much as the decision in it. Whoever reads the output too slowly loses lines,
// rather than that they fill the memory.
const BUFFERED = { dest: 1, sync: false, minLength: 12_288, periodicFlush: 200, maxLength: 16 * 1024 * 1024 };

/**
 * In: the least level that is written, and where to (by default standard output, in blocks, at most 0.2 s late, and
 * whole when the process exits). Out: a log that writes one JSON object a line.
 */
export function createLog(level: LogLevel, destination: DestinationStream = pino.destination(BUFFERED)): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, destination);
}

/** The two webhooks. */
export type Webhook = 'mutate' | 'validate';

// A name in a hostile body may be megabytes long.
const LONGEST = 300;

/**
 * Writes the one line of a decision: who asked what about which object, and what became of it; never the object.
 * Requests that are not judged show at level debug.
 */
export function logDecision(
  log: Log,
  webhook: Webhook,
  request: Request,
  record: DecisionRecord,
  milliseconds: number,
): void {
  const level =
    record.badPatch !== undefined
      ? 'error'
      : record.tripwire !== undefined || record.breakGlass !== undefined
        ? 'warn'
        : record.exempt === undefined
          ? 'info'
          : 'debug';
  if (!log.isLevelEnabled(level)) return;
  log[level](
    {
      ...about(webhook, request),
      verdict: record.verdict,
      rules: unique(record.findings.map(({ rule }) => rule)),
      kept: record.kept,
      ...(record.skipped.length === 0 ? {} : { skipped: unique(record.skipped.map(({ rule }) => rule)) }),
      ...(record.exempt === undefined ? {} : { exempt: cut(record.exempt) }),
      ...(record.breakGlass === undefined ? {} : { breakGlass: cut(record.breakGlass) }),
      ...(record.tripwire === undefined ? {} : { tripwire: cut(record.tripwire) }),
      ...(record.badPatch === undefined ? {} : { badPatch: cut(record.badPatch) }),
      ms: Math.round(milliseconds * 100) / 100,
    },
    'decided',
  );
}

/** In: a webhook and a request. Out: what every line about it says. */
export function about(webhook: Webhook, request: Request): Readonly<Record<string, unknown>> {
  return {
    webhook,
    uid: cut(request.uid),
    operation: request.operation,
    kind: cut(request.kindId ?? request.kind),
    namespace: cut(request.namespace),
    name: cut(request.name),
    user: cut(request.user.username),
    dryRun: request.dryRun,
  };
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

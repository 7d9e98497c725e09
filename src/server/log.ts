import { pino, type DestinationStream, type Logger } from 'pino';
import type { DecisionRecord } from '../admission/gate.ts';
import type { Request } from '../admission/review.ts';

/** The logger of the server. */
export type Log = Logger;

/** The values of `--log-level`. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** The lowest level that is logged. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Returns a log that writes one JSON object per line. */
export function createLog(level: LogLevel, destination: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const log = pino(options, destination);
  destinations.set(log, destination);
  return log;
}

// Where the lines of ordinary decisions go without being put together by pino.
const destinations = new WeakMap<Log, DestinationStream>();

/** The two webhooks. */
export type Webhook = 'mutate' | 'validate';

// A name in a hostile body may be megabytes long.
const LONGEST = 300;
// A request can have a hundred.
const MOST_MESSAGES = 5;

/**
 * Writes the one line of a decision: who requested what for which object, and the outcome; never the object. Requests
 * that are not checked appear at level debug.
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
  const destination = level === 'info' && isOrdinary(record) ? destinations.get(log) : undefined;
  if (destination !== undefined) {
    destination.write(ordinaryLine(webhook, request, record, milliseconds));
    return;
  }
  log[level](
    {
      ...about(webhook, request),
      verdict: record.verdict,
      rules: unique(record.findings.map(({ rule }) => rule)),
      ...wouldDenyOf(record),
      ...messagesOf(record),
      kept: record.kept,
      ...(record.skipped.length === 0 ? {} : { skipped: unique(record.skipped.map(({ rule }) => rule)) }),
      ...(record.exempt === undefined ? {} : { exempt: cut(record.exempt) }),
      ...(record.breakGlass === undefined ? {} : { breakGlass: cut(record.breakGlass) }),
      ...(record.tripwire === undefined ? {} : { tripwire: cut(record.tripwire) }),
      ...(record.badPatch === undefined ? {} : { badPatch: cut(record.badPatch) }),
      ms: rounded(milliseconds),
    },
    'decided',
  );
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

function isOrdinary({ findings, skipped, kept, messages = [] }: DecisionRecord): boolean {
  return findings.length + skipped.length + kept.length + messages.length === 0;
}

// Nearly every line. It is the one that pino writes, for a third of the time.
function ordinaryLine(webhook: Webhook, request: Request, { verdict }: DecisionRecord, milliseconds: number): string {
  const { operation, kindId, kind, namespace, name, user, dryRun } = request;
  const text = (value: string): string => JSON.stringify(cut(value));
  return (
    `{"level":"info","time":"${new Date().toISOString()}","webhook":"${webhook}","uid":${text(request.uid)},` +
    `"operation":"${operation}","kind":${text(kindId ?? kind)},"namespace":${text(namespace)},"name":${text(name)},` +
    `"user":${text(user.username)},"dryRun":${dryRun},"verdict":"${verdict}","rules":[],"kept":[],` +
    `"ms":${rounded(milliseconds)},"msg":"decided"}\n`
  );
}

// What enforce mode would deny, by rule.
function wouldDenyOf({ findings }: DecisionRecord): { readonly wouldDeny?: readonly string[] } {
  const rules = unique(findings.filter(({ wouldDeny }) => wouldDeny === true).map(({ rule }) => rule));
  return rules.length === 0 ? {} : { wouldDeny: rules };
}

// Argo CD shows no warnings, so the log is where people read them.
function messagesOf({ messages = [] }: DecisionRecord): { readonly messages?: readonly string[] } {
  if (messages.length === 0) return {};
  const more = messages.length - MOST_MESSAGES;
  return { messages: [...messages.slice(0, MOST_MESSAGES).map(cut), ...(more > 0 ? [`and ${more} more`] : [])] };
}

/** Returns the fields that every line about a request has. */
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

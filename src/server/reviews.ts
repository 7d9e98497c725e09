import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { decisionContextOf } from '../admission/decisions.ts';
import type { DecisionRecord, Gate, GateAnswer, Limits } from '../admission/gate.ts';
import { allowed, reviewOf, unreadable, type AdmissionResponse } from '../admission/response.ts';
import { parseReview, type Request } from '../admission/review.ts';
import type { Policy } from '../policy/policy.ts';
import { parseGoDuration } from '../world/duration.ts';
import type { World } from '../world/world.ts';
import { readBody } from './body.ts';
import { onBehalfOf } from './caller.ts';
import type { BodyLanes, BodySlot } from './body-lanes.ts';
import { parseJson, shapeOf, type JsonShape } from './json-body.ts';
import { about, logDecision, type Log, type Webhook } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { ObjectEvents } from './object-events.ts';
import { json, problem, send, type Reply } from './reply.ts';
import { readHead } from './review-head.ts';
import { uncheckedAnswer, whyNotRead, type Unchecked } from './unchecked.ts';
import { messageOf, stackOf } from '../world/error.ts';

/** The parts of the webhooks. */
export interface ReviewParts {
  readonly gate: Pick<Gate, 'mutate' | 'validate'>;
  readonly world: World;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly limiter: BodyLanes;
  /** Where to record what enforce mode would deny, if anywhere. */
  readonly events?: Pick<ObjectEvents, 'record'> | undefined;
  /** How many Rollouts and other subjects one request may check; the others are reported as skipped. */
  readonly maxSubjects: number;
  /** How many operations one evaluation may take; the checks that do not finish are reported as skipped. */
  readonly maxOperations: number;
  policy(): Policy;
  /** Returns why a request is not checked, or undefined if it is. */
  exemptionOf(request: Request): string | undefined;
  /** Returns milliseconds since the epoch. */
  now(): number;
}

// The timeout that the API server uses if a webhook configuration sets none, and the longest that it may set. In
// seconds.
const DEFAULT_TIMEOUT = 10;
const LONGEST_TIMEOUT = 30;
// Fractions of the API server's timeout: the decision must be made within the first, the response sent within the
// second.
const DECISION_FRACTION = 0.8;
const RESPONSE_FRACTION = 0.9;
// How long a large body waits for its turn. The rest is for the decision.
const TURN_FRACTION = 0.5;
// Bytes that take a few milliseconds to parse. Others get their turn before the review is judged.
const PARSED_ALONE = 256 * 1024;
// A flood of requests must not cause a flood of log lines.
const SHED_LINE_PAUSE = 10_000;

/**
 * Returns the request listener of a webhook. A body that is an AdmissionReview always gets an AdmissionReview as the
 * response, also if it is too large to be checked; any other gets a 4xx and the reason. If too many requests are in
 * flight the response is 503, so that the failure policy of the webhook decides.
 */
export function reviewListener(
  webhook: Webhook,
  parts: ReviewParts,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { limiter, metrics, log, now } = parts;
  const timeoutOf = timeoutReader();
  let lastShedLine = -Infinity;
  const shed = (): Reply => {
    metrics.shed();
    if (now() - lastShedLine > SHED_LINE_PAUSE) {
      lastShedLine = now();
      log.warn({ webhook, inFlight: limiter.requests }, 'too many requests in progress; rejecting some');
    }
    return problem(503, 'too many requests in progress', { 'retry-after': '1' });
  };
  const reject = (status: number, error: string): Reply => {
    metrics.unreadable(webhook, status);
    return problem(status, error);
  };
  const unchecked = (bytes: Buffer, why: Unchecked, arrived: number): Reply => {
    const head = readHead(bytes);
    if (head === undefined) return why === 'no turn' ? shed() : reject(413, whyNotRead(why));
    const { response, record } = uncheckedAnswer(head, why, parts);
    const milliseconds = performance.now() - arrived;
    metrics.decided(webhook, head, record, milliseconds / 1000);
    logDecision(log, webhook, head, record, milliseconds);
    return json(200, reviewOf(response));
  };
  return (request, response) => {
    const arrived = performance.now();
    const type = request.headers['content-type'];
    if (!isJson(type) || !isPlain(request.headers['content-encoding'])) {
      return send(
        response,
        reject(
          415,
          `send an AdmissionReview with content type application/json, not ${type === undefined ? 'without one' : type.slice(0, 80)}`,
        ),
      );
    }
    const slot = limiter.open();
    void readBody(request, slot)
      .then(async (body): Promise<Reply | undefined> => {
        if (!body.ok) {
          if (body.why === 'aborted') return undefined;
          if (body.why === 'no room' && !slot.isLarge) return shed();
          return unchecked(body.head, body.why === 'no room' ? 'no turn' : 'too large', arrived);
        }
        const timeout = timeoutOf(request.url ?? '');
        const shape = shapeOf(body.bytes);
        const waitUntil = arrived + TURN_FRACTION * timeout;
        const ended = endedBy(response);
        const refusal = await enter(slot, { bytes: body.bytes, shape, waitUntil }, ended.signal);
        if (ended.signal.aborted) return undefined;
        if (refusal === 'no room') return shed();
        if (refusal !== undefined) return unchecked(body.bytes, refusal, arrived);
        const decideBy = now() + DECISION_FRACTION * timeout - (performance.now() - arrived);
        const times = { arrived, decideBy, timeout: RESPONSE_FRACTION * timeout };
        const address = request.socket.remoteAddress ?? '';
        return onBehalfOf(address, () => answer(webhook, { bytes: body.bytes, shape }, { times, ended }, parts));
      })
      .then((reply) => {
        if (reply !== undefined) send(response, reply);
      })
      .catch((error: unknown) => {
        log.error({ webhook, reason: messageOf(error) }, 'cannot answer a request');
        send(response, problem(500, FAILED));
      })
      .finally(() => slot.leave());
  };
}

interface ReadBody {
  readonly bytes: Buffer;
  readonly shape: JsonShape;
  /** On the clock of `performance`. */
  readonly waitUntil: number;
}

function enter(
  slot: BodySlot,
  { bytes, shape, waitUntil }: ReadBody,
  signal: AbortSignal,
): ReturnType<BodySlot['enter']> {
  return slot.enter(shape.weight, () => {
    const owner = readHead(bytes)?.namespace ?? '';
    return { owner, milliseconds: waitUntil - performance.now(), signal };
  });
}

interface Times {
  /** On the clock of `performance`. */
  readonly arrived: number;
  /** The deadline for the decision, in milliseconds since the epoch. */
  readonly decideBy: number;
  /** How long the API server waits for a response, in milliseconds from the arrival. */
  readonly timeout: number;
}

// Returns a function that reads the timeout from a URL, in milliseconds. The API server appends `?timeout=5s` from its
// webhook configuration, the same to every request, so the last result is cached.
function timeoutReader(): (url: string) => number {
  let known = '';
  let timeout = DEFAULT_TIMEOUT * 1000;
  return (url) => {
    if (url === known) return timeout;
    const query = url.indexOf('?');
    const given = query < 0 ? undefined : parseGoDuration(new URLSearchParams(url.slice(query)).get('timeout') ?? '');
    timeout = Math.min(given !== undefined && given > 0 ? given : DEFAULT_TIMEOUT, LONGEST_TIMEOUT) * 1000;
    known = url;
    return timeout;
  };
}

interface Waiting {
  readonly times: Times;
  /** Ends the work on the request. */
  readonly ended: AbortController;
}

const CLIENT_GONE = new Error('the client has gone');

function endedBy(response: ServerResponse): AbortController {
  const ended = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) ended.abort(CLIENT_GONE);
  });
  return ended;
}

// Returns nothing if the client has gone.
async function answer(
  webhook: Webhook,
  { bytes, shape }: Pick<ReadBody, 'bytes' | 'shape'>,
  waiting: Waiting,
  parts: ReviewParts,
): Promise<Reply | undefined> {
  const { metrics, log } = parts;
  const { times } = waiting;
  const body = parseJson(bytes, shape);
  if (bytes.length > PARSED_ALONE) await nextTurn();
  const parsed = body.ok ? parseReview(body.value) : { ok: false as const, uid: undefined, error: body.error };
  if (!parsed.ok) {
    metrics.unreadable(webhook, 400);
    return parsed.uid === undefined
      ? problem(400, parsed.error)
      : json(400, reviewOf(unreadable(parsed.uid, 400, parsed.error)));
  }
  const { request } = parsed;
  try {
    const { response, record } = await answerWithin(webhook, request, waiting, parts);
    const milliseconds = performance.now() - times.arrived;
    metrics.decided(webhook, request, record, milliseconds / 1000);
    logDecision(log, webhook, request, record, milliseconds);
    recordWouldBeDenied(request, record, parts);
    return json(200, reviewOf(response));
  } catch (error) {
    if (error === CLIENT_GONE) return undefined;
    metrics.failed(webhook, request, (performance.now() - times.arrived) / 1000);
    log.error({ ...about(webhook, request), reason: stackOf(error) }, 'internal error');
    return json(200, reviewOf(failureResponse(request, parts)));
  }
}

function recordWouldBeDenied({ object, dryRun }: Request, record: DecisionRecord, { events }: ReviewParts): void {
  if (events === undefined || dryRun || object === undefined) return;
  const rules = [...new Set(record.findings.flatMap(({ rule, wouldDeny }) => (wouldDeny === true ? [rule] : [])))];
  if (rules.length === 0) return;
  // Everybody who can read Events can read it, also those who may not get what the author of this write may.
  const [message = ''] = record.messages ?? [];
  const text =
    record.revealing === true || message === '' ? `enforce mode would deny this: ${rules.join(', ')}` : message;
  events.record(object, { reason: 'WouldBeDenied', rules, message: text });
}

async function answerWithin(
  webhook: Webhook,
  request: Request,
  { times, ended }: Waiting,
  { gate, maxSubjects, maxOperations }: ReviewParts,
): Promise<GateAnswer> {
  const limits: Limits = { deadline: times.decideBy, maxSubjects, maxOperations, signal: ended.signal };
  const decision = gate[webhook](request, limits);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        const error = new Error('timed out before a decision');
        reject(error);
        ended.abort(error);
      },
      Math.max(times.arrived + times.timeout - performance.now(), 0),
    );
  });
  try {
    return await Promise.race([decision, late]);
  } finally {
    clearTimeout(timer);
  }
}

const FAILED = 'internal error in Rollgate';

function failureResponse(request: Request, { policy, world }: ReviewParts): AdmissionResponse {
  const settings = settingsOf(request, policy(), world);
  if (settings.onInternalError === 'warn' || settings.mode === 'audit') {
    return allowed(request.uid, { warnings: [`${FAILED}: the request was allowed without being checked`] });
  }
  return {
    uid: request.uid,
    allowed: false,
    status: {
      code: 500,
      reason: 'InternalError',
      message: `${FAILED}, and its policy denies requests that it cannot check: try again, or contact the administrator of Rollgate`,
    },
  };
}

// The world itself may be what failed.
function settingsOf(request: Request, policy: Policy, world: World): Pick<Policy, 'onInternalError' | 'mode'> {
  try {
    return decisionContextOf(policy, world, false).settings(request.namespace);
  } catch {
    return policy;
  }
}

function isJson(type: string | undefined): boolean {
  return type !== undefined && (type === 'application/json' || /^application\/json\s*(;|$)/i.test(type));
}

function isPlain(encoding: string | undefined): boolean {
  return encoding === undefined || encoding === 'identity';
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { decisionContextOf } from '../admission/decisions.ts';
import type { Gate, GateAnswer, Limits } from '../admission/gate.ts';
import { allowed, reviewOf, unreadable, type AdmissionResponse } from '../admission/response.ts';
import { parseReview, type Request } from '../admission/review.ts';
import type { Policy } from '../policy/policy.ts';
import { parseGoDuration } from '../world/duration.ts';
import type { World } from '../world/world.ts';
import { MAX_BODY, parseJson, readBody, type InFlightLimiter } from './body.ts';
import { about, logDecision, type Log, type Webhook } from './log.ts';
import type { Metrics } from './metrics.ts';
import { json, problem, send, type Reply } from './reply.ts';
import { messageOf, stackOf } from '../world/error.ts';

/** What the webhooks are made of. */
export interface ReviewParts {
  readonly gate: Pick<Gate, 'mutate' | 'validate'>;
  readonly world: World;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly intake: InFlightLimiter;
  /** How many objects one request may have judged; the rest is reported as skipped. */
  readonly maxSubjects: number;
  policy(): Policy;
  /** Out: milliseconds since the epoch. */
  now(): number;
}

// What the API server waits when a webhook configuration does not say, and the longest that one may say.
const DEFAULT_TIMEOUT = 10;
const LONGEST_TIMEOUT = 30;
// Of the API server's time: judging must end by the first, an answer must be on its way by the second.
const FOR_JUDGING = 0.8;
const FOR_ANSWERING = 0.9;
// A flood of requests shall not be a flood of lines.
const SHED_LINE_PAUSE = 10_000;

/**
 * In: which webhook, and its parts. Out: its request listener. A body that is an AdmissionReview is answered with one
 * whatever happens; others with a 4xx and the reason; when too much is under way with 503, so that the failure policy
 * of the webhook decides.
 */
export function reviewListener(
  webhook: Webhook,
  parts: ReviewParts,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { intake, metrics, log, now } = parts;
  const timeoutOf = timeoutReader();
  let shedTold = -Infinity;
  const shed = (): Reply => {
    metrics.shed();
    if (now() - shedTold > SHED_LINE_PAUSE) {
      shedTold = now();
      log.warn({ webhook, inFlight: intake.requests }, 'too many requests are under way, some are turned away');
    }
    return problem(503, 'too many requests are under way', { 'retry-after': '1' });
  };
  const refuse = (status: number, error: string): Reply => {
    metrics.unreadable(webhook, status);
    return problem(status, error);
  };
  return (request, response) => {
    const arrived = performance.now();
    const type = request.headers['content-type'];
    if (!isJson(type) || !isPlain(request.headers['content-encoding'])) {
      return send(
        response,
        refuse(
          415,
          `an AdmissionReview is sent as application/json, not ${type === undefined ? 'without a content type' : `as ${type.slice(0, 80)}`}`,
        ),
      );
    }
    const place = intake.open();
    void readBody(request, place)
      .then((body) => {
        if (body.ok) {
          const timeout = timeoutOf(request.url ?? '');
          const judged = now() + FOR_JUDGING * timeout - (performance.now() - arrived);
          return answer(webhook, body.bytes, { arrived, judged, patience: FOR_ANSWERING * timeout }, parts);
        }
        if (body.why === 'no room') return shed();
        return body.why === 'too large' ? refuse(413, `the body is larger than ${MAX_BODY} bytes`) : undefined;
      })
      .then((reply) => {
        if (reply !== undefined) send(response, reply);
      })
      .catch((error: unknown) => {
        log.error({ webhook, reason: messageOf(error) }, 'a request could not be answered');
        send(response, problem(500, FAILED));
      })
      .finally(() => place.leave());
  };
}

interface Times {
  /** By the clock of `performance`. */
  readonly arrived: number;
  /** By when judging must have ended, in milliseconds since the epoch. */
  readonly judged: number;
  /** How long the API server can wait for an answer to be on its way, in milliseconds from the arrival. */
  readonly patience: number;
}

// The API server appends `?timeout=5s`, what its webhook configuration says: the same to every request, so that it is
// read once. In milliseconds.
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

async function answer(webhook: Webhook, bytes: Buffer, times: Times, parts: ReviewParts): Promise<Reply> {
  const { metrics, log } = parts;
  const body = parseJson(bytes);
  const parsed = body.ok ? parseReview(body.value) : { ok: false as const, uid: undefined, error: body.error };
  if (!parsed.ok) {
    metrics.unreadable(webhook, 400);
    return parsed.uid === undefined
      ? problem(400, parsed.error)
      : json(400, reviewOf(unreadable(parsed.uid, 400, parsed.error)));
  }
  const { request } = parsed;
  try {
    const { response, record } = await answerWithin(webhook, request, times, parts);
    const milliseconds = performance.now() - times.arrived;
    metrics.decided(webhook, request, record, milliseconds / 1000);
    logDecision(log, webhook, request, record, milliseconds);
    return json(200, reviewOf(response));
  } catch (error) {
    metrics.failed(webhook, request, (performance.now() - times.arrived) / 1000);
    log.error({ ...about(webhook, request), reason: stackOf(error) }, 'failed internally');
    return json(200, reviewOf(undecided(request, parts)));
  }
}

async function answerWithin(
  webhook: Webhook,
  request: Request,
  times: Times,
  { gate, maxSubjects }: ReviewParts,
): Promise<GateAnswer> {
  const limits: Limits = { deadline: times.judged, maxSubjects };
  const judging = gate[webhook](request, limits);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error('there was no answer in time')),
      Math.max(times.arrived + times.patience - performance.now(), 0),
    );
  });
  try {
    return await Promise.race([judging, late]);
  } finally {
    clearTimeout(timer);
  }
}

const FAILED = 'rollgate failed internally';

function undecided(request: Request, { policy, world }: ReviewParts): AdmissionResponse {
  const settings = settingsOf(request, policy(), world);
  if (settings.onInternalError === 'warn' || settings.mode === 'audit') {
    return allowed(request.uid, { warnings: [`${FAILED}; this request was let through without being judged`] });
  }
  return {
    uid: request.uid,
    allowed: false,
    status: {
      code: 500,
      reason: 'InternalError',
      message: `${FAILED}, and its policy refuses what it cannot judge: try again, or tell whoever runs Rollgate`,
    },
  };
}

// The world may be what failed.
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

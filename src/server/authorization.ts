import { createHash } from 'node:crypto';
import type {
  AuthenticationV1Api,
  AuthorizationV1Api,
  V1NonResourceAttributes,
  V1ResourceAttributes,
} from '@kubernetes/client-node';
import { userInfo, type UserInfo } from '../admission/review.ts';
import { requestOptions } from '../cluster/request-options.ts';
import { KINDS, type KindId } from '../world/object.ts';
import { AnswerCache, type AnswerLimits } from './answer-cache.ts';
import { currentAddress } from './caller.ts';
import { FailureBudget, type FailureLimits } from './failure-budget.ts';
import { NotAskedError, QuestionLimiter, type Caller, type QuestionLimits } from './question-limiter.ts';

/**
 * Authenticates users and checks their permissions. Every method rejects with an Error if the API server cannot answer;
 * callers must not treat that as permission.
 */
export interface Authorizer {
  /** Returns the user of a bearer token, or undefined if the token is invalid. */
  authenticate(token: string): Promise<UserInfo | undefined>;
  /** Reports whether the user may use the dry run. */
  mayUse(user: UserInfo): Promise<boolean>;
  /**
   * Reports whether the user may get and list the objects of a kind in a namespace.
   * @param namespace - Empty for all namespaces, or for a cluster-scoped kind.
   */
  mayRead(user: UserInfo, kind: KindId, namespace: string): Promise<boolean>;
  /** Reports whether the user may get one object. */
  mayGet(user: UserInfo, kind: KindId, namespace: string, name: string): Promise<boolean>;
  /** Reports whether the user may suspend Rollgate for an object in the namespace. */
  mayBreakGlass(user: UserInfo, namespace: string): Promise<boolean>;
  /** Reports whether the user may create Rollouts in the namespace. */
  mayCreateRollouts(user: UserInfo, namespace: string): Promise<boolean>;
}

/**
 * The outcome of a question to the API server. `allowed` and `denied` are its answers, `error` means that it had none.
 * The others are not asked: the answer to the same question was `remembered`, or the question was `shed`.
 */
export type QuestionResult = 'allowed' | 'denied' | 'remembered' | 'shed' | 'error';

/** Who has a token (`token`), or whether a user may do something (`access`). */
export type QuestionKind = 'token' | 'access';

/** Counts questions to the API server. */
export interface QuestionMetrics {
  /** Counts the outcome of a question. */
  question(question: QuestionKind, result: QuestionResult): void;
  /** Adds a gauge of the questions under way. */
  questionsInFlight(count: (question: QuestionKind) => number): void;
}

/** Options of `clusterAuthorizer`. */
export interface AuthorizerOptions {
  readonly authentication: Pick<AuthenticationV1Api, 'createTokenReview'>;
  readonly authorization: Pick<AuthorizationV1Api, 'createSubjectAccessReview'>;
  /** Milliseconds that one request to the API server may take. */
  readonly timeout?: number;
  /** Returns milliseconds of a monotonic clock. */
  readonly now?: () => number;
  readonly metrics?: QuestionMetrics;
}

const TIMEOUT = 2_000;
// With the timeout this is less than the time that a review has by default.
const WAIT = 1_500;
// Rollgate asks few questions, and the API server answers most of them in a few milliseconds. There is room for a
// question of each review in progress (`--max-in-flight`): then no forged user drives out a genuine one, even if both
// come from one address.
const LIMITS: Readonly<Record<QuestionKind, QuestionLimits>> = {
  token: { underWay: 8, waiting: 64, wait: WAIT },
  access: { underWay: 16, waiting: 512, wait: WAIT },
};
// Permissions may be revoked: for this long, in milliseconds, an answer is cached and the change goes unnoticed.
const GRANTS: AnswerLimits = { time: 10_000, entries: 10_000 };
// Somebody who was just granted something must not wait for long.
const REFUSALS: AnswerLimits = { time: 3_000, entries: 2_000 };
// A client has one token, or a few. It cannot tell an invalid one from a valid one faster than this.
const INVALID_TOKENS: FailureLimits = { burst: 32, perSecond: 4, callers: 1_000 };
const ERRORS: FailureLimits = { burst: 16, perSecond: 2, callers: 1_000 };
// Visible ASCII. Tokens of service accounts are 1 KiB long, those of identity providers with many groups some KiB.
const TOKEN = /^[!-~]{1,16384}$/;
// Characters of JSON. The API server accepts requests of 3 MiB. No identity provider has users of this size.
const LARGEST_USER = 256 * 1024;

/**
 * Returns an authorizer that uses TokenReview and SubjectAccessReview. It limits its questions by the caller that they
 * are asked for (`onBehalfOf`): first the address, then the user. Grants are cached for ten seconds, refusals for three,
 * tokens only by their hash.
 */
export function clusterAuthorizer(options: AuthorizerOptions): Authorizer {
  const { authentication, authorization, timeout = TIMEOUT, now = () => performance.now(), metrics } = options;
  const request = requestOptions(timeout, now);
  const tokens = new Questions<UserInfo | undefined>('token', {
    isRefusal: (user) => user === undefined,
    refusals: new FailureBudget(INVALID_TOKENS, now),
    now,
    metrics,
  });
  const access = new Questions<boolean>('access', { isRefusal: (allowed) => !allowed, now, metrics });
  metrics?.questionsInFlight((question) => (question === 'token' ? tokens : access).underWay);
  const may = (
    user: UserInfo,
    what: { resourceAttributes: V1ResourceAttributes } | { nonResourceAttributes: V1NonResourceAttributes },
  ): Promise<boolean> => {
    const key = JSON.stringify([user, what]);
    if (key.length > LARGEST_USER)
      return access.shed(new NotAskedError('overload', 'the user is too large to ask about'));
    return access.ask(key, [currentAddress(), user.username], async () => {
      const spec = {
        user: user.username,
        uid: user.uid,
        groups: [...user.groups],
        extra: mutable(user.extra),
        ...what,
      };
      const review = await authorization.createSubjectAccessReview({ body: { spec } }, request);
      return review.status?.allowed === true && review.status.denied !== true;
    });
  };
  return {
    authenticate(token) {
      if (!TOKEN.test(token)) return tokens.shed();
      return tokens.ask(token, [currentAddress()], async () => {
        const { status } = await authentication.createTokenReview({ body: { spec: { token } } }, request);
        return status?.authenticated === true && status.user?.username !== undefined
          ? userInfo(status.user)
          : undefined;
      });
    },
    mayUse: (user) => may(user, { nonResourceAttributes: { path: '/v1/dry-run', verb: 'create' } }),
    async mayRead(user, kind, namespace) {
      const { group, plural, namespaced } = KINDS[kind];
      const attributes = { group, resource: plural, ...(namespaced && namespace !== '' ? { namespace } : {}) };
      const verbs = await Promise.all(
        ['get', 'list'].map((verb) => may(user, { resourceAttributes: { ...attributes, verb } })),
      );
      return verbs.every(Boolean);
    },
    mayGet: (user, kind, namespace, name) =>
      may(user, {
        resourceAttributes: { group: KINDS[kind].group, resource: KINDS[kind].plural, verb: 'get', namespace, name },
      }),
    mayCreateRollouts: (user, namespace) =>
      may(user, { resourceAttributes: { group: 'argoproj.io', resource: 'rollouts', verb: 'create', namespace } }),
    mayBreakGlass: (user, namespace) =>
      may(user, {
        resourceAttributes: {
          group: 'rollgate.io',
          resource: 'overrides',
          verb: 'break-glass',
          ...(namespace === '' ? {} : { namespace }),
        },
      }),
  };
}

function mutable(extra: UserInfo['extra']): Record<string, string[]> {
  return Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
}

interface QuestionsOptions<T> {
  isRefusal(answer: T): boolean;
  /** How many refusals an address may cause; without it any number. */
  readonly refusals?: FailureBudget;
  now(): number;
  readonly metrics: QuestionMetrics | undefined;
}

/** The questions of one kind: remembered, or asked within limits. */
class Questions<T> {
  readonly #kind: QuestionKind;
  readonly #options: QuestionsOptions<T>;
  readonly #answers: AnswerCache<T>;
  readonly #errors: FailureBudget;
  readonly #limiter: QuestionLimiter<T>;

  constructor(kind: QuestionKind, options: QuestionsOptions<T>) {
    this.#kind = kind;
    this.#options = options;
    const { isRefusal, now } = options;
    this.#answers = new AnswerCache({ isRefusal, grants: GRANTS, refusals: REFUSALS, now });
    this.#errors = new FailureBudget(ERRORS, now);
    this.#limiter = new QuestionLimiter(LIMITS[kind], ([address]) => this.#whyNot(address));
  }

  get underWay(): number {
    return this.#limiter.underWay;
  }

  async ask(text: string, caller: Caller, question: () => Promise<T>): Promise<T> {
    // Texts may be long or secret.
    const key = createHash('sha256').update(text).digest('base64');
    const known = this.#answers.get(key);
    if (known !== undefined) {
      this.#count('remembered');
      return known.answer;
    }
    let asked = false;
    try {
      const answer = await this.#limiter.ask(key, caller, (turn) => {
        asked = true;
        return this.#answerOf(key, turn, question);
      });
      if (!asked) this.#count('remembered');
      return answer;
    } catch (error) {
      if (error instanceof NotAskedError) this.#count('shed');
      else if (!asked) this.#count('error');
      throw error;
    }
  }

  /** Counts a question that is not even worth a place in the queue. Rejects with the error, or answers undefined. */
  shed(): Promise<undefined>;
  shed(error: Error): Promise<never>;
  shed(error?: Error): Promise<undefined> {
    this.#count('shed');
    return error === undefined ? Promise.resolve(undefined) : Promise.reject(error);
  }

  async #answerOf(key: string, [address]: Caller, question: () => Promise<T>): Promise<T> {
    const { isRefusal, refusals, now } = this.#options;
    const askedAt = now();
    try {
      const answer = await question();
      this.#answers.set(key, answer, askedAt);
      const refused = isRefusal(answer);
      if (refused) refusals?.spend(address);
      this.#count(refused ? 'denied' : 'allowed');
      return answer;
    } catch (error) {
      this.#errors.spend(address);
      this.#count('error');
      throw error;
    }
  }

  #whyNot(address: string): NotAskedError | undefined {
    if (this.#errors.isSpent(address))
      return new NotAskedError('failing', 'the API server failed to answer repeatedly');
    if (this.#options.refusals?.isSpent(address) === true)
      return new NotAskedError('overload', 'too many questions of this client were refused');
    return undefined;
  }

  #count(result: QuestionResult): void {
    this.#options.metrics?.question(this.#kind, result);
  }
}

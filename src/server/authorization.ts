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

/**
 * Who somebody is and what he may do. Every method rejects with an Error when that cannot be told, which is never a
 * yes.
 */
export interface Authorizer {
  /** In: a bearer token. Out: whose it is, or undefined if it is nobody's. */
  authenticate(token: string): Promise<UserInfo | undefined>;
  /** In: a user. Out: whether he may use the dry run. */
  mayUse(user: UserInfo): Promise<boolean>;
  /**
   * In: a user, a kind and a namespace (empty: all of them, or a cluster-scoped kind). Out: whether he may get and list
   * the objects there.
   */
  mayRead(user: UserInfo, kind: KindId, namespace: string): Promise<boolean>;
  /** In: a user and a namespace. Out: whether he may suspend Rollgate for an object there. */
  mayBreakGlass(user: UserInfo, namespace: string): Promise<boolean>;
  /** In: a user and a namespace. Out: whether he may create Rollouts there. */
  mayCreateRollouts(user: UserInfo, namespace: string): Promise<boolean>;
}

/** What asking an API server takes. */
export interface AuthorizerOptions {
  readonly authentication: Pick<AuthenticationV1Api, 'createTokenReview'>;
  readonly authorization: Pick<AuthorizationV1Api, 'createSubjectAccessReview'>;
  /** Milliseconds that one question may take. */
  readonly timeout?: number;
  /** Out: milliseconds, of a clock that never goes back. */
  readonly now?: () => number;
}

const TIMEOUT = 2_000;
// What was answered may be revoked: this is how long that may go unnoticed.
const REMEMBERED = 10_000;
// Unknown tokens cost the sender nothing, so that only so many are remembered.
const MOST_REMEMBERED = 2_000;

/**
 * In: an API server's authentication and authorization APIs. Out: who may do what, by TokenReview and
 * SubjectAccessReview; answers are remembered for ten seconds, tokens only by their hash.
 */
export function clusterAuthorizer(options: AuthorizerOptions): Authorizer {
  const { authentication, authorization, timeout = TIMEOUT, now = () => performance.now() } = options;
  const users = new Memory<UserInfo | undefined>(now);
  const permissions = new Memory<boolean>(now);
  const request = requestOptions(timeout, now);
  const may = (
    user: UserInfo,
    what: { resourceAttributes: V1ResourceAttributes } | { nonResourceAttributes: V1NonResourceAttributes },
  ): Promise<boolean> =>
    permissions.recall(JSON.stringify([user, what]), async () => {
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
  return {
    authenticate: (token) =>
      users.recall(createHash('sha256').update(token).digest('base64'), async () => {
        const { status } = await authentication.createTokenReview({ body: { spec: { token } } }, request);
        return status?.authenticated === true && status.user?.username !== undefined
          ? userInfo(status.user)
          : undefined;
      }),
    mayUse: (user) => may(user, { nonResourceAttributes: { path: '/v1/dry-run', verb: 'create' } }),
    async mayRead(user, kind, namespace) {
      const { group, plural, namespaced } = KINDS[kind];
      const attributes = { group, resource: plural, ...(namespaced && namespace !== '' ? { namespace } : {}) };
      const verbs = await Promise.all(
        ['get', 'list'].map((verb) => may(user, { resourceAttributes: { ...attributes, verb } })),
      );
      return verbs.every(Boolean);
    },
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

/** Answers that were given a short while ago, or are being asked for. */
class Memory<T> {
  readonly #answers = new Map<string, { readonly at: number; readonly value: Promise<T> }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  recall(question: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(question);
    if (known !== undefined && this.#now() - known.at < REMEMBERED) return known.value;
    const value = ask();
    // A Map keeps the order of insertion: the first is the oldest.
    this.#answers.delete(question);
    this.#answers.set(question, { at: this.#now(), value });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MOST_REMEMBERED && oldest !== undefined) this.#answers.delete(oldest);
    value.catch(() => this.#answers.delete(question));
    return value;
  }
}

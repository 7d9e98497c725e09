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
  /** Reports whether the user may suspend Rollgate for an object in the namespace. */
  mayBreakGlass(user: UserInfo, namespace: string): Promise<boolean>;
  /** Reports whether the user may create Rollouts in the namespace. */
  mayCreateRollouts(user: UserInfo, namespace: string): Promise<boolean>;
}

/** Options of `clusterAuthorizer`. */
export interface AuthorizerOptions {
  readonly authentication: Pick<AuthenticationV1Api, 'createTokenReview'>;
  readonly authorization: Pick<AuthorizationV1Api, 'createSubjectAccessReview'>;
  /** Milliseconds that one request to the API server may take. */
  readonly timeout?: number;
  /** Returns milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

const TIMEOUT = 2_000;
// Permissions may be revoked: for this long, in milliseconds, an answer is cached and the change goes unnoticed.
const CACHE_TIME = 10_000;
// Unknown tokens cost the sender nothing, so the cache is limited.
const MOST_CACHED = 2_000;

/**
 * Returns an authorizer that uses TokenReview and SubjectAccessReview. Answers are cached for ten seconds, tokens only
 * by their hash.
 */
export function clusterAuthorizer(options: AuthorizerOptions): Authorizer {
  const { authentication, authorization, timeout = TIMEOUT, now = () => performance.now() } = options;
  const users = new AnswerCache<UserInfo | undefined>(now);
  const permissions = new AnswerCache<boolean>(now);
  const request = requestOptions(timeout, now);
  const may = (
    user: UserInfo,
    what: { resourceAttributes: V1ResourceAttributes } | { nonResourceAttributes: V1NonResourceAttributes },
  ): Promise<boolean> =>
    permissions.get(JSON.stringify([user, what]), async () => {
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
      users.get(createHash('sha256').update(token).digest('base64'), async () => {
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

/** Caches answers for a short time, and shares those that are still pending. */
class AnswerCache<T> {
  readonly #answers = new Map<string, { readonly at: number; readonly value: Promise<T> }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(key: string, request: () => Promise<T>): Promise<T> {
    const cached = this.#answers.get(key);
    if (cached !== undefined && this.#now() - cached.at < CACHE_TIME) return cached.value;
    const value = request();
    // A Map keeps the order of insertion: the first is the oldest.
    this.#answers.delete(key);
    this.#answers.set(key, { at: this.#now(), value });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MOST_CACHED && oldest !== undefined) this.#answers.delete(oldest);
    value.catch(() => this.#answers.delete(key));
    return value;
  }
}

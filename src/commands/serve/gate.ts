import { exemption, knownAccounts } from '../../admission/exempt.ts';
import { Gate, type GateParts } from '../../admission/gate.ts';
import type { Request, UserInfo } from '../../admission/review.ts';
import { PRESERVERS } from '../../preserve/index.ts';
import { RULES } from '../../rules/index.ts';
import type { Authorizer } from '../../server/authorization.ts';
import type { FollowUps } from '../../server/follow-ups.ts';
import type { Log } from '../../server/log.ts';
import { NotAskedError } from '../../server/question-limiter.ts';
import { messageOf } from '../../world/error.ts';
import { kindOf, namespaceOf } from '../../world/object.ts';
import type { Source } from './source.ts';
import type { ServeState } from './state.ts';

/** Returns the gate over a world. Over manifests nobody may break the glass, and everybody may create Rollouts. */
export function gateOver(
  { world, cluster }: Source,
  state: ServeState,
  followUps: Pick<FollowUps, 'add'>,
  log: Log,
): Gate {
  return new Gate({
    world,
    live: cluster?.live,
    rules: RULES,
    keeps: PRESERVERS,
    policy: state.policy,
    discovered: () => state.discovered().trusted,
    untrusted: () => state.discovered().untrusted,
    self: cluster?.self,
    tolerated: (subject, findings) => followUps.add(subject, findings),
    converts: cluster === undefined || cluster.converts === true,
    now: Date.now,
    ...(cluster?.protection === undefined ? {} : { protection: cluster.protection }),
    pause: () => new Promise((resolve) => void setImmediate(resolve)),
    ...(cluster === undefined ? {} : rightsBy(cluster.authorizer, cluster.self, log)),
  });
}

/** Returns a function that returns why a request is not checked, or undefined. */
export function exemptionsOver(
  { world, cluster }: Source,
  state: ServeState,
): (request: Request) => string | undefined {
  return (request) => {
    const policy = state.policy();
    const { trusted, untrusted } = state.discovered();
    const { exempt } = knownAccounts(policy, trusted, untrusted, cluster?.self);
    return exemption(request, policy, exempt, world);
  };
}

// A flood of requests must not cause a flood of log lines.
const NOT_ASKED_LINE_PAUSE = 10_000;

type Rights = Pick<GateParts, 'mayGet' | 'mayBreakGlass' | 'mayCreateRollouts' | 'mayConvert'>;

function rightsBy(authorizer: Authorizer, self: string | undefined, log: Log): Rights {
  let lastNotAskedLine = -Infinity;
  const warn = (error: unknown, line: string): void => {
    if (error instanceof NotAskedError) {
      if (performance.now() - lastNotAskedLine < NOT_ASKED_LINE_PAUSE) return;
      lastNotAskedLine = performance.now();
    }
    log.warn({ reason: messageOf(error) }, line);
  };
  const own = self === undefined ? undefined : serviceAccount(self);
  return {
    async mayGet(user, object) {
      const kind = kindOf(object);
      if (kind === undefined) return false;
      try {
        return await authorizer.mayGet(user, kind, namespaceOf(object), object.metadata.name);
      } catch (error) {
        warn(error, 'cannot check with the API server who may get an object of another namespace; only warning');
        return undefined;
      }
    },
    async mayBreakGlass(user, namespace) {
      try {
        return await authorizer.mayBreakGlass(user, namespace);
      } catch (error) {
        warn(error, 'cannot check with the API server who may use break-glass; ignoring the annotation');
        return undefined;
      }
    },
    async mayCreateRollouts(user, namespace) {
      try {
        return await authorizer.mayCreateRollouts(user, namespace);
      } catch (error) {
        warn(error, 'cannot check with the API server who may create Rollouts; not converting the Deployment');
        return undefined;
      }
    },
    ...(own === undefined
      ? {}
      : {
          async mayConvert(namespace: string) {
            try {
              return await authorizer.mayCreateRollouts(own, namespace);
            } catch (error) {
              warn(error, 'cannot check the rights of Rollgate with the API server; not converting the Deployment');
              return undefined;
            }
          },
        }),
  };
}

// As the API server authenticates a service account. The groups matter where rights are granted to all accounts.
function serviceAccount(username: string): UserInfo | undefined {
  const [, namespace] = /^system:serviceaccount:([^:]+):[^:]+$/.exec(username) ?? [];
  if (namespace === undefined) return undefined;
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  return { username, groups, uid: '', extra: {} };
}

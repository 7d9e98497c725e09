import { Gate, type GateParts } from '../../admission/gate.ts';
import { PRESERVERS } from '../../preserve/index.ts';
import { RULES } from '../../rules/index.ts';
import type { Authorizer } from '../../server/authorization.ts';
import type { Log } from '../../server/log.ts';
import { NotAskedError } from '../../server/question-limiter.ts';
import { messageOf } from '../../world/error.ts';
import type { Source } from './source.ts';
import type { ServeState } from './state.ts';

/** Returns the gate over a world. Over manifests nobody may break the glass, and everybody may create Rollouts. */
export function gateOver({ world, cluster }: Source, state: ServeState, log: Log): Gate {
  return new Gate({
    world,
    live: cluster?.live,
    rules: RULES,
    keeps: PRESERVERS,
    policy: state.policy,
    discovered: () => state.discovered().trusted,
    untrusted: () => state.discovered().untrusted,
    self: cluster?.self,
    converts: cluster === undefined || cluster.converts === true,
    now: Date.now,
    ...(cluster?.protection === undefined ? {} : { protection: cluster.protection }),
    ...(cluster === undefined ? {} : rightsBy(cluster.authorizer, log)),
  });
}

// A flood of requests must not cause a flood of log lines.
const NOT_ASKED_LINE_PAUSE = 10_000;

function rightsBy(authorizer: Authorizer, log: Log): Pick<GateParts, 'mayBreakGlass' | 'mayCreateRollouts'> {
  let lastNotAskedLine = -Infinity;
  const warn = (error: unknown, line: string): void => {
    if (error instanceof NotAskedError) {
      if (performance.now() - lastNotAskedLine < NOT_ASKED_LINE_PAUSE) return;
      lastNotAskedLine = performance.now();
    }
    log.warn({ reason: messageOf(error) }, line);
  };
  return {
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
  };
}

import { Gate, type GateParts } from '../../admission/gate.ts';
import { PRESERVERS } from '../../preserve/index.ts';
import { RULES } from '../../rules/index.ts';
import type { Authorizer } from '../../server/authorization.ts';
import type { Log } from '../../server/log.ts';
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
    discovered: state.discovered,
    self: cluster?.self,
    converts: cluster === undefined || cluster.converts === true,
    now: Date.now,
    ...(cluster === undefined ? {} : rightsBy(cluster.authorizer, log)),
  });
}

function rightsBy(authorizer: Authorizer, log: Log): Pick<GateParts, 'mayBreakGlass' | 'mayCreateRollouts'> {
  return {
    async mayBreakGlass(user, namespace) {
      try {
        return await authorizer.mayBreakGlass(user, namespace);
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'the API server could not be asked who may break the glass; nobody may');
        return undefined;
      }
    },
    async mayCreateRollouts(user, namespace) {
      try {
        return await authorizer.mayCreateRollouts(user, namespace);
      } catch (error) {
        log.warn(
          { reason: messageOf(error) },
          'the API server could not be asked who may create Rollouts; nothing is converted',
        );
        return undefined;
      }
    },
  };
}

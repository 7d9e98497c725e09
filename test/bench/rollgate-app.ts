import type { RequestListener } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Gate } from '../../src/admission/gate.ts';
import { DOCUMENT_RULES } from '../../src/documents/index.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { RULES } from '../../src/rules/index.ts';
import { createApp } from '../../src/server/app.ts';
import { BodyLanes } from '../../src/server/body-lanes.ts';
import { DryRuns } from '../../src/server/dryrun.ts';
import { InFlightLimiter } from '../../src/server/in-flight-limiter.ts';
import { standardOutput } from '../../src/server/log-sink.ts';
import { createLog } from '../../src/server/log.ts';
import { Metrics } from '../../src/server/metrics.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { supportedRange } from '../../src/world/rollouts-versions.ts';
import { storeOf } from '../../src/world/store.ts';

// A list of its own at every call would be taken for a change of the controllers.
const CONTROLLERS = ['system:serviceaccount:argo-rollouts:argo-rollouts'];

/** Returns the real app, with objects in its cache. It decides and logs every request, as in production. */
export function rollgateApp(objects: readonly KubeObject[]): RequestListener {
  const world = storeOf(objects);
  const policy = (): typeof DEFAULT_POLICY => DEFAULT_POLICY;
  const log = createLog('info', standardOutput());
  const limiter = new BodyLanes({ requests: 1_000, weight: 256 * 1024 * 1024 });
  const metrics = new Metrics({
    version: 'bench',
    rules: RULES.map(({ id }) => id),
    keeps: PRESERVERS.map(({ id }) => id),
    inFlight: () => limiter.requests,
    droppedLogLines: () => 0,
    keepsOff: () => false,
    untrustedControllers: () => 0,
    versions: () => supportedRange([]),
    caches: () => [],
    cacheBytes: () => 0,
  });
  const gate = new Gate({
    world,
    rules: RULES,
    keeps: PRESERVERS,
    policy,
    discovered: () => CONTROLLERS,
    pause: () => nextTurn(),
    now: Date.now,
  });
  return createApp({
    reviews: {
      gate,
      world,
      policy,
      exemptionOf: () => undefined,
      metrics,
      log,
      limiter,
      maxSubjects: 1_000,
      maxOperations: 500_000,
      now: Date.now,
    },
    dryRun: {
      dryRuns: new DryRuns({ world, log }),
      policy,
      limiter: new InFlightLimiter({ requests: 16, bytes: 32 * 1024 * 1024 }),
      metrics,
      log,
      authorizer: undefined,
    },
    rules: RULES,
    documentRules: DOCUMENT_RULES,
    keeps: PRESERVERS,
    log,
  });
}

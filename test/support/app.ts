import type { RequestListener } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { exemption, knownAccounts } from '../../src/admission/exempt.ts';
import { Gate, type GateParts } from '../../src/admission/gate.ts';
import { DOCUMENT_RULES } from '../../src/documents/index.ts';
import { PRESERVERS } from '../../src/preserve/index.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/policy/policy.ts';
import { virtualServiceRouteExists } from '../../src/rules/virtualservice-route-exists/rule.ts';
import { createApp } from '../../src/server/app.ts';
import type { Authorizer } from '../../src/server/authorization.ts';
import { BodyLanes } from '../../src/server/body-lanes.ts';
import { InFlightLimiter } from '../../src/server/in-flight-limiter.ts';
import { DryRuns } from '../../src/server/dryrun.ts';
import { createLog, type Log } from '../../src/server/log.ts';
import { Metrics } from '../../src/server/metrics.ts';
import type { ReviewParts } from '../../src/server/reviews.ts';
import { bundleWorld, parseManifests, placeObjects } from '../../src/world/manifests.ts';
import type { ObjectStore } from '../../src/world/store.ts';
import { supportedRange } from '../../src/world/rollouts-versions.ts';

/** Options of a test app. */
export interface AppOptions {
  readonly gate?: Partial<GateParts> | ReviewParts['gate'];
  readonly policy?: Partial<Policy>;
  readonly authorizer?: Authorizer;
  readonly limiter?: BodyLanes;
  readonly events?: ReviewParts['events'];
  /** Milliseconds that the next dry run may take. Default: ten minutes, for a starved machine is no slow dry run. */
  readonly dryRunTimeLimit?: () => number;
}

/** The product's app over a world of manifests, and what it wrote. */
export interface TestApp {
  readonly app: RequestListener;
  readonly world: ObjectStore;
  readonly metrics: Metrics;
  readonly log: Log;
  /** The lines of its log. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** Ends the worker thread of the dry runs. */
  stop(): Promise<void>;
}

/** The service account of the Argo Rollouts controller in tests. */
export const CONTROLLER = 'system:serviceaccount:argo-rollouts:argo-rollouts';

/** Returns a world of the objects in a YAML text. */
export function worldOf(yaml: string): ObjectStore {
  const { sources } = placeObjects(parseManifests(yaml, 'test').objects);
  return bundleWorld(sources.map(({ object }) => object));
}

/**
 * Creates an app over a world of manifests. Its gate has a single rule, so that changes of the catalogue do not affect
 * these tests.
 */
export function testApp(manifests: string, options: AppOptions = {}): TestApp {
  const lines: Readonly<Record<string, unknown>>[] = [];
  const log = createLog('debug', {
    write: (line: string) => void lines.push(JSON.parse(line) as Readonly<Record<string, unknown>>),
  });
  const world = worldOf(manifests);
  const policy = (): Policy => ({ ...DEFAULT_POLICY, ...options.policy });
  const limiter = options.limiter ?? new BodyLanes({ requests: 100, weight: 96 * 1024 * 1024 });
  const rules = [virtualServiceRouteExists];
  const metrics = new Metrics({
    version: 'test',
    rules: rules.map(({ id }) => id),
    keeps: PRESERVERS.map(({ id }) => id),
    inFlight: () => limiter.requests,
    droppedLogLines: () => 0,
    keepsOff: () => false,
    untrustedControllers: () => 0,
    versions: () => supportedRange([]),
    caches: () => [],
    cacheBytes: () => 0,
  });
  const given = options.gate ?? {};
  const gate =
    'validate' in given
      ? given
      : new Gate({
          world,
          rules,
          keeps: PRESERVERS,
          policy,
          discovered: () => [CONTROLLER],
          pause: () => setImmediate(),
          now: Date.now,
          ...given,
        });
  const limit = options.dryRunTimeLimit ?? (() => 600_000);
  const dryRuns = new DryRuns({
    world,
    log,
    get timeLimit() {
      return limit();
    },
  });
  const app = createApp({
    reviews: {
      gate,
      world,
      policy,
      exemptionOf: (review) =>
        exemption(review, policy(), knownAccounts(policy(), [CONTROLLER], [], undefined).exempt, world),
      metrics,
      log,
      events: options.events,
      limiter,
      maxSubjects: 1_000,
      maxOperations: 500_000,
      now: Date.now,
    },
    dryRun: {
      dryRuns,
      authorizer: options.authorizer,
      policy,
      limiter: new InFlightLimiter({ requests: 16, bytes: 32 * 1024 * 1024 }),
      metrics,
      log,
    },
    rules,
    documentRules: DOCUMENT_RULES,
    keeps: PRESERVERS,
    log,
  });
  return { app, world, metrics, log, lines, stop: () => dryRuns.stop() };
}

/**
 * Returns the value of a series, or undefined.
 *
 * @param series - Name and labels as Prometheus writes them.
 */
export async function metric(metrics: Metrics, series: string): Promise<number | undefined> {
  const lines = (await metrics.registry.metrics()).split('\n');
  const line = lines.find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

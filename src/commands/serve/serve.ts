import { POLICY_CATALOG } from '../../admission/policy-catalog.ts';
import { DOCUMENT_RULES } from '../../documents/index.ts';
import { trustsNoController } from '../../policy/warnings.ts';
import { PRESERVERS } from '../../preserve/index.ts';
import { RULES } from '../../rules/index.ts';
import { createApp } from '../../server/app.ts';
import { BodyLanes } from '../../server/body-lanes.ts';
import { InFlightLimiter } from '../../server/in-flight-limiter.ts';
import { DryRuns } from '../../server/dryrun.ts';
import type { HealthCheck } from '../../server/health.ts';
import { DriftWatch, type DriftWatchParts } from '../../server/drift-watch.ts';
import { FollowUps, type FollowUpsParts } from '../../server/follow-ups.ts';
import { ObjectEvents } from '../../server/object-events.ts';
import { KeepsState } from '../../server/keeps-state.ts';
import { ControllersState } from '../../server/controllers-state.ts';
import type { Log } from '../../server/log.ts';
import { Metrics } from '../../server/metrics.ts';
import { NamespaceLabels } from '../../server/namespace-labels.ts';
import { PolicyFile } from '../../server/policy-file.ts';
import type { DrainLimits } from '../../server/drain.ts';
import { startServer, type RunningServer } from '../../server/server.ts';
import type { CertificateSource } from '../../server/tls.ts';
import { returnUnusedMemory } from '../../server/unused-memory.ts';
import { VERSION } from '../../version.ts';
import { certificateOf } from './certificate.ts';
import { exemptionsOver, gateOver } from './gate.ts';
import { POLL_INTERVAL, type ServeOptions } from './options.ts';
import { RunningParts } from './parts.ts';
import { clusterSource, connectToCluster, manifestSource, type Connect, type Source } from './source.ts';
import { ServeState } from './state.ts';
import { warmUp } from './warm-up.ts';

/** What serving is given from outside. */
export interface ServeDependencies {
  /** By default with the client library. */
  readonly connect?: Connect;
  readonly log: Log;
  /** Returns how many lines of the log were dropped. */
  droppedLogLines(): number;
  /** How to stop: by default slowly enough for endpoints to update where there is a cluster, else at once. */
  readonly drain?: DrainLimits;
}

const MAX_SUBJECTS = 1_000;
// About a second of processor time.
const MAX_OPERATIONS = 500_000;
// Of small bodies. With the large ones this leaves room in the heap of the image, even if the weights are too low.
const ADMISSION_WEIGHT = 64 * 1024 * 1024;
const DRY_RUNS = { requests: 16, bytes: 32 * 1024 * 1024 };
const IDLE_CONNECTIONS = 200;
// Milliseconds. A pod that is not ready protects nobody.
const WARM_UP_TIME = 300;
// Until the caches are filled, the accounts of controllers are not known: their writes would count as those of users.
const SETTLE_TIME = 2_000;
const SETTLE_INTERVAL = 20;
// In all less than the 30 s that Kubernetes gives a pod to stop.
const CLUSTER_DRAIN: DrainLimits = { quiet: 10_000, longest: 20_000, grace: 5_000 };
const LOCAL_DRAIN: DrainLimits = { quiet: 0, longest: 5_000, grace: 2_000 };

/**
 * Serves the gate. Without a cluster the world is the manifests, nobody is authenticated, and it listens on the loopback
 * interface only.
 *
 * @throws Error with a sentence for the user when an option cannot be used. Nothing is left running then.
 */
export async function serve(options: ServeOptions, dependencies: ServeDependencies): Promise<RunningServer> {
  const { log } = dependencies;
  const parts = new RunningParts();
  try {
    return await start(options, dependencies, log, parts);
  } catch (error) {
    await parts.stop();
    throw readable(error);
  }
}

async function start(
  options: ServeOptions,
  dependencies: ServeDependencies,
  log: Log,
  parts: RunningParts,
): Promise<RunningServer> {
  const state = new ServeState();
  const limiter = new BodyLanes({ requests: options.maxInFlight, weight: ADMISSION_WEIGHT });
  const metrics = metricsOf(state, limiter, dependencies);
  if (options.policy !== undefined) {
    const known = POLICY_CATALOG;
    state.policyFile = parts.add(
      await PolicyFile.open({ path: options.policy, known, interval: POLL_INTERVAL, log, metrics }),
    );
  }
  metrics.policyFallback(() => state.policy().isFallback === true);
  const certificate = parts.add(await certificateOf(options, log, metrics));
  const { manifests = [] } = options;
  if (manifests.length > 0) {
    state.source = await manifestSource(manifests, log, state.policy);
  } else {
    const connect = dependencies.connect ?? connectToCluster;
    state.source = clusterSource(parts.add(await connect(options, log, state.policy, metrics)));
  }
  const dryRuns = parts.add(new DryRuns({ world: state.source.world, log }));
  const events = eventsOf(state.source, metrics, log);
  if (events !== undefined) parts.add(events);
  const followUps = parts.add(followUpsIn(state.source, state, events, log));
  metrics.followUps(followUps);
  const setup: Setup = {
    state,
    source: state.source,
    limiter,
    metrics,
    certificate,
    dryRuns,
    events,
    followUps,
    log,
  };
  parts.add(watchDrift(setup));
  parts.add(watchKeeps(setup));
  parts.add(watchControllers(setup));
  parts.add(watchLabels(setup));
  const begun = performance.now();
  await warmUp(() => performance.now() - begun > WARM_UP_TIME);
  const settled = isSettled(setup.source);
  while (!settled() && performance.now() - begun < SETTLE_TIME)
    await new Promise((resolve) => void setTimeout(resolve, SETTLE_INTERVAL));
  // What the start has left would stay for hours.
  returnUnusedMemory();
  const server = await listen(options, dependencies.drain, setup);
  return {
    ...server,
    async stop() {
      log.info('stopping');
      await server.stop();
      await parts.stop();
    },
  };
}

/** What has started before the ports open. */
interface Setup {
  readonly state: ServeState;
  readonly source: Source;
  readonly limiter: BodyLanes;
  readonly metrics: Metrics;
  readonly certificate: CertificateSource;
  readonly dryRuns: DryRuns;
  readonly events: ObjectEvents | undefined;
  readonly followUps: FollowUps;
  readonly log: Log;
}

function metricsOf(state: ServeState, limiter: BodyLanes, { droppedLogLines }: ServeDependencies): Metrics {
  return new Metrics({
    version: VERSION,
    rules: RULES.map(({ id }) => id),
    keeps: PRESERVERS.map(({ id }) => id),
    inFlight: () => limiter.requests,
    droppedLogLines,
    keepsOff: state.keepsOff,
    untrustedControllers: () => state.discovered().untrusted.length,
    versions: state.versions,
    caches: state.caches,
    cacheBytes: state.cacheBytes,
  });
}

function eventsOf({ cluster }: Source, metrics: Metrics, log: Log): ObjectEvents | undefined {
  const writer = cluster?.events;
  if (writer === undefined) return undefined;
  return new ObjectEvents({ writer, log, counted: (result) => metrics.event(result), now: Date.now }, POLL_INTERVAL);
}

function followUpsIn({ world }: Source, { policy }: ServeState, events: ObjectEvents | undefined, log: Log): FollowUps {
  const record: FollowUpsParts['record'] = (object, event) => events?.record(object, event);
  return new FollowUps({ world, rules: RULES, policy, log, record, pause, now: Date.now }, POLL_INTERVAL);
}

function pause(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function watchLabels({ state, source, metrics, log }: Setup): NamespaceLabels {
  const { world } = source;
  const labels = new NamespaceLabels({ world, policy: state.policy, settled: isSettled(source) }, log, POLL_INTERVAL);
  metrics.unknownLabels(() => labels.counts());
  labels.check();
  return labels;
}

function isSettled(source: Source): () => boolean {
  return () => checksOf(source).every((check) => check.failing() === undefined);
}

function watchDrift({ source, metrics, events, log }: Setup): DriftWatch {
  const { world } = source;
  const record: DriftWatchParts['record'] = (rollout, event) => events?.record(rollout, event);
  const settled = isSettled(source);
  const drift = new DriftWatch({ world, settled, log, record, pause, now: Date.now }, POLL_INTERVAL);
  metrics.drift(() => drift.counts());
  return drift;
}

function watchKeeps({ state, source, log }: Setup): KeepsState {
  const settled = isSettled(source);
  const keeps = new KeepsState({ off: state.keepsOff, settled }, log, POLL_INTERVAL);
  keeps.check();
  return keeps;
}

function watchControllers({ state, log }: Setup): ControllersState {
  const trustsNone = (): boolean => trustsNoController(state.policy());
  const untrusted = (): readonly string[] => state.discovered().untrusted;
  const controllers = new ControllersState({ untrusted, trustsNone, versions: state.versions }, log, POLL_INTERVAL);
  controllers.check();
  return controllers;
}

function checksOf({ cluster }: Source): readonly HealthCheck[] {
  return cluster?.checks ?? [];
}

// A pod that is not ready protects nobody, so this only warns.
function policyCheckOf({ policyFile }: ServeState): readonly HealthCheck[] {
  return policyFile === undefined ? [] : [{ name: 'policy', isWarning: true, failing: () => policyFile.problem }];
}

async function listen(
  options: ServeOptions,
  drain: DrainLimits | undefined,
  { state, source, limiter, metrics, certificate, dryRuns, events, followUps, log }: Setup,
): Promise<RunningServer> {
  const { world, cluster } = source;
  const { policy } = state;
  const gate = gateOver(source, state, followUps, log);
  const app = createApp({
    reviews: {
      gate,
      world,
      policy,
      exemptionOf: exemptionsOver(source, state),
      metrics,
      log,
      events,
      limiter,
      maxSubjects: MAX_SUBJECTS,
      maxOperations: MAX_OPERATIONS,
      now: Date.now,
    },
    dryRun: {
      dryRuns,
      authorizer: cluster?.authorizer,
      policy,
      limiter: new InFlightLimiter(DRY_RUNS),
      metrics,
      log,
    },
    rules: RULES,
    documentRules: DOCUMENT_RULES,
    keeps: PRESERVERS,
    log,
  });
  const server = await startServer({
    app,
    certificate,
    minTlsVersion: `TLSv${options.tlsMinVersion}`,
    host: options.host ?? (cluster === undefined ? '127.0.0.1' : undefined),
    port: options.port,
    healthPort: options.healthPort,
    checks: [...checksOf(source), ...policyCheckOf(state)],
    metrics,
    log,
    // A connection has one request at a time. The others are idle ones of API servers, and of strangers.
    maxConnections: options.maxInFlight + IDLE_CONNECTIONS,
    drain: drain ?? (cluster === undefined ? LOCAL_DRAIN : CLUSTER_DRAIN),
    now: Date.now,
  });
  logServing(server, certificate, log);
  return server;
}

function logServing({ port, healthPort }: RunningServer, source: CertificateSource, log: Log): void {
  const { notAfter, fingerprint } = source.current;
  const certificate = source.whyMissing?.() ?? { notAfter, fingerprint };
  log.info({ version: VERSION, port, healthPort, rules: RULES.length, certificate }, 'serving');
}

function readable(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return new Error(`port ${port} is in use: choose another with --port or --health-port`);
  if (code === 'EACCES' && port !== undefined)
    return new Error(`no permission to listen on port ${port}: choose one above 1023 with --port or --health-port`);
  return error;
}

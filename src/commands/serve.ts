import { Command, InvalidArgumentError, Option } from 'commander';
import { exemptAccounts } from '../admission/exempt.ts';
import { POLICY_CATALOG } from '../admission/policy-catalog.ts';
import { Gate, type Live } from '../admission/gate.ts';
import { controllerAccounts } from '../cluster/controllers.ts';
import { DOCUMENT_RULES } from '../documents/index.ts';
import { PRESERVERS } from '../preserve/index.ts';
import { DEFAULT_POLICY, type Policy } from '../policy/policy.ts';
import { RULES } from '../rules/index.ts';
import { createApp } from '../server/app.ts';
import type { Authorizer } from '../server/authorization.ts';
import { InFlightLimiter } from '../server/body.ts';
import { DryRuns } from '../server/dryrun.ts';
import { KeepsState } from '../server/keeps-state.ts';
import { createLog, LOG_LEVELS, type Log, type LogLevel } from '../server/log.ts';
import { Metrics, type CacheState } from '../server/metrics.ts';
import type { HealthCheck } from '../server/health.ts';
import { PolicyFile } from '../server/policy-file.ts';
import { startServer, type DrainLimits, type RunningServer } from '../server/server.ts';
import { FileCertificate, generatedCertificate, type CertificateSource } from '../server/tls.ts';
import { VERSION } from '../version.ts';
import { bundleWorld, placeObjects } from '../world/manifests.ts';
import type { World } from '../world/world.ts';
import type { ClusterOptions } from './cluster.ts';
import { readManifests } from './files.ts';
import { EXIT, type Io } from './io.ts';
import { messageOf } from '../world/error.ts';

/** What `rollgate serve` was told. */
export interface ServeOptions extends ClusterOptions {
  /** Directories or files of manifests that are the world, instead of a cluster. */
  readonly manifests?: readonly string[];
  readonly policy?: string;
  /**
   * The account Rollgate runs as in the cluster, `system:serviceaccount:NAMESPACE:NAME`: what it writes itself is not
   * judged.
   */
  readonly account?: string;
  /**
   * The Lease, `NAMESPACE/NAME`, whose holder makes Rollouts of Deployments; without one nothing is converted in a
   * cluster.
   */
  readonly conversionLease?: string;
  /** The directory of tls.crt and tls.key; without a cluster one is made where none is given. */
  readonly certDir?: string;
  readonly host?: string;
  readonly port: number;
  readonly healthPort: number;
  readonly logLevel: LogLevel;
  readonly maxInFlight: number;
  readonly tlsMinVersion: '1.2' | '1.3';
}

/** A cluster, as far as serving needs one. */
export interface Cluster {
  readonly world: World;
  readonly live: Live;
  readonly authorizer: Authorizer;
  /** The account Rollgate runs as, where it is known. */
  readonly self?: string | undefined;
  /** What must hold before the gate may be asked: caches synced and fresh. */
  readonly checks: readonly HealthCheck[];
  /** Whether what admission lets in to be converted is converted. */
  readonly converts?: boolean;
  /** Out: the accounts of Argo Rollouts controllers that were discovered. */
  discovered(): readonly string[];
  caches(): readonly CacheState[];
  stop(): Promise<void>;
}

/** What serving is given from outside. */
export interface ServeDependencies {
  /**
   * In: which cluster, the log, and the policy in force. Out: the cluster, being read. Rejects when there is no way to
   * reach one.
   */
  connect?(options: ServeOptions, log: Log, policy: () => Policy, metrics: Metrics): Promise<Cluster>;
  readonly log?: Log;
  /**
   * How to stop; by default as slowly as endpoints update where there is a cluster, and at once where there is none.
   */
  readonly drain?: DrainLimits;
}

const POLL = 5_000;
const MAX_SUBJECTS = 1_000;
const ADMISSION_BYTES = 64 * 1024 * 1024;
const DRY_RUNS = { requests: 16, bytes: 32 * 1024 * 1024 };
// In all less than the 30 s that Kubernetes gives a pod to stop.
const CLUSTER_DRAIN: DrainLimits = { quiet: 10_000, longest: 20_000, grace: 5_000 };
const LOCAL_DRAIN: DrainLimits = { quiet: 0, longest: 5_000, grace: 2_000 };

/**
 * In: options, and how to reach a cluster. Out: the gate, serving. Without a cluster the world is the manifests, nobody
 * is authenticated, and it listens on the loopback interface only. Rejects with an Error for a person when an option
 * cannot be used; nothing is left running then.
 */
export async function serve(options: ServeOptions, dependencies: ServeDependencies = {}): Promise<RunningServer> {
  const log = dependencies.log ?? createLog(options.logLevel);
  const running: { stop(): void | Promise<void> }[] = [];
  const stopAll = async (): Promise<void> => {
    for (const part of running.splice(0).reverse()) await part.stop();
  };
  try {
    return await assemble(options, dependencies, log, running, stopAll);
  } catch (error) {
    await stopAll();
    throw readable(error);
  }
}

async function assemble(
  options: ServeOptions,
  dependencies: ServeDependencies,
  log: Log,
  running: { stop(): void | Promise<void> }[],
  stopAll: () => Promise<void>,
): Promise<RunningServer> {
  const started = <T extends { stop(): void | Promise<void> }>(part: T): T => {
    running.push(part);
    return part;
  };
  let cluster: Cluster | undefined;
  let policyFile: PolicyFile | undefined;
  const policy = (): Policy => policyFile?.current ?? DEFAULT_POLICY;
  // Manifests do not change: who their controllers are is found once.
  let controllers: readonly string[] = [];
  const discovered = (): readonly string[] =>
    cluster?.discovered() ?? (policy().controllers.discover ? controllers : []);
  const keepsOff = (): boolean => exemptAccounts(policy(), discovered(), cluster?.self).controllers.size === 0;
  const intake = new InFlightLimiter({ requests: options.maxInFlight, bytes: ADMISSION_BYTES });
  const [rules, keeps] = [RULES.map(({ id }) => id), PRESERVERS.map(({ id }) => id)];
  const metrics = new Metrics({
    version: VERSION,
    rules,
    keeps,
    inFlight: () => intake.requests,
    keepsOff,
    caches: () => cluster?.caches() ?? [],
  });

  if (options.policy !== undefined)
    policyFile = started(
      await PolicyFile.open({ path: options.policy, known: POLICY_CATALOG, interval: POLL, log, metrics }),
    );
  const certificate = started(await certificateOf(options, log, metrics));
  let world: World;
  if (options.manifests !== undefined && options.manifests.length > 0) {
    world = await worldOf(options.manifests, log);
    controllers = controllerAccounts(world);
  } else {
    cluster = started(await (dependencies.connect ?? connect)(options, log, policy, metrics));
    ({ world } = cluster);
  }

  const authorizer = cluster?.authorizer;
  const now = Date.now;
  const gate = new Gate({
    world,
    live: cluster?.live,
    rules: RULES,
    keeps: PRESERVERS,
    policy,
    discovered,
    self: cluster?.self,
    converts: cluster === undefined || cluster.converts === true,
    now,
    ...(authorizer === undefined
      ? {}
      : {
          mayBreakGlass: async (user, namespace) => {
            try {
              return await authorizer.mayBreakGlass(user, namespace);
            } catch (error) {
              log.warn(
                { reason: messageOf(error) },
                'the API server could not be asked who may break the glass; nobody may',
              );
              return false;
            }
          },
          mayCreateRollouts: async (user, namespace) => {
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
        }),
  });
  const dryRuns = started(new DryRuns({ world, log }));
  const checks = cluster?.checks ?? [];
  const keepsState = started(
    new KeepsState({ off: keepsOff, settled: () => checks.every((check) => check.failing() === undefined) }, log, POLL),
  );
  keepsState.check();
  const app = createApp({
    reviews: { gate, world, policy, metrics, log, intake, maxSubjects: MAX_SUBJECTS, now },
    dryRun: { dryRuns, authorizer, policy, intake: new InFlightLimiter(DRY_RUNS), metrics, log },
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
    checks,
    metrics,
    log,
    drain: dependencies.drain ?? (cluster === undefined ? LOCAL_DRAIN : CLUSTER_DRAIN),
    now,
  });
  const { notAfter, fingerprint } = certificate.current;
  log.info(
    {
      version: VERSION,
      port: server.port,
      healthPort: server.healthPort,
      rules: RULES.length,
      certificate: { notAfter, fingerprint },
    },
    'serving',
  );
  return {
    ...server,
    async stop() {
      log.info('stopping');
      await server.stop();
      await stopAll();
    },
  };
}

// The client library is large: whoever serves manifests does without it.
async function connect(options: ServeOptions, log: Log, policy: () => Policy, metrics: Metrics): Promise<Cluster> {
  const module = await import('./cluster.ts');
  return module.connect(options, log, policy, metrics);
}

async function certificateOf(
  { certDir, manifests }: ServeOptions,
  log: Log,
  metrics: Metrics,
): Promise<CertificateSource> {
  if (certDir !== undefined)
    return FileCertificate.open({ directory: certDir, interval: POLL, log, metrics, now: Date.now });
  if (manifests === undefined)
    throw new Error('a certificate is needed: give the directory of tls.crt and tls.key with --cert-dir');
  const certificate = generatedCertificate(['localhost', '127.0.0.1']);
  metrics.serving(certificate.current.notAfter);
  return certificate;
}

async function worldOf(paths: readonly string[], log: Log): Promise<World> {
  const { manifests, notes, problems } = await readManifests(paths, { cwd: process.cwd(), stdin: process.stdin });
  if (problems.length > 0) throw new Error(problems.join('; '));
  for (const note of notes) log.warn(note);
  for (const { file, line, column, message } of manifests.errors)
    log.warn({ file, line, column, reason: message }, 'a manifest could not be read');
  const { sources } = placeObjects(manifests.objects);
  log.info({ paths, objects: sources.length }, 'manifests read');
  return bundleWorld(sources.map(({ object }) => object));
}

function readable(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return new Error(`port ${port} is in use: choose another with --port or --health-port`);
  if (code === 'EACCES' && port !== undefined)
    return new Error(`port ${port} may not be listened at: choose one above 1023 with --port or --health-port`);
  return error;
}

/**
 * In: what to read and write, and what to do with an exit code. Out: the command `rollgate serve`. It gives 2 when it
 * cannot begin, and else ends the process on SIGTERM or SIGINT: gently, the second time at once.
 */
export function serveCommand(io: Pick<Io, 'stderr'>, exit: (code: number) => void): Command {
  return new Command('serve')
    .description('answer admission requests and dry runs, for a cluster or for manifests')
    .option(
      '--manifests <path...>',
      'serve these manifests (files or directories) instead of a cluster, on the loopback interface',
    )
    .option('--policy <file>', 'the policy; it is read again when it changes')
    .option('--cert-dir <directory>', 'where tls.crt and tls.key are; they are read again when they change')
    .option('--host <address>', 'the address to listen at (default: all of them; with --manifests 127.0.0.1)')
    .option('--port <number>', 'the HTTPS port', wholeNumber(0, 65_535), 8443)
    .option('--health-port <number>', 'the port of /livez, /readyz and /metrics', wholeNumber(0, 65_535), 8080)
    .addOption(new Option('--plain-port <number>').argParser(wholeNumber(0, 65_535)).hideHelp())
    .option(
      '--kubeconfig <file>',
      'how to reach the cluster (default: as kubectl does, or the service account in a pod)',
    )
    .option('--context <name>', 'the context in it (default: the current one)')
    .option(
      '--istio-kubeconfig <file>',
      'how to reach the primary cluster of the mesh, where it holds the Istio objects',
    )
    .option('--account <name>', 'the account Rollgate runs as in the cluster, system:serviceaccount:NAMESPACE:NAME')
    .option(
      '--conversion-lease <namespace/name>',
      'convert Deployments, one process at a time: whoever holds this Lease',
    )
    .option(
      '--max-in-flight <number>',
      'how many admission requests may be under way before more are turned away',
      wholeNumber(1, 100_000),
      400,
    )
    .addOption(new Option('--log-level <level>', 'the least level that is logged').choices(LOG_LEVELS).default('info'))
    .addOption(
      new Option('--tls-min-version <version>', 'the oldest version of TLS that is accepted')
        .choices(['1.2', '1.3'])
        .default('1.3'),
    )
    .action(async ({ plainPort, ...given }: ServeOptions & { readonly plainPort?: number }) => {
      const options = plainPort === undefined ? given : { ...given, healthPort: plainPort };
      const log = createLog(options.logLevel);
      let running: RunningServer;
      try {
        running = await serve(options, { log });
      } catch (error) {
        io.stderr.write(`rollgate serve: ${messageOf(error)}\n`);
        return exit(EXIT.failed);
      }
      const stop = (signal: NodeJS.Signals): void => {
        log.info({ signal }, 'asked to stop');
        void running.stop().then(() => process.exit(EXIT.clean));
      };
      process.on('SIGTERM', stop).on('SIGINT', stop);
    });
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed.`);
    return value;
  };
}

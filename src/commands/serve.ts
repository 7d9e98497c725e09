import process from 'node:process';
import { Command, InvalidArgumentError, Option } from 'commander';
import { createLog, LOG_LEVELS } from '../server/log.ts';
import { standardOutput } from '../server/log-sink.ts';
import type { RunningServer } from '../server/server.ts';
import { messageOf } from '../world/error.ts';
import { EXIT, type Io } from './io.ts';
import type { ServeOptions } from './serve/options.ts';
import { serve } from './serve/serve.ts';
import { stopOnSignal } from './serve/stopping.ts';

// For the last lines of the log. Its reader may be gone, or take nothing any more.
const LAST_LINES = 1_000;

/**
 * Returns the command `rollgate serve`. Its exit code is 2 when it cannot start. SIGTERM or SIGINT stop it gracefully, a
 * second one at once.
 *
 * @param exit - Called with the exit code.
 */
export function serveCommand(io: Pick<Io, 'stderr'>, exit: (code: number) => void): Command {
  const command = new Command('serve').description('run the admission webhook and the dry-run endpoint');
  addSourceOptions(command);
  addServerOptions(command);
  return command.action(async (options: ServeOptions) => {
    const sink = standardOutput();
    const log = createLog(options.logLevel, sink);
    let running: RunningServer;
    try {
      running = await serve(options, { log, droppedLogLines: () => sink.dropped });
    } catch (error) {
      io.stderr.write(`rollgate serve: ${messageOf(error)}\n`);
      return exit(EXIT.failed);
    }
    const leave = async (): Promise<void> => {
      await sink.close(LAST_LINES);
      process.exit(EXIT.clean);
    };
    const stop = stopOnSignal({ running, log, leave });
    process.on('SIGTERM', stop).on('SIGINT', stop);
  });
}

function addSourceOptions(command: Command): void {
  command
    .option(
      '--manifests <path...>',
      'serve these manifests (files or directories) instead of a cluster, on the loopback interface',
    )
    .option('--policy <file>', 'the policy file, loaded again when it changes (default: the built-in policy)')
    .option('--kubeconfig <file>', 'the kubeconfig (default: what kubectl uses, or in a pod its service account)')
    .option('--context <name>', 'the context in the kubeconfig (default: the current one)')
    .option('--istio-kubeconfig <file>', 'the kubeconfig of the cluster with the Istio objects, if it is another one')
    .option('--account <name>', 'the account that Rollgate runs as, system:serviceaccount:NAMESPACE:NAME')
    .option('--events', 'write Events about objects that a reconciler left invalid, or that enforce mode would deny')
    .option(
      '--conversion-lease <namespace/name>',
      'convert Deployments; of several processes only the holder of this Lease does',
    )
    .option(
      '--conversion-policy <name>',
      'create Rollouts only while this ValidatingAdmissionPolicy and its binding are those of the chart',
    );
}

function addServerOptions(command: Command): void {
  command
    .option('--cert-dir <directory>', 'the directory of tls.crt and tls.key, loaded again when they change')
    .option(
      '--certificate-secret <namespace/name>',
      'keep a CA and the certificate in this Secret; the holder of the Lease of the same name renews them',
    )
    .option('--certificate-service <namespace/name>', 'the Service for whose names --certificate-secret is issued')
    .option(
      '--webhook-configurations <name>',
      'the webhook configurations whose caBundle is set to the CA of --certificate-secret',
    )
    .option('--host <address>', 'the address to listen on (default: all; with --manifests 127.0.0.1)')
    .option('--port <number>', 'the HTTPS port', wholeNumber(0, 65_535), 8443)
    .option('--health-port <number>', 'the port of /livez, /readyz and /metrics', wholeNumber(0, 65_535), 8080)
    .option(
      '--max-in-flight <number>',
      'how many admission requests may be in progress; Rollgate rejects the rest',
      wholeNumber(1, 100_000),
      400,
    )
    .option(
      '--max-cache-size <MiB>',
      'how much memory the cached objects may take, estimated; of the rest Rollgate keeps the names',
      wholeNumber(16, 100_000),
      128,
    )
    .addOption(new Option('--log-level <level>', 'log only this level and above').choices(LOG_LEVELS).default('info'))
    .addOption(
      new Option('--tls-min-version <version>', 'the oldest accepted TLS version')
        .choices(['1.2', '1.3'])
        .default('1.3'),
    );
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`use a whole number from ${least} to ${most}.`);
    return value;
  };
}

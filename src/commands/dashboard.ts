import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Command } from 'commander';
import { dashboard } from '../dashboard/app.ts';
import type { FileSource } from '../dashboard/files.ts';
import { Judging } from '../dashboard/judging.ts';
import { pageFolder, readPage } from '../dashboard/page-files.ts';
import { MOST_MANIFESTS } from '../dashboard/question.ts';
import { plain } from '../report/format.ts';
import { messageOf } from '../world/error.ts';
import { readTexts, signatureOf } from './files.ts';
import { EXIT, type Io } from './io.ts';

const MOST_PORT = 65_535;

/** The options of `rollgate dashboard`. */
export interface DashboardOptions {
  /** Files, directories and glob patterns. Only these are read, and none is written. */
  readonly paths: readonly string[];
  /** The port on the loopback interface; by default a free one. */
  readonly port?: string | undefined;
}

/** A dashboard that runs. */
export interface RunningDashboard {
  /** Its URL, with the token. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the dashboard. Returns undefined after it has said why it cannot. */
export async function startDashboard(options: DashboardOptions, io: Io): Promise<RunningDashboard | undefined> {
  const say = (sentence: string): void => {
    io.stderr.write(`rollgate dashboard: ${plain(sentence)}\n`);
  };
  const port = portOf(options.port);
  if (port === undefined) {
    say(`--port: "${options.port}" is not a port: use 1 to ${MOST_PORT}`);
    return undefined;
  }
  const page = readPage(pageFolder());
  if (page === undefined) {
    say('this installation has no page: install the npm package, or run npm run build in a checkout');
    return undefined;
  }
  if (options.paths.includes('-')) {
    say('standard input cannot be watched: name files');
    return undefined;
  }
  const files = options.paths.length === 0 ? undefined : sourceOf(options.paths, io);
  const problems = files === undefined ? [] : readTexts(options.paths, io.cwd, MOST_MANIFESTS).problems;
  for (const problem of problems) say(problem);
  if (problems.length > 0) return undefined;
  const token = randomBytes(24).toString('base64url');
  const judging = new Judging();
  const { app, stop } = dashboard({ token, page, judging, files });
  const server = createServer({ requestTimeout: 30_000 }, app);
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    say(`cannot listen on port ${port}: ${messageOf(error)}`);
    return undefined;
  }
  judging.warmUp();
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${actual}/?token=${token}`,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      await stop();
      server.closeAllConnections();
      await closed;
    },
  };
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return 0;
  const port = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  return port >= 1 && port <= MOST_PORT ? port : undefined;
}

/** Returns the files at paths, as the dashboard reads and watches them. */
export function sourceOf(paths: readonly string[], io: Io): FileSource {
  return {
    read() {
      const { files, notes, problems } = readTexts(paths, io.cwd, MOST_MANIFESTS);
      return files === undefined
        ? { files: [], notes: [`the files have more than ${MOST_MANIFESTS} bytes: name fewer`] }
        : { files, notes: [...notes, ...problems] };
    },
    signature: () => signatureOf(paths, io.cwd),
  };
}

/**
 * Returns the command `rollgate dashboard`.
 *
 * @param exit - Called with the exit code if it cannot start.
 */
export function dashboardCommand(io: Io, exit: (code: number) => void): Command {
  return new Command('dashboard')
    .description('show in a browser what a Rollout controls and what its update will do')
    .argument('[path...]', 'files, directories and glob patterns to show and to watch (default: an example)')
    .option('--port <number>', 'the port on 127.0.0.1 (default: a free one)')
    .action(async (paths: string[], options: Omit<DashboardOptions, 'paths'>) => {
      const running = await startDashboard({ ...options, paths }, io);
      if (running === undefined) {
        exit(EXIT.failed);
        return;
      }
      io.stdout.write(`${running.url}\n`);
      io.stderr.write('Open this URL in a browser. Ctrl+C ends the dashboard.\n');
    });
}

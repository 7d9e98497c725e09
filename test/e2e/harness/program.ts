import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { STARTED_BY } from './run-processes.ts';

/** How to start a program. */
export interface ProgramOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The file that its output is appended to. */
  readonly log: string;
}

const STOPS_WITHIN = 20_000;

// Programs in Go clean up when what they use has grown fivefold, not twofold: a tenth of the processor time of a
// control plane is saved, for some hundred MiB. From 2 GiB on they clean up as often as they must.
const GARBAGE = { GOGC: '400', GOMEMLIMIT: '2GiB' };

// Tests that are interrupted clean nothing up.
const started = new Set<Program>();
function killAll(): void {
  for (const program of started) program.kill();
}
process.once('exit', killAll);
// A signal ends this process without that event, and vitest does not let tests call `process.exit`.
for (const signal of ['SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    killAll();
    process.kill(process.pid, signal);
  });

/**
 * A program that runs beside the tests, its output in a file. Only programs that were started here are ever stopped,
 * paused or killed.
 */
export class Program {
  readonly #options: ProgramOptions;
  readonly #decoder = new StringDecoder('utf8');
  readonly #lines: string[] = [];
  #child: ChildProcess | undefined;
  /** How many bytes of the log have been read. */
  #read = 0;
  /** The line that has no end yet. */
  #last = '';

  constructor(options: ProgramOptions) {
    this.#options = options;
  }

  get log(): string {
    return this.#options.log;
  }

  /**
   * In: a name, arguments `--name=value` by name that are to have another value, and the file for its output. Out: the
   * same program so, not started.
   */
  like(name: string, values: Readonly<Record<string, string>>, log: string): Program {
    const args = this.#options.args.filter((arg) => !Object.keys(values).some((each) => arg.startsWith(`--${each}=`)));
    return new Program({
      ...this.#options,
      name,
      log,
      args: [...args, ...Object.entries(values).map(([each, value]) => `--${each}=${value}`)],
    });
  }

  /** Starts it. Throws if it already runs. */
  start(): void {
    if (this.running) throw new Error(`${this.#options.name} runs already`);
    const { command, args, env, cwd, log } = this.#options;
    const output = openSync(log, 'a');
    // A group of its own: Ctrl-C at the tests must not stop the API server before the tests could clean up, and what
    // the program starts (the router plugins of Argo Rollouts) ends with it, as everything in a container does.
    this.#child = spawn(command, args, {
      stdio: ['ignore', output, output],
      env: { ...GARBAGE, ...process.env, ...env, [STARTED_BY]: process.env['ROLLGATE_E2E_RUN'] ?? '' },
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
    });
    closeSync(output);
    started.add(this);
    const child = this.#child;
    child.once('exit', () => killGroup(child));
  }

  /** In: the name of an option. Out: what it was given as `--name=value`. */
  argument(name: string): string | undefined {
    return this.#options.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  }

  /** Out: which process it is, or was last. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What it was started with. */
  get args(): readonly string[] {
    return this.#options.args;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** In: how to ask. Out: resolves when it has ended; what does not end is killed. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.running) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOPS_WITHIN);
    await ended;
    clearTimeout(timer);
  }

  /** Kills it at once, with everything that it started. */
  kill(): void {
    if (this.#child !== undefined && this.running) killGroup(this.#child);
  }

  /** Freezes it, as a machine that hangs does. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** Lets it go on. */
  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Out: what it has printed so far. */
  output(): string {
    return [...this.lines(), this.#last].join('\n');
  }

  /**
   * Out: the whole lines that it has printed so far. A controller prints megabytes, and tests look many times a second,
   * so only what is new is read.
   */
  lines(): readonly string[] {
    const file = openSync(this.#options.log, 'r');
    try {
      const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - this.#read));
      const count = readSync(file, bytes, 0, bytes.length, this.#read);
      this.#read += count;
      const [first = '', ...others] = this.#decoder.write(bytes.subarray(0, count)).split('\n');
      const lines = [this.#last + first, ...others];
      this.#last = lines.pop() ?? '';
      for (const line of lines) this.#lines.push(line);
    } finally {
      closeSync(file);
    }
    return this.#lines;
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

// A look costs the API server and the test as much as a request of a user. What is long in coming may be seen later.
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 500;

/**
 * In: what is awaited, how to look, for how many milliseconds, and how often; by default a pause is a tenth of the time
 * so far, from 0.1 to 0.5 s. Out: what looking gave once it was neither undefined, false nor an error. Rejects with the
 * last error, or a sentence that names what did not come.
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { within = 120_000, every }: { within?: number; every?: number } = {},
): Promise<T> {
  const start = Date.now();
  const deadline = start + within;
  let error: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      error = undefined;
    } catch (thrown) {
      error = thrown;
    }
    if (Date.now() >= deadline) throw new Error(`${what}: did not come within ${within / 1000} s`, { cause: error });
    await sleep(every ?? Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, (Date.now() - start) / 10)));
  }
}

/**
 * Out: a TCP port of the loopback interface that was free a moment ago, and that no other call gets, in no process of
 * the suite: the program that is to listen there starts later.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const server = createServer();
    server.listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    if (await take(port)) return port;
  }
}

// Until this process ends, the UDP port of that number stands for it: nothing else uses UDP ports.
function take(port: number): Promise<boolean> {
  const socket = createSocket('udp4').unref();
  return new Promise((resolve, reject) => {
    socket.once('listening', () => resolve(true));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    socket.bind({ port, address: '127.0.0.1', exclusive: true });
  });
}

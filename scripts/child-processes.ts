import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesOf } from '../test/e2e/harness/run-processes.ts';

// What was started ends before this process. Else busy loops would go on without end, an item that was ended from outside
// would count as one that failed, and tests that are killed at once leave their control plane behind.
const started = new Set<ChildProcess>();
const runs = new Set<string>();
let isStopping = false;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.once(signal, () => {
    isStopping = true;
    const ended = [...started].map((child) => once(child, 'close'));
    started.forEach((child) => child.kill('SIGTERM'));
    void Promise.all(ended)
      .then(killWhatIsLeft)
      .then(() => process.exit(code));
  });

// Vitest may end a worker before that could stop its programs, or while it starts others.
async function killWhatIsLeft(): Promise<void> {
  for (let time = 0; time < 50; time++) {
    const left = [...runs].flatMap(processesOf);
    if (left.length === 0) return;
    for (const { pid } of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended in the meantime.
      }
    }
    await sleep(100);
  }
}

/** Starts Node.js with some arguments. It ends with this process. */
export function start(args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(process.execPath, args, options);
  started.add(child);
  child.once('close', () => started.delete(child));
  return child;
}

/**
 * Runs a script, and returns its exit code.
 *
 * @param options.run - Marks the programs that tests start, so that they end with this process too.
 * @param options.output - Where its output goes; by default where that of this process does.
 */
export async function exitCode(
  script: string,
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly env?: Readonly<Record<string, string>> | undefined;
    readonly run?: string;
    readonly output?: number | undefined;
  },
): Promise<number> {
  const { cwd, env, run, output = 'inherit' } = options;
  if (run !== undefined) runs.add(run);
  const child = start([script, ...args], {
    cwd,
    env: { ...process.env, ...env, ...(run === undefined ? {} : { ROLLGATE_E2E_RUN: run }) },
    stdio: ['ignore', output, output],
  });
  const [code] = (await once(child, 'close')) as [number | null];
  // Nothing follows.
  if (isStopping) await new Promise<never>(() => undefined);
  return code ?? 1;
}

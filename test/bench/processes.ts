import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { imageFlags } from '../support/image-flags.ts';
import { compiledServer } from './compiled.ts';
import { requireCore } from './cores.ts';
import type { Answers, Listening } from './server-process.ts';

/** A server to measure, on a core of its own. */
export interface Server {
  readonly pid: number;
  readonly port: number;
  stop(): void;
}

/** One of our servers, which can be asked about itself. */
export interface OwnServer extends Server {
  /** Its certificate for `localhost`, in PEM. */
  readonly certificate: string;
  ask<K extends keyof Answers>(question: K): Promise<Answers[K]>;
}

/** The servers that `server-process.ts` can be. */
export type OwnKind = 'bare' | 'rollgate';

const MIB = 1024 * 1024;
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/**
 * Starts one of our servers.
 *
 * @param core - Where it runs; undefined for anywhere.
 * @param rollouts - The number of Rollouts in the cache.
 * @param flags - The options of Node.js; those of the image by default.
 */
export async function startOwn(
  kind: OwnKind,
  core: number | undefined,
  rollouts: number,
  flags: readonly string[] = imageFlags(),
): Promise<OwnServer> {
  const command = [process.execPath, ...flags, compiledServer(), kind, String(rollouts)];
  const [program = '', ...args] = core === undefined ? command : ['taskset', '-c', String(core), ...command];
  // The log goes nowhere, as it costs a container runtime and not the server where it goes.
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const { port, certificate } = await nextMessage<Listening>(child);
  const { pid = 0 } = child;
  if (core !== undefined) requireCore(pid, core);
  return {
    pid,
    port,
    certificate,
    ask: (question) => {
      child.send(question);
      return nextMessage(child);
    },
    stop: () => void child.kill(),
  };
}

/** Returns the processor time that a process has used so far with all its threads, in microseconds. */
export function processorTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  // Fields 14 and 15 of proc(5): user and system.
  return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1e6;
}

/** Returns the resident memory of a process, in MiB. */
export function residentMemory(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kibibytes) * 1024) / MIB;
}

function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`the server ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}

import { setFlagsFromString } from 'node:v8';
import { Worker, type ResourceLimits } from 'node:worker_threads';

/** Options of a thread with limits of its own. */
export interface LimitedWorkerOptions {
  readonly limits: ResourceLimits;
  readonly name?: string;
  readonly data?: unknown;
}

/**
 * Starts a thread that may use only so much memory, whatever the options of the process say. Where the command line sets
 * the size of the heap, V8 gives every thread that size and ignores its limits (nodejs/node#43991). The main thread has
 * read its own sizes by then, so that it keeps them.
 */
export function startLimitedWorker(script: URL, { limits, name, data }: LimitedWorkerOptions): Worker {
  for (const option of ['--max-old-space-size', '--max-semi-space-size']) setFlagsFromString(`${option}=0`);
  return new Worker(script, {
    ...(name === undefined ? {} : { name }),
    workerData: data,
    execArgv: [],
    resourceLimits: limits,
  });
}

import { parentPort } from 'node:worker_threads';
import { READY } from '../../src/dashboard/judging.ts';
import { json } from '../../src/server/reply.ts';

// A thread that starts slowly, as on a busy machine, and answers at once.
parentPort?.on('message', () => parentPort?.postMessage(json(200, {})));
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
parentPort?.postMessage(READY);

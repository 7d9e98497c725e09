import { parentPort } from 'node:worker_threads';
import { READY } from '../../src/dashboard/judging.ts';

// A thread that takes every question and never answers.
parentPort?.on('message', () => {
  for (;;);
});
parentPort?.postMessage(READY);

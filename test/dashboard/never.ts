import { parentPort } from 'node:worker_threads';

// A thread that takes every question and never answers.
parentPort?.on('message', () => {
  for (;;);
});

import { parentPort } from 'node:worker_threads';
import { json, problem, type Reply } from '../server/reply.ts';
import { messageOf } from '../world/error.ts';
import { Judge } from './judge.ts';
import { READY } from './judging.ts';
import { readQuestion } from './question.ts';

// The thread that judges: one question at a time, so that the page and its files are served meanwhile.

const judge = new Judge();

function reply(body: Uint8Array): Reply {
  const read = readQuestion(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  return read.ok ? json(200, judge.answer(read.question)) : problem(read.status, read.error);
}

parentPort?.on('message', (body: Uint8Array) => {
  let answer: Reply;
  try {
    answer = reply(body);
  } catch (error) {
    answer = problem(500, `internal error: ${messageOf(error)}`);
  }
  parentPort?.postMessage(answer);
});
parentPort?.postMessage(READY);

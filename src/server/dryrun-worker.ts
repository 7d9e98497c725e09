import { readlinkSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { prepareDryRun, runDryRun, type DryRunAnswer, type PreparedDryRun } from '../admission/dryrun.ts';
import { CollectedAnswers } from '../admission/recording-world.ts';
import { PRESERVERS } from '../preserve/index.ts';
import { formats } from '../report/index.ts';
import { RULES } from '../rules/index.ts';
import {
  DRY_RUN_FORMATS,
  MOST_QUESTIONS,
  MOST_VALUES,
  readDryRunBody,
  hasTooManyValues,
  type DryRunFormat,
  type FromWorker,
  type ToWorker,
} from './dryrun-job.ts';
import { NO_INSTALLED_FIELDS } from '../world/field-tree.ts';
import type { RolloutsVersions } from '../world/rollouts-versions.ts';
import { json, problem, type TextReply } from './reply.ts';
import { returnUnusedMemory } from './unused-memory.ts';
import { messageOf } from '../world/error.ts';

// The worker thread of dry runs. It computes one at a time, so that they never delay an admission request. It has no
// world of its own and asks the main thread for what it needs.

// Each round follows references one step further. No chain of references is longer.
const MOST_ROUNDS = 12;
// The main thread holds the reply until the client has read it.
const MOST_REPLY = 8 * 1024 * 1024;

// To read it leaves several times as much behind as to judge it needs.
const LARGE_BODY = 128 * 1024;

const catalogue = { rules: RULES, keeps: PRESERVERS };

interface Current {
  readonly prepared: PreparedDryRun;
  readonly format: DryRunFormat;
  readonly answers: CollectedAnswers;
  readonly versions: RolloutsVersions;
  readonly round: number;
}

let current: Current | undefined;
let fields = NO_INSTALLED_FIELDS;

async function handle(message: ToWorker): Promise<FromWorker | undefined> {
  if ('job' in message) {
    fields = message.fields ?? fields;
    const { body: bytes, format, ...job } = message.job;
    if (hasTooManyValues(bytes))
      return { reply: problem(413, `the body has more than ${MOST_VALUES} values: send fewer manifests`) };
    const isLarge = bytes.byteLength > LARGE_BODY;
    const body = await readDryRunBody(bytes);
    if (!body.ok) return { reply: problem(400, body.errors.join('; ')) };
    current = {
      prepared: prepareDryRun({ ...job, text: body.text, candidate: body.candidate }),
      format,
      answers: new CollectedAnswers(),
      versions: message.versions,
      round: 1,
    };
    if (isLarge) returnUnusedMemory();
  } else if (current !== undefined) {
    current.answers.add(message.answers);
    if (message.more) return undefined;
    current = { ...current, round: current.round + 1 };
  }
  if (current === undefined) return { reply: problem(500, 'internal error: answers without a dry run') };
  const { answer, questions } = runDryRun(current.prepared, { ...current, fields }, catalogue);
  if (questions.length > 0 && current.round < MOST_ROUNDS) return { questions: questions.slice(0, MOST_QUESTIONS + 1) };
  const { format } = current;
  current = undefined;
  const reply = render(answer, format);
  const body = new TextEncoder().encode(reply.body);
  return body.length > MOST_REPLY
    ? { reply: problem(413, `the answer is larger than ${MOST_REPLY} bytes: send fewer manifests`) }
    : { reply: { ...reply, body } };
}

// A copy of a long answer would hold up admission.
function piecesToMove(message: FromWorker): ArrayBuffer[] {
  return 'reply' in message && typeof message.reply.body !== 'string' ? [message.reply.body.buffer] : [];
}

function render(answer: DryRunAnswer, format: DryRunFormat): TextReply {
  if (answer.objects === 0) {
    const [first] = answer.errors;
    if (first === undefined) return problem(400, 'the body contains no Kubernetes object');
    return json(400, {
      error: `the body is invalid: line ${first.line}, column ${first.column}: ${first.message}`,
      errors: answer.errors,
    });
  }
  if (format === 'json') return json(200, answer);
  const [type = 'text/plain'] = Object.entries(DRY_RUN_FORMATS).find(([, name]) => name === format) ?? [];
  return { status: 200, type: `${type}; charset=utf-8`, body: formats[format](answer, { color: false }) };
}

// Where cores are few, this thread must not take half of one from the thread that answers admission requests. Only Linux
// has priorities of threads, and names the thread here.
function yieldToAdmission(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    // The process itself may have been started with a low priority.
    setPriority(
      thread,
      Math.min(getPriority(thread) + constants.priority.PRIORITY_BELOW_NORMAL, constants.priority.PRIORITY_LOW),
    );
  } catch {
    // Then it runs as it is.
  }
}

yieldToAdmission();

// The next message comes only after the answer to this one, or after a piece of answers, which is handled at once.
parentPort?.on('message', (message: ToWorker) => {
  void handle(message)
    .catch((error: unknown): FromWorker => {
      current = undefined;
      return { reply: problem(500, `internal error in the dry run: ${messageOf(error)}`) };
    })
    .then((result) => {
      if (result !== undefined) parentPort?.postMessage(result, piecesToMove(result));
    });
});

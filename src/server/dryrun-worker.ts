import { parentPort } from 'node:worker_threads';
import { runDryRun, type DryRunAnswer, type DryRunInput } from '../admission/dryrun.ts';
import { POLICY_CATALOG } from '../admission/policy-catalog.ts';
import { NO_ANSWERS, type RecordedAnswers } from '../admission/recording-world.ts';
import { PRESERVERS } from '../preserve/index.ts';
import { formats } from '../report/index.ts';
import { RULES } from '../rules/index.ts';
import { DRY_RUN_FORMATS, readDryRunBody, type DryRunFormat, type FromWorker, type ToWorker } from './dryrun-job.ts';
import { json, problem, type Reply } from './reply.ts';
import { messageOf } from '../world/error.ts';

// The worker thread of dry runs. It computes one at a time, so that they never delay an admission request. It has no
// world of its own and asks the main thread for what it needs.

// Each round follows references one step further. No chain of references is longer.
const MOST_ROUNDS = 12;

const catalogue = { rules: RULES, keeps: PRESERVERS };

interface Current {
  readonly input: DryRunInput;
  readonly format: DryRunFormat;
  readonly answers: RecordedAnswers;
  readonly round: number;
}

let current: Current | undefined;

function handle(message: ToWorker): FromWorker {
  if ('job' in message) {
    const { body: bytes, format, ...job } = message.job;
    const body = readDryRunBody(bytes, POLICY_CATALOG);
    if (!body.ok) return { reply: problem(400, body.errors.join('; ')) };
    current = {
      input: { ...job, text: body.text, candidate: body.candidate },
      format,
      answers: NO_ANSWERS,
      round: 1,
    };
  } else if (current !== undefined) {
    current = { ...current, answers: mergedAnswers(current.answers, message.answers), round: current.round + 1 };
  }
  if (current === undefined) return { reply: problem(500, 'internal error: answers without a dry run') };
  const { answer, questions } = runDryRun(current.input, current.answers, catalogue);
  if (questions.length > 0 && current.round < MOST_ROUNDS) return { questions };
  const reply = render(answer, current.format);
  current = undefined;
  return { reply };
}

function mergedAnswers(known: RecordedAnswers, more: RecordedAnswers): RecordedAnswers {
  return {
    lookups: new Map([...known.lookups, ...more.lookups]),
    listings: new Map([...known.listings, ...more.listings]),
    referrers: new Map([...known.referrers, ...more.referrers]),
  };
}

function render(answer: DryRunAnswer, format: DryRunFormat): Reply {
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

parentPort?.on('message', (message: ToWorker) => {
  try {
    parentPort?.postMessage(handle(message));
  } catch (error) {
    current = undefined;
    parentPort?.postMessage({
      reply: problem(500, `internal error in the dry run: ${messageOf(error)}`),
    } satisfies FromWorker);
  }
});

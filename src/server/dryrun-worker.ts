import { parentPort } from 'node:worker_threads';
import { runDryRun, type DryRunAnswer, type DryRunInput } from '../admission/dryrun.ts';
import { POLICY_CATALOG } from '../admission/policy-catalog.ts';
import { NO_ANSWERS, type RecordedAnswers } from '../admission/recording-world.ts';
import { PRESERVERS } from '../preserve/index.ts';
import { formats } from '../report/index.ts';
import { RULES } from '../rules/index.ts';
import { DRY_RUN_FORMATS, readAsked, type DryRunFormat, type FromWorker, type ToWorker } from './dryrun-job.ts';
import { json, problem, type Reply } from './reply.ts';
import { messageOf } from '../world/error.ts';

// The thread in which dry runs are computed, one at a time, so that they never delay an admission request. It has no
// world of its own: it asks for what it needs.

// Each round follows references one step further; no chain of them is as long.
const MOST_ROUNDS = 12;

const catalogue = { rules: RULES, keeps: PRESERVERS };

interface Current {
  readonly input: DryRunInput;
  readonly format: DryRunFormat;
  readonly answers: RecordedAnswers;
  readonly round: number;
}

let current: Current | undefined;

function hear(message: ToWorker): FromWorker {
  if ('job' in message) {
    const { body, format, ...job } = message.job;
    const asked = readAsked(body, POLICY_CATALOG);
    if (!asked.ok) return { reply: problem(400, asked.errors.join('; ')) };
    current = {
      input: { ...job, text: asked.text, candidate: asked.candidate },
      format,
      answers: NO_ANSWERS,
      round: 1,
    };
  } else if (current !== undefined) {
    current = { ...current, answers: joined(current.answers, message.answers), round: current.round + 1 };
  }
  if (current === undefined) return { reply: problem(500, 'there is no dry run to answer for') };
  const { answer, questions } = runDryRun(current.input, current.answers, catalogue);
  if (questions.length > 0 && current.round < MOST_ROUNDS) return { questions };
  const reply = render(answer, current.format);
  current = undefined;
  return { reply };
}

function joined(known: RecordedAnswers, more: RecordedAnswers): RecordedAnswers {
  return {
    lookups: new Map([...known.lookups, ...more.lookups]),
    listings: new Map([...known.listings, ...more.listings]),
    referrers: new Map([...known.referrers, ...more.referrers]),
  };
}

function render(answer: DryRunAnswer, format: DryRunFormat): Reply {
  if (answer.objects === 0) {
    const [first] = answer.errors;
    if (first === undefined) return problem(400, 'there is no Kubernetes object in the body');
    return json(400, {
      error: `nothing in the body could be read: line ${first.line}, column ${first.column}: ${first.message}`,
      errors: answer.errors,
    });
  }
  if (format === 'json') return json(200, answer);
  const [type = 'text/plain'] = Object.entries(DRY_RUN_FORMATS).find(([, name]) => name === format) ?? [];
  return { status: 200, type: `${type}; charset=utf-8`, body: formats[format](answer, { color: false }) };
}

parentPort?.on('message', (message: ToWorker) => {
  try {
    parentPort?.postMessage(hear(message));
  } catch (error) {
    current = undefined;
    parentPort?.postMessage({
      reply: problem(500, `the dry run failed internally: ${messageOf(error)}`),
    } satisfies FromWorker);
  }
});

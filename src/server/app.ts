import type { RequestListener } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { DocumentRule } from '../documents/index.ts';
import type { Preserver } from '../preserve/define.ts';
import type { Rule } from '../rules/define.ts';
import { dryRunHandler, type DryRunParts } from './dryrun.ts';
import type { Log } from './log.ts';
import { json, problem, send, type Reply } from './reply.ts';
import { reviewListener, type ReviewParts } from './reviews.ts';
import { stackOf } from '../world/error.ts';

const QUESTION_MARK = 0x3f;

/** What the HTTPS port is made of. */
export interface AppParts {
  readonly reviews: ReviewParts;
  readonly dryRun: DryRunParts;
  readonly rules: readonly Rule[];
  /** The checks of manifests that only the dry run makes. */
  readonly documentRules: readonly DocumentRule[];
  readonly keeps: readonly Preserver[];
  readonly log: Log;
}

/**
 * In: the parts. Out: the app of the HTTPS port: the two webhooks, the dry run and the list of rules. Every answer is
 * JSON, unless another form was asked for.
 */
export function createApp({ reviews, dryRun, log, ...catalogue }: AppParts): RequestListener {
  const app = bareApp();
  const mutate = reviewListener('mutate', reviews);
  const validate = reviewListener('validate', reviews);
  app.post('/mutate', mutate);
  app.post('/validate', validate);
  app.post('/v1/dry-run', dryRunHandler(dryRun));
  const list = json(200, listOf(catalogue));
  app.get('/v1/rules', (_request, response) => send(response, list));
  refuseTheRest(app, { '/mutate': 'POST', '/validate': 'POST', '/v1/dry-run': 'POST', '/v1/rules': 'GET, HEAD' }, log);
  // Finding the way through Express costs as much as reading the request: what the API server asks all day goes
  // straight to where Express would lead it.
  return (request, response) => {
    const { url = '' } = request;
    if (request.method !== 'POST') app(request, response);
    else if (isPath(url, '/validate')) validate(request, response);
    else if (isPath(url, '/mutate')) mutate(request, response);
    else app(request, response);
  };
}

function isPath(url: string, path: string): boolean {
  return url.startsWith(path) && (url.length === path.length || url.charCodeAt(path.length) === QUESTION_MARK);
}

/** Out: an Express app that adds nothing to a request or an answer by itself. */
export function bareApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.enable('case sensitive routing');
  app.enable('strict routing');
  return app;
}

/**
 * Adds what answers every other request: 405 for a path with another method, 404 for any other path, and 500 for a
 * handler that failed.
 */
export function refuseTheRest(app: Express, methods: Readonly<Record<string, string>>, log: Log): void {
  for (const [path, allow] of Object.entries(methods)) {
    app.all(path, (request, response) =>
      send(response, problem(405, `${path} takes ${allow}, not ${request.method}`, { allow })),
    );
  }
  const paths = Object.keys(methods).join(', ');
  const notFound: RequestHandler = (_request, response) =>
    send(response, problem(404, `there is nothing here; there is ${paths}`));
  const failed: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    const reply: Reply = isClientError(error)
      ? problem(400, 'the request could not be read')
      : problem(500, 'the server failed internally');
    if (reply.status === 500) log.error({ reason: stackOf(error) }, 'a handler failed');
    send(response, reply);
  };
  app.use(notFound, failed);
}

// Express gives a path with malformed escapes a status of 400.
function isClientError(error: unknown): boolean {
  return error instanceof URIError || (error instanceof Error && 'status' in error && error.status === 400);
}

function listOf({ rules, documentRules, keeps }: Pick<AppParts, 'rules' | 'documentRules' | 'keeps'>): unknown {
  return {
    rules: rules.map(({ id, summary, explanation, subject, reads, messages }) => ({
      id,
      summary,
      explanation,
      subject,
      reads,
      messages,
    })),
    documentRules: documentRules.map(({ id, summary, explanation, messages }) => ({
      id,
      summary,
      explanation,
      messages,
    })),
    keeps: keeps.map(({ id, summary, kinds }) => ({ id, summary, kinds })),
  };
}

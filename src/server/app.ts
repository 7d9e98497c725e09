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

/** The parts of the HTTPS app. */
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
 * Returns the app of the HTTPS port: the two webhooks, the dry run and the list of rules. Every response is JSON,
 * unless the client asks for another format.
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
  addFallbackHandlers(
    app,
    { '/mutate': 'POST', '/validate': 'POST', '/v1/dry-run': 'POST', '/v1/rules': 'GET, HEAD' },
    log,
  );
  // Routing through Express costs as much as reading the request, so the frequent requests of the API server bypass it.
  // The result is the same.
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

/** Returns an Express app that adds nothing to a request or a response by itself. */
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
 * Adds the responses to all other requests: 405 for a known path with another method, 404 for any other path, and 500
 * for a handler that failed.
 */
export function addFallbackHandlers(app: Express, methods: Readonly<Record<string, string>>, log: Log): void {
  for (const [path, allow] of Object.entries(methods)) {
    app.all(path, (request, response) =>
      send(response, problem(405, `${path} allows ${allow}, not ${request.method}`, { allow })),
    );
  }
  const paths = Object.keys(methods).join(', ');
  const notFound: RequestHandler = (_request, response) =>
    send(response, problem(404, `not found; available paths: ${paths}`));
  const failed: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    const reply: Reply = isClientError(error)
      ? problem(400, 'malformed request')
      : problem(500, 'internal server error');
    if (reply.status === 500) log.error({ reason: stackOf(error) }, 'HTTP handler failed');
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

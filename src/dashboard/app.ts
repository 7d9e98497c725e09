import { randomBytes } from 'node:crypto';
import express, { type Express, type Request, type Response } from 'express';
import { json, problem, send } from '../server/reply.ts';
import { onlyFromPage, onlyWithToken, securityHeaders } from './access.ts';
import { WatchedFiles, type FileSource } from './files.ts';
import type { Judging } from './judging.ts';

// JSON may take two bytes and more for one of a text. What the texts may have is checked when they are read.
const MOST_BODY = 4 * 1024 * 1024;

/** The files of the built page, by their path in it. */
export type PageFiles = ReadonlyMap<string, { readonly type: string; readonly body: Buffer }>;

/** The parts of the dashboard. */
export interface DashboardParts {
  readonly token: string;
  readonly page: PageFiles;
  readonly judging: Judging;
  /** Absent without files on the command line. */
  readonly files?: FileSource | undefined;
}

/** The handler of all requests, and what is to be ended with it. */
export interface Dashboard {
  readonly app: Express;
  stop(): Promise<void>;
}

/** Returns the handler of the dashboard: the page, the answers, and the files with their changes. */
export function dashboard({ token, page, judging, files }: DashboardParts): Dashboard {
  const watched = files === undefined ? undefined : new WatchedFiles(files);
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.use((_request, response, next) => {
    const nonce = randomBytes(16).toString('base64');
    response.locals['nonce'] = nonce;
    for (const [name, value] of Object.entries(securityHeaders(nonce))) response.setHeader(name, value);
    next();
  });
  app.use(onlyFromPage());
  // The page has nothing of the user, and gets its token from the address.
  app.get('/', (_request, response) => {
    const index = page.get('index.html');
    if (index === undefined) return send(response, problem(404, 'the page is not built'));
    const filled = index.body
      .toString('utf8')
      .replaceAll('__NONCE__', String(response.locals['nonce']))
      .replaceAll('__FILES__', files === undefined ? 'no' : 'yes');
    response.writeHead(200, { 'content-type': index.type }).end(filled);
  });
  app.get('/assets/:name', (request, response) => {
    const file = page.get(`assets/${request.params.name}`);
    if (file === undefined) return send(response, problem(404, 'not found'));
    response.writeHead(200, { 'content-type': file.type }).end(file.body);
  });
  app.use(onlyWithToken(token));
  app.get('/api/files', (request, response) => {
    const changed = watched?.since(request.query['version']);
    if (changed === undefined) response.status(204).end();
    else send(response, json(200, changed));
  });
  app.post('/api/judge', express.raw({ type: 'application/json', limit: MOST_BODY }), (request, response) =>
    answer(request, response, judging),
  );
  app.use((_request, response) =>
    send(response, problem(404, 'not found; available paths: /, /api/files, /api/judge')),
  );
  app.use((error: unknown, _request: Request, response: Response, _next: unknown) => {
    const isTooLarge = error instanceof Error && 'type' in error && error.type === 'entity.too.large';
    send(
      response,
      isTooLarge
        ? problem(413, `the manifests and the policy are larger than ${MOST_BODY} bytes as JSON: use fewer`)
        : problem(400, 'the request cannot be read'),
    );
  });
  return {
    app,
    stop: () => judging.stop(),
  };
}

async function answer(request: Request, response: Response, judging: Judging): Promise<void> {
  const body: unknown = request.body;
  if (!Buffer.isBuffer(body)) return send(response, problem(415, 'send JSON as application/json'));
  const page = String(request.headers['x-page'] ?? '').slice(0, 40);
  send(response, await judging.answer(new Uint8Array(body), page));
}

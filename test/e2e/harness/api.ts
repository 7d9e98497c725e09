import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { json, text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import { pathOf } from './paths.ts';
import type { KubeObject } from '../../../src/world/object.ts';

/** How to reach an API server: its address, its CA (PEM) and a bearer token. */
export interface Access {
  readonly server: string;
  readonly ca: string;
  readonly token: string;
}

/** The answer of an API server that rejected a request. */
export class Refused extends Error {
  readonly code: number;
  readonly body: unknown;

  constructor(code: number, body: unknown) {
    super(`${code} ${JSON.stringify(body).slice(0, 800)}`);
    this.name = 'Refused';
    this.code = code;
    this.body = body;
  }
}

/** The answer of an API server to a dry run. */
export interface Proposal {
  readonly code: number;
  readonly body: unknown;
  /** The values of the Warning headers. */
  readonly warnings: readonly string[];
}

/** An event of a watch. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject;
}

/** A minimal client for the harness itself. What users would do, tests do with kubectl. */
export class Api {
  readonly #access: Access;
  readonly #agent: https.Agent;

  constructor(access: Access) {
    this.#access = access;
    this.#agent = new https.Agent({ keepAlive: true, ca: access.ca });
  }

  get access(): Access {
    return this.#access;
  }

  /**
   * Sends a request. Returns the body of the answer.
   *
   * @throws Refused - If the status is an error.
   */
  async call(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<unknown> {
    const response = await this.#open(method, path, body, contentType);
    if ((response.statusCode ?? 500) >= 400) {
      const refusal = await text(response);
      throw new Refused(response.statusCode ?? 500, parsed(refusal));
    }
    return json(response);
  }

  /**
   * Returns an object, or undefined if it does not exist.
   *
   * @param namespace - Empty for cluster-scoped objects.
   */
  async get(apiVersion: string, kind: string, namespace: string, name: string): Promise<KubeObject | undefined> {
    try {
      return (await this.call('GET', pathOf({ apiVersion, kind, namespace, name }))) as KubeObject;
    } catch (error) {
      if (error instanceof Refused && error.code === 404) return undefined;
      throw error;
    }
  }

  /**
   * Returns the objects of a kind.
   *
   * @param namespace - Undefined for all namespaces.
   */
  async list(apiVersion: string, kind: string, namespace?: string, query = ''): Promise<KubeObject[]> {
    const { items } = (await this.call(
      'GET',
      pathOf({ apiVersion, kind, namespace: namespace ?? '' }) + (query === '' ? '' : `?${query}`),
    )) as { items: KubeObject[] };
    return items.map((item) => ({ ...item, apiVersion, kind }));
  }

  /**
   * Creates an object. Returns it as it is stored.
   *
   * @throws Refused - If the API server rejects it.
   */
  async create(object: KubeObject): Promise<KubeObject> {
    const { namespace } = object.metadata;
    return (await this.call(
      'POST',
      pathOf({
        apiVersion: object.apiVersion,
        kind: object.kind,
        namespace: typeof namespace === 'string' ? namespace : '',
      }),
      object,
    )) as KubeObject;
  }

  /**
   * Creates an object in a dry run. Returns the status code, the body and the warnings. The object may already exist:
   * webhooks are called before the API server notices.
   */
  async propose(object: KubeObject): Promise<Proposal> {
    const { namespace } = object.metadata;
    const path = pathOf({
      apiVersion: object.apiVersion,
      kind: object.kind,
      namespace: typeof namespace === 'string' ? namespace : '',
    });
    const response = await this.#open('POST', `${path}?dryRun=All`, object, 'application/json');
    const warnings = response.headersDistinct['warning'] ?? [];
    return { code: response.statusCode ?? 500, body: parsed(await text(response)), warnings };
  }

  /** Applies a JSON merge patch, optionally to a subresource. Returns the stored object. */
  async patch(
    at: { apiVersion: string; kind: string; namespace: string; name: string },
    patch: unknown,
    subresource = '',
  ): Promise<KubeObject> {
    return (await this.call(
      'PATCH',
      pathOf(at) + (subresource === '' ? '' : `/${subresource}`),
      patch,
      'application/merge-patch+json',
    )) as KubeObject;
  }

  /**
   * Opens a watch, and resolves when it is open.
   *
   * @param path - The path of a list, with query.
   * @throws Refused - If the API server rejects the watch.
   */
  async watch(
    path: string,
    each: (event: WatchEvent) => void,
    signal: AbortSignal,
    ended: () => void = () => undefined,
  ): Promise<void> {
    const response = await this.#open(
      'GET',
      `${path}${path.includes('?') ? '&' : '?'}watch=1`,
      undefined,
      'application/json',
      signal,
    );
    if (response.statusCode !== 200) throw new Refused(response.statusCode ?? 500, parsed(await text(response)));
    const lines = createInterface({ input: response, crlfDelay: Infinity });
    lines.on('line', (line) => each(JSON.parse(line) as WatchEvent));
    for (const stream of [response, lines]) stream.on('error', () => undefined);
    response.on('close', () => {
      if (!signal.aborted) ended();
    });
  }

  #open(
    method: string,
    path: string,
    body: unknown,
    contentType: string,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const sent = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const request = https.request(new URL(path, this.#access.server), {
        method,
        agent: this.#agent,
        headers: {
          authorization: `Bearer ${this.#access.token}`,
          accept: 'application/json',
          ...(sent === undefined ? {} : { 'content-type': contentType, 'content-length': sent.length }),
        },
        ...(signal === undefined ? {} : { signal }),
      });
      request.on('response', resolve).on('error', reject);
      // Node sends the body of a DELETE without a length unless it is set. The API server would read it as the next
      // request.
      request.end(sent);
    });
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

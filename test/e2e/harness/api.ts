import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { json, text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import { pathOf } from './paths.ts';
import type { KubeObject } from '../../../src/world/object.ts';

/** How to talk to an API server: its address, its CA (PEM) and a bearer token. */
export interface Access {
  readonly server: string;
  readonly ca: string;
  readonly token: string;
}

/** What an API server answered when it refused. */
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

/** What an API server says to a write that it does not carry out. */
export interface Proposal {
  readonly code: number;
  readonly body: unknown;
  /** Headers, as HTTP writes them. */
  readonly warnings: readonly string[];
}

/** One event of a watch. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject;
}

/** The few calls that the harness makes itself; whatever a person would do, tests do with kubectl. */
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

  /** In: method, path with query, body. Out: the answer's body. Throws Refused. */
  async call(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<unknown> {
    const response = await this.#open(method, path, body, contentType);
    if ((response.statusCode ?? 500) >= 400) {
      const refusal = await text(response);
      throw new Refused(response.statusCode ?? 500, parsed(refusal));
    }
    return json(response);
  }

  /**
   * In: apiVersion, kind, namespace (empty: cluster-scoped) and name. Out: the object, or undefined if it is not there.
   */
  async get(apiVersion: string, kind: string, namespace: string, name: string): Promise<KubeObject | undefined> {
    try {
      return (await this.call('GET', pathOf({ apiVersion, kind, namespace, name }))) as KubeObject;
    } catch (error) {
      if (error instanceof Refused && error.code === 404) return undefined;
      throw error;
    }
  }

  /** In: apiVersion, kind, namespace (undefined: all) and a query. Out: the objects. */
  async list(apiVersion: string, kind: string, namespace?: string, query = ''): Promise<KubeObject[]> {
    const { items } = (await this.call(
      'GET',
      pathOf({ apiVersion, kind, namespace: namespace ?? '' }) + (query === '' ? '' : `?${query}`),
    )) as { items: KubeObject[] };
    return items.map((item) => ({ ...item, apiVersion, kind }));
  }

  /** In: an object. Out: what is stored. Throws Refused. */
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
   * In: an object. Out: what is said to its creation, which is not carried out: the code of the answer, its body and
   * the warnings. It may be there already; webhooks are asked before that is found out.
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

  /** In: which object, a JSON merge patch, and a subresource. Out: what is stored. */
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
   * In: the path of a list, with query, what to do with each event, when to end, and what to do if the server ends it
   * first. Out: resolves when the watch is open. Throws Refused.
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
      // Node sends the body of a DELETE without its length unless that is said: the API server would take it for the
      // next request.
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

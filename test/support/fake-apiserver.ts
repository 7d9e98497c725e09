import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { selfSigned, type KeyPair } from '../../src/server/certificate.ts';
import { KINDS, type KindId, type KubeObject } from '../../src/world/object.ts';
import type { JsonObject } from '../../src/world/read.ts';
import { parsePath, refuse, reply, verbOf, type View } from './fake-apiserver/requests.ts';
import { Reads } from './fake-apiserver/reads.ts';
import { discoveryAt, keyIn, resourceOf, titleOf } from './fake-apiserver/resources.ts';
import { Store } from './fake-apiserver/store.ts';
import { Watches } from './fake-apiserver/watches.ts';

/** One request that the server received. */
export interface ReceivedRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly authorization: string;
}

/**
 * An API server in memory: discovery, lists in pages, watches with bookmarks, and single objects. It listens on
 * 127.0.0.1 and is read-only over HTTP; tests change objects with `put` and `remove`, and can make it fail in the ways
 * that real API servers fail. It starts with every kind that Rollgate knows.
 */
export class FakeApiServer {
  /** The number of HTTP/2 connections so far. */
  sessions = 0;
  /** Every request since the start, in order. */
  readonly requests: ReceivedRequest[] = [];
  /** How long watches lag behind changes, in milliseconds. */
  watchDelay = 0;
  /** How long discovery takes, in milliseconds. It answers with what was served when the request came in. */
  discoveryTakes = 0;
  /** The time between two bookmarks, in milliseconds. */
  bookmarkEvery = 60_000;
  /** The size of the pieces in which watches are sent, in bytes; undefined sends whole lines. */
  chunk: number | undefined;
  /** The accepted bearer tokens; undefined accepts requests without one. */
  tokens: ReadonlySet<string> | undefined;
  /** The longest page of a list, even if the request allows more. */
  pageSize = Infinity;
  /** Resources such as `apps/deployments` that discovery does not mention. */
  readonly hidden = new Set<string>();
  /** Whether every continue token is answered with 410. */
  expiring = false;

  readonly #tls: KeyPair | undefined;
  readonly #http2: boolean;
  readonly #store = new Store((table, event) => this.#watches.report(table, event));
  readonly #watches: Watches = new Watches(this, () => this.#store.version);
  readonly #reads = new Reads(this, () => this.#store.version);
  readonly #sockets = new Set<Socket>();
  readonly #failures = new Map<string, { readonly status: number; readonly unless: string | undefined }>();
  readonly #stalled = new Set<string>();
  #server: Server | undefined;
  #port = 0;

  private constructor(tls: boolean, http2: boolean) {
    this.#http2 = http2;
    const day = 24 * 3600 * 1000;
    this.#tls = tls
      ? selfSigned({
          names: ['127.0.0.1'],
          notBefore: new Date(Date.now() - day),
          notAfter: new Date(Date.now() + day),
        })
      : undefined;
    for (const kind of Object.keys(KINDS) as KindId[]) this.install(kind);
  }

  /**
   * Starts a server on a free port.
   *
   * @param options - `http2` implies `tls`.
   */
  static async start({
    http2 = false,
    tls = http2,
  }: { readonly tls?: boolean; readonly http2?: boolean } = {}): Promise<FakeApiServer> {
    const server = new FakeApiServer(tls, http2);
    await server.listen();
    return server;
  }

  get url(): string {
    return `${this.#tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}`;
  }

  /** The port, which stays the same after a restart. */
  get port(): number {
    return this.#port;
  }

  /**
   * Returns a kubeconfig for this server.
   *
   * @param options - `port` is the port of a proxy in front of the server, if there is one.
   */
  kubeConfig({
    token,
    tokenFile,
    port = this.#port,
  }: { readonly token?: string; readonly tokenFile?: string; readonly port?: number } = {}): KubeConfig {
    const config = new KubeConfig();
    const trust =
      this.#tls === undefined
        ? { skipTLSVerify: true }
        : { skipTLSVerify: false, caData: Buffer.from(this.#tls.cert).toString('base64') };
    config.loadFromClusterAndUser(
      { name: 'fake', server: this.url.replace(/\d+$/, String(port)), ...trust },
      {
        name: 'test',
        ...(token === undefined ? {} : { token }),
        ...(tokenFile === undefined ? {} : { authProvider: { name: 'tokenFile', config: { tokenFile } } }),
      },
    );
    return config;
  }

  /** Creates or replaces an object. Returns it with the `uid` and `resourceVersion` that it got. */
  put(object: JsonObject): KubeObject {
    return this.#store.put(object);
  }

  /** Deletes an object, if it exists. */
  remove(kind: KindId, namespace: string, name: string): void {
    const { group, plural } = KINDS[kind];
    this.removeFrom(group, plural, namespace, name);
  }

  /** Deletes an object, if it exists, from a resource that is named by group and plural. */
  removeFrom(group: string, plural: string, namespace: string, name: string): void {
    const table = this.#store.table(group, plural);
    if (table === undefined) throw new Error(`${plural} are not served`);
    this.#store.delete(table, keyIn(table.resource, namespace, name));
  }

  /**
   * Serves a kind, as if its CustomResourceDefinition were applied.
   *
   * @param options - `group` replaces the group of the kind.
   */
  install(
    kind: KindId,
    { group = KINDS[kind].group, versions }: { readonly group?: string; readonly versions?: readonly string[] } = {},
  ): void {
    this.#store.install(resourceOf(kind, group, versions));
  }

  /** Returns the versions in which a kind is served, the preferred one first. */
  versionsOf(kind: KindId): readonly string[] {
    return this.#store.table(KINDS[kind].group, KINDS[kind].plural)?.resource.versions ?? [];
  }

  /** Stops serving a kind, as if its CustomResourceDefinition were deleted: deletes its objects and ends its watches. */
  uninstall(kind: KindId, group: string = KINDS[kind].group): void {
    const table = this.#store.table(group, KINDS[kind].plural);
    if (table !== undefined) this.#store.uninstall(table, () => this.#watches.end(table));
  }

  /**
   * Answers all requests for a resource with a status.
   *
   * @param resource - Such as `apps/deployments` or `/services`; ` list`, ` watch` or ` get` after it limits it to
   *   those requests.
   * @param status - Undefined ends the failure.
   * @param options - `unless` excludes requests that have this query parameter.
   */
  fail(resource: string, status: number | undefined, { unless }: { readonly unless?: string } = {}): void {
    if (status === undefined) this.#failures.delete(resource);
    else this.#failures.set(resource, { status, unless });
  }

  /** Answers a discovery path, such as `/apis` or `/apis/apps/v1`, with a status. */
  failDiscovery(path: string, status: number): void {
    this.#failures.set(path, { status, unless: undefined });
  }

  /** Never answers requests for a resource, which is named as for `fail`. */
  stall(resource: string): void {
    this.#stalled.add(resource);
  }

  /** Holds back all changes from watches until `resume`. */
  pause(): void {
    this.#watches.pause();
  }

  /** Sends watches the changes that `pause` held back. */
  resume(): void {
    this.#watches.resume();
  }

  /** Forgets all changes so far, as compaction does: watches from an older version are answered with 410. */
  compact(): void {
    this.#watches.compact();
  }

  /** Breaks the connections of all watches. */
  cutWatches(): void {
    this.#watches.cut();
  }

  /** Sends nothing more on the watches that are open now, but keeps their connections: a silent drop. */
  silenceWatches(): void {
    this.#watches.silence();
  }

  /** Sends a bookmark on every watch. */
  bookmark(): void {
    this.#watches.bookmark();
  }

  /** Sends any text on every watch of a resource. */
  sendRaw(resource: string, text: string): void {
    this.#watches.sendRaw(resource, text);
  }

  /** Returns the number of open watches, of all resources or of one. */
  watching(resource?: string): number {
    return this.#watches.count(resource);
  }

  /** Returns the requests for a resource, all of them or those with one verb. */
  requestsFor(resource: string, verb?: 'list' | 'watch' | 'get'): readonly ReceivedRequest[] {
    return this.requests.filter((request) => {
      const target = parsePath(request.path);
      if (target === undefined || `${target.group}/${target.plural}` !== resource) return false;
      return verb === undefined || verb === verbOf(target, request.query);
    });
  }

  /** Listens; after `stop`, on the same port as before. */
  async listen(): Promise<void> {
    const handler = (request: IncomingMessage, response: ServerResponse): void => this.#handle(request, response);
    const server = this.#create(handler);
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  #create(handler: (request: IncomingMessage, response: ServerResponse) => void): Server {
    if (this.#tls === undefined) return http.createServer(handler);
    const { cert, key } = this.#tls;
    if (!this.#http2) return https.createServer({ cert, key }, handler);
    const server = http2.createSecureServer({ cert, key, allowHTTP1: true }).on('session', () => this.sessions++);
    // HTTP/2 requests have the HTTP/1 interface in Node, as far as this server uses it.
    server.on('request', (request, response) =>
      handler(request as unknown as IncomingMessage, response as unknown as ServerResponse),
    );
    return server as unknown as Server;
  }

  /** Breaks every connection and accepts no new ones; the objects stay. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const received = {
      path: url.pathname,
      query: url.searchParams,
      accept: request.headers.accept ?? '',
      authorization: request.headers.authorization ?? '',
    };
    this.requests.push(received);
    if (request.method !== 'GET') return refuse(response, 405, 'MethodNotAllowed', 'this server is read-only');
    if (this.tokens !== undefined && !this.tokens.has(received.authorization.replace(/^Bearer /, '')))
      return refuse(response, 401, 'Unauthorized', 'Unauthorized');
    const broken = this.#failures.get(url.pathname);
    if (broken !== undefined) return refuse(response, broken.status, 'InternalError', `${url.pathname} failed`);
    const discovery = discoveryAt(
      url.pathname,
      this.#store.resources.filter((resource) => !this.hidden.has(titleOf(resource))),
    );
    if (discovery !== undefined) return void setTimeout(() => reply(response, discovery), this.discoveryTakes);
    const target = parsePath(url.pathname);
    const table = target === undefined ? undefined : this.#store.table(target.group, target.plural);
    if (target === undefined || table === undefined || !table.resource.versions.includes(target.version)) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
      return;
    }
    const resource = titleOf(table.resource);
    const verb = verbOf(target, url.searchParams);
    if (this.#stalled.has(resource) || this.#stalled.has(`${resource} ${verb}`)) return;
    const failure = this.#failures.get(`${resource} ${verb}`) ?? this.#failures.get(resource);
    if (failure !== undefined && (failure.unless === undefined || !url.searchParams.has(failure.unless))) {
      const forbidden = failure.status === 403;
      return refuse(
        response,
        failure.status,
        forbidden ? 'Forbidden' : 'InternalError',
        `${resource} ${forbidden ? 'is forbidden' : 'failed'}`,
      );
    }
    const view: View = {
      apiVersion: target.group === '' ? target.version : `${target.group}/${target.version}`,
      namespace: target.namespace,
      name: target.name ?? /^metadata\.name=(.+)$/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1],
      labels: (url.searchParams.get('labelSelector') ?? '')
        .split(',')
        .filter(Boolean)
        .map((term) => [term.split('=')[0] ?? '', term.split('=')[1] ?? ''] as const),
      metadataOnly: received.accept.includes('as=PartialObjectMetadata'),
    };
    if (verb === 'watch') this.#watches.open(table, view, url.searchParams, response);
    else if (verb === 'list') this.#reads.list(table, view, url.searchParams, response);
    else this.#reads.get(table, view, response);
  }
}

import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { selfSigned, type KeyPair } from '../../src/server/certificate.ts';
import { isKubeObject, KINDS, kindOf, type KindId, type KubeObject } from '../../src/world/object.ts';
import type { JsonObject } from '../../src/world/read.ts';
import { inView, parsePath, refuse, reply, shown, statusOf, verbOf, type View } from './api-requests.ts';

/** One request that the server received. */
export interface ReceivedRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly authorization: string;
}

/** A kind that the server serves. */
interface Resource {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** The first is the one that the group prefers. */
  readonly versions: readonly string[];
}

interface Stored {
  readonly object: KubeObject;
  readonly version: number;
}

interface Event {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
  readonly version: number;
}

interface Watcher {
  readonly response: ServerResponse;
  readonly table: Table;
  readonly view: View;
  /** The version that the client has seen. */
  version: number;
  silent: boolean;
  /** Lines are written one after another, however small the pieces. */
  tail: Promise<void>;
  readonly timers: Set<NodeJS.Timeout>;
}

/** The objects of a resource, and what happened to them. */
interface Table {
  readonly resource: Resource;
  readonly objects: Map<string, Stored>;
  readonly history: Event[];
}

/** A list in pages, as it was when its first page was read. */
interface Snapshot {
  readonly items: readonly KubeObject[];
  readonly offset: number;
  readonly version: number;
}

const CORE: readonly string[] = ['', 'apps', 'autoscaling', 'policy', 'networking.k8s.io', 'apiextensions.k8s.io'];

const VERSIONS: Readonly<Record<string, readonly string[]>> = {
  autoscaling: ['v2', 'v1'],
  'argoproj.io': ['v1alpha1'],
  'networking.istio.io': ['v1', 'v1beta1', 'v1alpha3'],
  'keda.sh': ['v1alpha1'],
  'split.smi-spec.io': ['v1alpha2', 'v1alpha1'],
  'getambassador.io': ['v3alpha1', 'v2'],
  'traefik.io': ['v1alpha1'],
  'apisix.apache.org': ['v2'],
  'appmesh.k8s.aws': ['v1beta2'],
};

// Where a resource is served in other versions than its group prefers.
const ONLY_VERSIONS: Partial<Record<KindId, readonly string[]>> = {
  'HTTPRoute.gateway.networking.k8s.io': ['v1', 'v1beta1'],
  'GRPCRoute.gateway.networking.k8s.io': ['v1'],
  'TCPRoute.gateway.networking.k8s.io': ['v1alpha2'],
  'TLSRoute.gateway.networking.k8s.io': ['v1alpha2'],
};

const DEFINITIONS = 'apiextensions.k8s.io/customresourcedefinitions';

/**
 * An API server in memory, for tests: discovery, lists in pages, watches with bookmarks, single objects, all read-only
 * over HTTP on 127.0.0.1; objects are put in by `put` and `remove`. It fails in the ways real ones do, when told to. By
 * default it serves every kind that Rollgate knows.
 */
export class FakeApiServer {
  /** How many connections by HTTP/2 were made. */
  sessions = 0;
  /** Every request since the start, in order. */
  readonly requests: ReceivedRequest[] = [];
  /** How many milliseconds after a change the watches tell of it. */
  watchDelay = 0;
  /** How many milliseconds it takes to say what is served; it is what was served when that was asked. */
  discoveryTakes = 0;
  /** How many milliseconds between two bookmarks. */
  bookmarkEvery = 60_000;
  /** How many bytes of a watch are sent at once; undefined: lines as they are. */
  chunk: number | undefined;
  /** The bearer tokens that are accepted; undefined: no token is asked for. */
  tokens: ReadonlySet<string> | undefined;
  /** Pages are no longer than this, whatever limit is asked for. */
  pageSize = Infinity;
  /** Resources (`apps/deployments`) that discovery leaves out. */
  readonly hidden = new Set<string>();
  /** Whether continue tokens are always too old. */
  expiring = false;

  readonly #tls: KeyPair | undefined;
  readonly #http2: boolean;
  readonly #tables = new Map<string, Table>();
  readonly #watchers = new Set<Watcher>();
  readonly #sockets = new Set<Socket>();
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #failures = new Map<string, { readonly status: number; readonly unless: string | undefined }>();
  readonly #stalled = new Set<string>();
  #server: Server | undefined;
  #port = 0;
  #version = 1000;
  #oldest = 0;
  #paused = false;
  #nextToken = 0;

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
    this.#tables.set(
      DEFINITIONS,
      table({
        group: 'apiextensions.k8s.io',
        plural: 'customresourcedefinitions',
        kind: 'CustomResourceDefinition',
        namespaced: false,
        versions: ['v1'],
      }),
    );
    for (const kind of Object.keys(KINDS) as KindId[]) this.install(kind);
  }

  /** In: whether to serve HTTPS, and HTTP/2 with it. Out: a server that listens on a free port of 127.0.0.1. */
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

  /** The port, the same after a restart. */
  get port(): number {
    return this.#port;
  }

  /**
   * In: a token, or the file that holds it, and the port where something stands between. Out: a kubeconfig for this
   * server.
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

  /**
   * In: an object, its metadata without uid and resourceVersion. Adds it, or replaces the one of that kind, namespace
   * and name. Out: it as it is stored.
   */
  put(object: JsonObject): KubeObject {
    if (!isKubeObject(object)) throw new Error('no Kubernetes object');
    const place = this.#tableOf(object);
    const key = keyIn(place.resource, object.metadata.namespace, object.metadata.name);
    const before = place.objects.get(key);
    const version = ++this.#version;
    const uid = before?.object.metadata['uid'] ?? `uid-${version}`;
    const stored: KubeObject = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(version) } };
    place.objects.set(key, { object: stored, version });
    this.#happened(place, { type: before === undefined ? 'ADDED' : 'MODIFIED', object: stored, version });
    return stored;
  }

  /** Removes the object, if it is there. */
  remove(kind: KindId, namespace: string, name: string): void {
    const { group, plural } = KINDS[kind];
    this.removeFrom(group, plural, namespace, name);
  }

  /** The same, of a resource by its group and plural. */
  removeFrom(group: string, plural: string, namespace: string, name: string): void {
    const place = this.#tables.get(`${group}/${plural}`);
    if (place === undefined) throw new Error(`${plural} are not served`);
    this.#delete(place, keyIn(place.resource, namespace, name));
  }

  /**
   * Serves a kind, as if its CustomResourceDefinition were applied; `group` where it is another than the kind's own.
   */
  install(
    kind: KindId,
    { group = KINDS[kind].group, versions }: { readonly group?: string; readonly versions?: readonly string[] } = {},
  ): void {
    const { plural, namespaced } = KINDS[kind];
    const resource = {
      group,
      plural,
      kind: KINDS[kind].kind,
      namespaced,
      versions: versions ?? ONLY_VERSIONS[kind] ?? VERSIONS[group] ?? ['v1'],
    };
    this.#tables.set(`${group}/${plural}`, table(resource));
    if (!CORE.includes(group))
      this.put({
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `${plural}.${group}` },
      });
  }

  /** In: a kind. Out: the versions in which it is served; the first is preferred. */
  versionsOf(kind: KindId): readonly string[] {
    return this.#tables.get(`${KINDS[kind].group}/${KINDS[kind].plural}`)?.resource.versions ?? [];
  }

  /** Serves a kind no more, as if its CustomResourceDefinition were deleted: its objects go, its watches end. */
  uninstall(kind: KindId, group: string = KINDS[kind].group): void {
    const { plural } = KINDS[kind];
    const place = this.#tables.get(`${group}/${plural}`);
    if (place === undefined) return;
    for (const key of [...place.objects.keys()]) this.#delete(place, key);
    this.#tables.delete(`${group}/${plural}`);
    for (const watcher of this.#watchers) if (watcher.table === place) watcher.response.end();
    const definitions = this.#tables.get(DEFINITIONS);
    if (definitions !== undefined)
      this.#delete(definitions, keyIn(definitions.resource, undefined, `${plural}.${group}`));
  }

  /**
   * Answers all requests for a resource (`apps/deployments`, `/services`) with a status; undefined: as usual again.
   * `list`, `watch` or `get` after a blank narrows it; `unless` excepts requests with that query parameter.
   */
  fail(resource: string, status: number | undefined, { unless }: { readonly unless?: string } = {}): void {
    if (status === undefined) this.#failures.delete(resource);
    else this.#failures.set(resource, { status, unless });
  }

  /** Answers one of the paths of discovery (`/apis`, `/apis/apps/v1`) with a status. */
  failDiscovery(path: string, status: number): void {
    this.#failures.set(path, { status, unless: undefined });
  }

  /** Never answers requests for a resource; named as for `fail`. */
  stall(resource: string): void {
    this.#stalled.add(resource);
  }

  /** Tells watches nothing of changes until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  /** Tells watches what they have missed. */
  resume(): void {
    this.#paused = false;
    for (const watcher of this.#watchers) this.#catchUp(watcher);
  }

  /** Forgets all changes so far, as compaction does: watches from before now are told 410. */
  compact(): void {
    this.#oldest = this.#version;
  }

  /** Breaks the connections of all watches. */
  cutWatches(): void {
    for (const { response } of this.#watchers) response.destroy();
  }

  /** Says nothing more on any watch there is now, and leaves the connections as they are: a silent drop. */
  silenceWatches(): void {
    for (const watcher of this.#watchers) watcher.silent = true;
  }

  /** Sends a bookmark on every watch. */
  bookmark(): void {
    for (const watcher of this.#watchers) this.#sendBookmark(watcher);
  }

  /** Sends text on every watch of a resource, whatever it is. */
  sendRaw(resource: string, text: string): void {
    for (const watcher of this.#watchers) if (titleOf(watcher.table.resource) === resource) this.#write(watcher, text);
  }

  /** Out: how many watches there are, or how many of a resource. */
  watching(resource?: string): number {
    return [...this.#watchers].filter(
      (watcher) => resource === undefined || titleOf(watcher.table.resource) === resource,
    ).length;
  }

  /** Out: the requests for a resource, all or only lists, watches or single objects. */
  requestsFor(resource: string, verb?: 'list' | 'watch' | 'get'): readonly ReceivedRequest[] {
    return this.requests.filter((request) => {
      const target = parsePath(request.path);
      if (target === undefined || `${target.group}/${target.plural}` !== resource) return false;
      return verb === undefined || verb === verbOf(target, request.query);
    });
  }

  /** Listens, again after `stop` on the same port. */
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
    // Node gives requests of HTTP/2 the interface of HTTP/1, as far as this server uses it.
    server.on('request', (request, response) =>
      handler(request as unknown as IncomingMessage, response as unknown as ServerResponse),
    );
    return server as unknown as Server;
  }

  /** Breaks every connection and takes none; the objects stay. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #tableOf(object: KubeObject): Table {
    const slash = object.apiVersion.indexOf('/');
    const group = slash < 0 ? '' : object.apiVersion.slice(0, slash);
    for (const place of this.#tables.values()) {
      if (place.resource.group === group && place.resource.kind === object.kind) return place;
    }
    throw new Error(`${object.apiVersion} ${object.kind} (${kindOf(object) ?? 'an unknown kind'}) is not served`);
  }

  #delete(place: Table, key: string): void {
    const before = place.objects.get(key);
    if (before === undefined) return;
    place.objects.delete(key);
    const version = ++this.#version;
    const object = { ...before.object, metadata: { ...before.object.metadata, resourceVersion: String(version) } };
    this.#happened(place, { type: 'DELETED', object, version });
  }

  #happened(place: Table, event: Event): void {
    place.history.push(event);
    for (const watcher of this.#watchers) {
      if (watcher.table !== place) continue;
      if (this.watchDelay === 0) this.#catchUp(watcher);
      else later(watcher, this.watchDelay, () => this.#catchUp(watcher, event.version));
    }
  }

  /** Sends a watch what happened since the version it has seen, up to a version. */
  #catchUp(watcher: Watcher, upTo = Infinity): void {
    if (this.#paused) return;
    const { history } = watcher.table;
    const seen = watcher.version;
    for (const event of history.slice(history.findLastIndex(({ version }) => version <= seen) + 1)) {
      if (event.version > upTo) return;
      watcher.version = event.version;
      if (inView(event.object, watcher.view))
        this.#write(
          watcher,
          `${JSON.stringify({ type: event.type, object: shown(event.object, watcher.view, true) })}\n`,
        );
    }
  }

  #sendBookmark(watcher: Watcher): void {
    // Without delays and pauses it vouches for everything up to now, as a real one does for quiet resources.
    if (!this.#paused && this.watchDelay === 0) watcher.version = Math.max(watcher.version, this.#version);
    const { apiVersion, metadataOnly } = watcher.view;
    const head = metadataOnly
      ? { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata' }
      : { apiVersion, kind: watcher.table.resource.kind };
    const object = { ...head, metadata: { resourceVersion: String(watcher.version), creationTimestamp: null } };
    this.#write(watcher, `${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  #write(watcher: Watcher, text: string): void {
    if (watcher.silent) return;
    const bytes = Buffer.from(text);
    const size = this.chunk ?? bytes.length;
    watcher.tail = watcher.tail.then(async () => {
      for (let start = 0; start < bytes.length && !watcher.silent && !watcher.response.writableEnded; start += size) {
        watcher.response.write(bytes.subarray(start, start + size));
        if (size < bytes.length) await new Promise((resolve) => setImmediate(resolve));
      }
    });
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
    const discovery = this.#discovery(url.pathname);
    if (discovery !== undefined) return void setTimeout(() => reply(response, discovery), this.discoveryTakes);
    const target = parsePath(url.pathname);
    const place = target === undefined ? undefined : this.#tables.get(`${target.group}/${target.plural}`);
    if (target === undefined || place === undefined || !place.resource.versions.includes(target.version)) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
      return;
    }
    const resource = titleOf(place.resource);
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
    if (verb === 'watch') this.#watch(place, view, url.searchParams, response);
    else if (verb === 'list') this.#list(place, view, url.searchParams, response);
    else this.#get(place, view, response);
  }

  #get(place: Table, view: View, response: ServerResponse): void {
    const stored = place.objects.get(keyIn(place.resource, view.namespace, view.name ?? ''));
    if (stored === undefined)
      return refuse(response, 404, 'NotFound', `${titleOf(place.resource)} "${view.name ?? ''}" not found`, {
        name: view.name,
        kind: place.resource.plural,
      });
    reply(response, shown(stored.object, view, true));
  }

  #list(place: Table, view: View, query: URLSearchParams, response: ServerResponse): void {
    const token = query.get('continue');
    let snapshot: Snapshot | undefined;
    if (token === null) {
      const items = [...place.objects.values()].map(({ object }) => object).filter((object) => inView(object, view));
      snapshot = { items, offset: 0, version: this.#version };
    } else {
      snapshot = this.#snapshots.get(token);
      if (snapshot === undefined || this.expiring)
        return refuse(response, 410, 'Expired', 'The provided continue parameter is too old');
    }
    const { items, offset, version } = snapshot;
    const limit = Math.min(Number(query.get('limit') ?? Infinity), query.has('limit') ? this.pageSize : Infinity);
    const end = Math.min(items.length, offset + limit);
    let next = '';
    if (end < items.length) {
      next = `token-${++this.#nextToken}`;
      this.#snapshots.set(next, { items, offset: end, version });
    }
    const head = view.metadataOnly
      ? { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' }
      : { kind: `${place.resource.kind}List`, apiVersion: view.apiVersion };
    // The API server leaves apiVersion and kind out of the items of its own kinds, not of custom resources.
    const named = view.metadataOnly || !CORE.includes(place.resource.group);
    reply(response, {
      ...head,
      metadata: {
        resourceVersion: String(version),
        ...(next === '' ? {} : { continue: next, remainingItemCount: items.length - end }),
      },
      items: items.slice(offset, end).map((object) => shown(object, view, named)),
    });
  }

  #watch(place: Table, view: View, query: URLSearchParams, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const version = Number(query.get('resourceVersion') ?? 0);
    if (version < this.#oldest) {
      const status = statusOf(410, 'Expired', `too old resource version: ${version} (${this.#oldest})`);
      response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
      return;
    }
    const watcher: Watcher = {
      response,
      table: place,
      view,
      version,
      silent: false,
      tail: Promise.resolve(),
      timers: new Set(),
    };
    this.#watchers.add(watcher);
    const seconds = Number(query.get('timeoutSeconds') ?? 1800);
    later(watcher, seconds * 1000, () => {
      if (!watcher.silent) response.end();
    });
    const bookmarks =
      query.get('allowWatchBookmarks') === 'true'
        ? setInterval(() => this.#sendBookmark(watcher), this.bookmarkEvery)
        : undefined;
    response.once('close', () => {
      clearInterval(bookmarks);
      for (const timer of watcher.timers) clearTimeout(timer);
      this.#watchers.delete(watcher);
    });
    if (this.watchDelay === 0) this.#catchUp(watcher);
    else later(watcher, this.watchDelay, () => this.#catchUp(watcher));
  }

  #discovery(path: string): JsonObject | undefined {
    const resources = [...this.#tables.values()]
      .map((place) => place.resource)
      .filter((resource) => !this.hidden.has(titleOf(resource)));
    if (path === '/apis') {
      const groups = Map.groupBy(
        resources.filter(({ group }) => group !== ''),
        ({ group }) => group,
      );
      return {
        kind: 'APIGroupList',
        apiVersion: 'v1',
        groups: [...groups].map(([name, members]) => {
          const versions = [...new Set(members.flatMap((member) => member.versions))].map((version) => ({
            groupVersion: `${name}/${version}`,
            version,
          }));
          return { name, versions, preferredVersion: versions[0] };
        }),
      };
    }
    const match = /^\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))$/.exec(path);
    if (match === null) return undefined;
    const group = match[2] ?? '';
    const version = match[1] ?? match[3] ?? '';
    const served = resources.filter((resource) => resource.group === group && resource.versions.includes(version));
    if (served.length === 0) return undefined;
    return {
      kind: 'APIResourceList',
      groupVersion: group === '' ? version : `${group}/${version}`,
      resources: served.flatMap(({ plural, kind, namespaced }) => [
        { name: plural, kind, namespaced, verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'] },
        { name: `${plural}/status`, kind, namespaced, verbs: ['get', 'patch', 'update'] },
      ]),
    };
  }
}

function table(resource: Resource): Table {
  return { resource, objects: new Map(), history: [] };
}

function titleOf({ group, plural }: Resource): string {
  return `${group}/${plural}`;
}

function keyIn(resource: Resource, namespace: string | undefined, name: string): string {
  return resource.namespaced ? `${namespace ?? ''}/${name}` : name;
}

function later(watcher: Watcher, milliseconds: number, act: () => void): void {
  const timer = setTimeout(() => {
    watcher.timers.delete(timer);
    act();
  }, milliseconds);
  watcher.timers.add(timer);
}

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeObject } from '../../../../src/world/object.ts';
import type { Api } from '../api.ts';

const API_VERSION = 'source.toolkit.fluxcd.io/v1';
// kustomize-controller watches all of them.
const KINDS = { GitRepository: 'gitrepositories', OCIRepository: 'ocirepositories', Bucket: 'buckets' };

/**
 * Plays source-controller: GitRepositories whose artifacts it serves by HTTP on the loopback interface. It reads no
 * Git, but is given the files of each commit.
 */
export class Sources {
  readonly #api: Api;
  readonly #folder: string;
  readonly #server: Server;
  /** The archives by the path of their URL. */
  readonly #archives = new Map<string, Buffer>();

  private constructor(api: Api, folder: string) {
    this.#api = api;
    this.#folder = folder;
    this.#server = createServer(({ url = '' }, response) => {
      const archive = this.#archives.get(url);
      response.writeHead(archive === undefined ? 404 : 200).end(archive);
    });
  }

  /** Starts it. Its archives are made in a folder, which need not exist. */
  static async start(api: Api, folder: string): Promise<Sources> {
    await mkdir(folder, { recursive: true });
    const sources = new Sources(api, folder);
    sources.#server.listen(0, '127.0.0.1');
    await once(sources.#server, 'listening');
    return sources;
  }

  /** Creates a GitRepository that has no commit yet. */
  async create(namespace: string, name: string): Promise<void> {
    const spec = { url: `https://git.example.com/${name}`, interval: '1h' };
    await this.#api.create({ apiVersion: API_VERSION, kind: 'GitRepository', metadata: { namespace, name }, spec });
  }

  /** Makes files the newest commit of a GitRepository. Returns its revision. */
  async commit(namespace: string, name: string, files: Readonly<Record<string, string>>): Promise<string> {
    const archive = await archiveOf(await mkdtemp(join(this.#folder, 'commit-')), files);
    const digest = createHash('sha256').update(archive).digest('hex');
    const path = `/${namespace}/${name}/${digest}.tar.gz`;
    this.#archives.set(path, archive);
    const now = new Date().toISOString().replace(/[.]\d+/, '');
    // As long as the hash of a commit.
    const revision = `main@sha1:${digest.slice(0, 40)}`;
    const artifact = {
      digest: `sha256:${digest}`,
      lastUpdateTime: now,
      path: path.slice(1),
      revision,
      size: archive.length,
      url: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`,
    };
    const ready = { type: 'Ready', status: 'True', reason: 'Succeeded', message: revision, lastTransitionTime: now };
    await this.#api.patch(
      { apiVersion: API_VERSION, kind: 'GitRepository', namespace, name },
      { status: { artifact, conditions: [ready] } },
      'status',
    );
    return revision;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

/** Returns the definitions of the kinds of sources, with as much as kustomize-controller reads. */
export function sourceDefinitions(): KubeObject[] {
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  };
  return Object.entries(KINDS).map(([kind, plural]) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.source.toolkit.fluxcd.io` },
    spec: {
      group: 'source.toolkit.fluxcd.io',
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: 'v1', served: true, storage: true, subresources: { status: {} }, schema }],
    },
  }));
}

async function archiveOf(folder: string, files: Readonly<Record<string, string>>): Promise<Buffer> {
  const content = join(folder, 'content');
  await mkdir(content);
  for (const [name, text] of Object.entries(files)) await writeFile(join(content, name), text);
  const archive = join(folder, 'archive.tar.gz');
  await promisify(execFile)('tar', ['-czf', archive, '-C', content, '.']);
  return readFile(archive);
}

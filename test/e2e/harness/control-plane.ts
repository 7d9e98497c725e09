import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Api, Refused, type Access } from './api.ts';
import {
  AUDIT_LOG,
  controlPlanePrograms,
  type ControlPlaneOptions,
  type ControlPlanePrograms,
} from './control-plane-programs.ts';
import { until, type Program } from './program.ts';

/** The coordinates of a service account. */
export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

/**
 * The users of the cluster: the administrator; a developer with the rights of `edit` in all namespaces; a stranger
 * without rights.
 */
export type Person = 'admin' | 'developer' | 'stranger';

/** A request that the API server has answered. */
export interface AuditedRequest {
  readonly user: string;
  readonly verb: string;
  /** When it arrived, in microseconds since the epoch. */
  readonly begin: number;
  /** When it was answered. */
  readonly end: number;
}

interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource?: string };
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
}

// 2026-01-01T00:00:00.123456Z; a Date has milliseconds only.
function microseconds(time: string): number {
  return Date.parse(`${time.slice(0, 19)}Z`) * 1_000 + Number(time.slice(20, 26));
}

const PEOPLE: readonly Person[] = ['admin', 'developer', 'stranger'];

/**
 * etcd, kube-apiserver and kube-controller-manager on the loopback interface, with their own folder, certificates, keys
 * and tokens. Several control planes can run at the same time. The class Kubelet plays nodes and pods.
 */
export class ControlPlane {
  readonly folder: string;
  readonly etcd: Program;
  readonly apiserver: Program;
  readonly controllerManager: Program;
  readonly #programs: ControlPlanePrograms;
  readonly #tokens: Readonly<Record<Person, string>>;
  #ca = '';
  #admin: Api | undefined;

  private constructor(folder: string, programs: ControlPlanePrograms, tokens: Readonly<Record<Person, string>>) {
    this.folder = folder;
    this.#programs = programs;
    ({ etcd: this.etcd, apiserver: this.apiserver, controllerManager: this.controllerManager } = programs);
    this.#tokens = tokens;
  }

  /**
   * Starts a control plane, and waits until it answers. If it does not start, it stops everything and rejects with the
   * ends of the logs.
   */
  static async start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const folder = await mkdtemp(join(tmpdir(), 'rollgate-e2e-'));
    const tokens = Object.fromEntries(PEOPLE.map((name) => [name, randomBytes(16).toString('hex')])) as Record<
      Person,
      string
    >;
    const people = PEOPLE.map((user) => ({
      token: tokens[user],
      user,
      group: user === 'admin' ? 'system:masters' : 'people',
    }));
    const controlPlane = new ControlPlane(folder, await controlPlanePrograms(folder, people, options), tokens);
    try {
      if (options.data !== undefined) await copyOf(options.data, join(folder, 'etcd'));
      controlPlane.etcd.start();
      controlPlane.apiserver.start();
      await controlPlane.answers();
      if (options.controllers === 'none') return controlPlane;
      controlPlane.controllerManager.start();
      await until(
        'the default service account',
        async () => (await controlPlane.admin.get('v1', 'ServiceAccount', 'default', 'default')) !== undefined,
      );
      return controlPlane;
    } catch (error) {
      const logs = controlPlane.#all
        .filter(({ log }) => existsSync(log))
        .map((program) => program.output().slice(-2_000));
      await controlPlane.stop();
      throw new Error(`the control plane did not start:\n${logs.join('\n---\n')}`, { cause: error });
    }
  }

  /** A client with the rights of a cluster administrator. */
  get admin(): Api {
    this.#admin ??= new Api(this.person('admin'));
    return this.#admin;
  }

  /** Returns how a user reaches the API server. */
  person(name: Person): Access {
    return { server: this.#programs.server, ca: this.#ca, token: this.#tokens[name] };
  }

  /**
   * Returns how a service account reaches the API server.
   *
   * @param seconds - The lifetime of the token, at least ten minutes.
   */
  async account({ namespace, name }: ServiceAccount, seconds = 24 * 3600): Promise<Access> {
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: seconds },
    };
    const answer = (await until(`service account ${namespace}/${name}`, () =>
      this.admin.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, request),
    )) as { status: { token: string } };
    return { ...this.person('admin'), token: answer.status.token };
  }

  /**
   * Writes a kubeconfig, and returns its path. The token is in a file next to it, as in a pod: when that file is
   * written again, clients use the new token.
   */
  async kubeconfig({ server, ca, token }: Access, name: string): Promise<string> {
    const tokenFile = join(this.folder, `${name}.token`);
    await writeFile(tokenFile, token);
    const path = join(this.folder, `${name}.kubeconfig`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
      users: [{ name, user: { tokenFile } }],
      contexts: [{ name, context: { cluster: name, user: name, namespace: 'default' } }],
    };
    await writeFile(path, JSON.stringify(config));
    return path;
  }

  /**
   * Returns the finished requests in the audit log of the API server, oldest first.
   *
   * @param resource - One of the option `audits`.
   */
  async audited(resource: string): Promise<AuditedRequest[]> {
    const path = join(this.folder, AUDIT_LOG);
    const lines = existsSync(path) ? (await readFile(path, 'utf8')).split('\n') : [];
    return lines
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as AuditEvent)
      .filter((event) => event.stage === 'ResponseComplete' && event.objectRef?.resource === resource)
      .map((event) => ({
        user: event.user.username,
        verb: event.verb,
        begin: microseconds(event.requestReceivedTimestamp),
        end: microseconds(event.stageTimestamp),
      }));
  }

  /** Waits until the API server is ready. */
  async answers(): Promise<void> {
    await until(
      'the certificate of the API server',
      async () => (this.#ca = await readFile(this.#programs.certificate, 'utf8')) !== '',
    );
    await until('the API server', () => isReady(this.admin), { within: 120_000 });
  }

  /** Stops everything and deletes the folder, unless `KEEP_E2E_LOGS` is set. */
  async stop(): Promise<void> {
    for (const program of this.#all.toReversed()) await program.stop('SIGKILL');
    if (process.env['KEEP_E2E_LOGS'] !== undefined) return;
    await sleep(100);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  get #all(): readonly Program[] {
    return [this.etcd, this.apiserver, this.controllerManager];
  }
}

/** Copies a data folder of etcd. Most of it is room for later, which takes none on the disk. */
export async function copyOf(data: string, target: string): Promise<void> {
  await promisify(execFile)('cp', ['-r', '--sparse=always', data, target]);
}

// The answer of /readyz is not JSON.
async function isReady(api: Api): Promise<boolean> {
  try {
    await api.call('GET', '/readyz');
  } catch (error) {
    if (error instanceof Refused) return false;
    if (!(error instanceof SyntaxError)) throw error;
  }
  return true;
}

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api, Refused, type Access } from './api.ts';
import { controlPlanePrograms, type ControlPlaneOptions, type ControlPlanePrograms } from './control-plane-programs.ts';
import { until, type Program } from './program.ts';

/** Which service account. */
export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
}

/**
 * People of the cluster: the administrator; a developer, who may edit everywhere what developers edit; a stranger, who
 * may nothing yet.
 */
export type Person = 'admin' | 'developer' | 'stranger';

const PEOPLE: readonly Person[] = ['admin', 'developer', 'stranger'];

/**
 * etcd, kube-apiserver and kube-controller-manager on the loopback interface, with certificates, keys and tokens of
 * their own, in a folder of their own. Any number of them may run side by side. Nodes and pods are left to the Kubelet.
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
   * In: what is to be other than usual. Out: a control plane that answers. Rejects with the ends of its logs where it
   * does not start; nothing is left running then.
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
      controlPlane.etcd.start();
      controlPlane.apiserver.start();
      await controlPlane.answers();
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

  /** The API server as cluster administrator. */
  get admin(): Api {
    this.#admin ??= new Api(this.person('admin'));
    return this.#admin;
  }

  /** In: a person. Out: how she talks to the API server. */
  person(name: Person): Access {
    return { server: this.#programs.server, ca: this.#ca, token: this.#tokens[name] };
  }

  /**
   * In: a service account, and for how many seconds its token is to live, ten minutes at the least. Out: how to talk to
   * the API server as it.
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
   * In: how to talk to the API server, and a name. Out: the path of a kubeconfig that says so, with the token in a file
   * beside it, as in a pod. Written anew, those who read it get the new token.
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

  /** Resolves when the API server is ready. */
  async answers(): Promise<void> {
    await until(
      'the certificate of the API server',
      async () => (this.#ca = await readFile(this.#programs.certificate, 'utf8')) !== '',
    );
    await until('the API server', () => isReady(this.admin), { within: 120_000 });
  }

  /** Stops all of it and removes its folder; the folder stays where `KEEP_E2E_LOGS` is set. */
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

// What /readyz answers is no JSON.
async function isReady(api: Api): Promise<boolean> {
  try {
    await api.call('GET', '/readyz');
  } catch (error) {
    if (error instanceof Refused) return false;
    if (!(error instanceof SyntaxError)) throw error;
  }
  return true;
}

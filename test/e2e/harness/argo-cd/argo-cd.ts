import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { binary, sourceOf } from '../../../control-plane/build.ts';
import { helm } from '../../../../scripts/helm.ts';
import type { KubeObject } from '../../../../src/world/object.ts';
import type { Access } from '../api.ts';
import type { ControlPlane, ServiceAccount } from '../control-plane.ts';
import { yamlOf, type Kubectl } from '../kubectl.ts';
import { inNamespace, objectsOf } from '../objects.ts';
import { freePort, Program, until } from '../program.ts';
import { Application, ARGO_CD_NAMESPACE, type ApplicationSpec } from './application.ts';
import { GitRepository } from './git-repository.ts';
import { redisServer } from './redis-server.ts';

/** The account of the application controller, with which it writes to its own cluster. */
const APPLICATION_CONTROLLER: ServiceAccount = {
  namespace: ARGO_CD_NAMESPACE,
  name: 'argocd-application-controller',
};

// What the application controller needs of upstream's manifests. All else is for its other programs.
const SETTINGS = ['argocd-cm', 'argocd-rbac-cm', 'argocd-gpg-keys-cm', 'argocd-secret'];

interface Programs {
  readonly redis: Program;
  readonly repoServer: Program;
  readonly controller: Program;
}

/**
 * The real Argo CD, without its web page: application controller, repo server and Redis as processes, rights and settings
 * from upstream's own manifests. It reads Git repositories of the same machine.
 */
export class ArgoCd {
  readonly #controlPlane: ControlPlane;
  readonly #programs: Programs;

  private constructor(controlPlane: ControlPlane, programs: Programs) {
    this.#controlPlane = controlPlane;
    this.#programs = programs;
  }

  /**
   * Installs Argo CD, and starts it.
   *
   * @param kubectl - kubectl as the administrator.
   */
  static async install(controlPlane: ControlPlane, kubectl: Kubectl): Promise<ArgoCd> {
    await kubectl.run(['create', 'namespace', ARGO_CD_NAMESPACE]);
    const objects = await manifests();
    const isDefinition = ({ kind }: KubeObject): boolean => kind === 'CustomResourceDefinition';
    await kubectl.run(['apply', '--server-side', '-f', '-'], yamlOf(objects.filter(isDefinition)));
    for (const kind of ['Application', 'AppProject'])
      await until(`the kind ${kind}`, () => controlPlane.admin.list('argoproj.io/v1alpha1', kind));
    await kubectl.run(
      ['apply', '--server-side', '-f', '-'],
      yamlOf([...objects.filter((object) => !isDefinition(object)), PROJECT]),
    );
    const argoCd = new ArgoCd(controlPlane, await programsOf(controlPlane));
    const { redis, repoServer, controller } = argoCd.#programs;
    for (const program of [redis, repoServer, controller]) program.start();
    try {
      await until('Argo CD', async () => {
        for (const program of [redis, repoServer, controller])
          if (!program.running) throw new Error(program.output().slice(-2_000));
        const { ok } = await fetch(`http://127.0.0.1:${controller.argument('metrics-port') ?? ''}/healthz`);
        return ok;
      });
    } catch (error) {
      await argoCd.stop();
      throw error;
    }
    return argoCd;
  }

  /** Creates an empty Git repository. */
  repository(name: string): Promise<GitRepository> {
    return GitRepository.create(join(this.#controlPlane.folder, 'git', name));
  }

  /** Makes it manage a further cluster, as `argocd cluster add` does. */
  async addCluster(name: string, { server, ca, token }: Access): Promise<void> {
    const tlsClientConfig = { caData: Buffer.from(ca).toString('base64') };
    await this.#controlPlane.admin.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        namespace: ARGO_CD_NAMESPACE,
        name: `cluster-${name}`,
        labels: { 'argocd.argoproj.io/secret-type': 'cluster' },
      },
      stringData: { name, server, config: JSON.stringify({ bearerToken: token, tlsClientConfig }) },
    });
  }

  /** Creates an Application, and begins to record what Argo CD shows of it. */
  application(name: string, spec: ApplicationSpec): Promise<Application> {
    return Application.create(this.#controlPlane.admin, name, spec);
  }

  /** Stops all its programs. */
  async stop(): Promise<void> {
    const { redis, repoServer, controller } = this.#programs;
    for (const program of [controller, repoServer, redis]) await program.stop('SIGKILL');
  }
}

// The program of argocd-server would create it.
const PROJECT: KubeObject = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AppProject',
  metadata: { name: 'default', namespace: ARGO_CD_NAMESPACE },
  spec: {
    sourceRepos: ['*'],
    destinations: [{ namespace: '*', server: '*' }],
    clusterResourceWhitelist: [{ group: '*', kind: '*' }],
  },
};

async function manifests(): Promise<KubeObject[]> {
  const path = join(await sourceOf('github.com/argoproj/argo-cd/v3'), 'manifests', 'install.yaml');
  const NAMESPACED = ['ServiceAccount', 'Role', 'RoleBinding', 'ConfigMap', 'Secret'];
  return objectsOf(await readFile(path, 'utf8'))
    .filter(
      ({ kind, metadata: { name } }) =>
        kind === 'CustomResourceDefinition' ||
        (NAMESPACED.includes(kind) && [...SETTINGS, APPLICATION_CONTROLLER.name].includes(name)) ||
        (kind.startsWith('ClusterRole') && name === APPLICATION_CONTROLLER.name),
    )
    .map((object) => (NAMESPACED.includes(object.kind) ? inNamespace(object, ARGO_CD_NAMESPACE) : object))
    .map((object) =>
      object.kind === 'Secret'
        ? { ...object, stringData: { 'server.secretkey': randomBytes(32).toString('hex') } }
        : object,
    );
}

async function programsOf(controlPlane: ControlPlane): Promise<Programs> {
  const folder = join(controlPlane.folder, 'argo-cd');
  for (const name of ['redis', 'tls', 'ssh', 'gpg', 'tmp']) await mkdir(join(folder, name), { recursive: true });
  const kubeconfig = await controlPlane.kubeconfig(
    await controlPlane.account(APPLICATION_CONTROLLER),
    'argo-cd-controller',
  );
  const command = await binary('argocd');
  const [redis, repoServer] = [await freePort(), await freePort()];
  const [repoServerMetrics, controllerMetrics] = [await freePort(), await freePort()];
  const environment = {
    ARGOCD_FAKE_IN_CLUSTER: 'true',
    ARGOCD_GPG_ENABLED: 'false',
    ARGOCD_GNUPGHOME: join(folder, 'gpg'),
    ARGOCD_TLS_DATA_PATH: join(folder, 'tls'),
    ARGOCD_SSH_DATA_PATH: join(folder, 'ssh'),
    KUBECONFIG: kubeconfig,
    TMPDIR: join(folder, 'tmp'),
    // The repo server renders charts with it.
    PATH: [dirname(helm()), process.env['PATH'] ?? ''].join(delimiter),
  };
  const program = (name: string, args: readonly string[]): Program =>
    new Program({
      name,
      command,
      args,
      env: { ...environment, ARGOCD_BINARY_NAME: name },
      cwd: folder,
      log: join(controlPlane.folder, `${name}.log`),
    });
  return {
    redis: new Program({
      name: 'redis-server',
      command: redisServer(),
      args: ['--bind', '127.0.0.1', '--port', String(redis), '--save', '', '--appendonly', 'no'],
      cwd: join(folder, 'redis'),
      log: join(controlPlane.folder, 'redis-server.log'),
    }),
    repoServer: program('argocd-repo-server', [
      '--address=127.0.0.1',
      `--port=${repoServer}`,
      '--metrics-address=127.0.0.1',
      `--metrics-port=${repoServerMetrics}`,
      '--disable-tls',
      `--redis=127.0.0.1:${redis}`,
    ]),
    controller: program(APPLICATION_CONTROLLER.name, [
      `--kubeconfig=${kubeconfig}`,
      `--namespace=${ARGO_CD_NAMESPACE}`,
      `--repo-server=127.0.0.1:${repoServer}`,
      '--repo-server-plaintext',
      `--redis=127.0.0.1:${redis}`,
      `--metrics-port=${controllerMetrics}`,
      '--app-resync=10',
      '--app-resync-jitter=0',
      // Without its growing pauses, so that a test can count.
      '--self-heal-backoff-timeout-seconds=0',
      '--self-heal-timeout-seconds=2',
    ]),
  };
}

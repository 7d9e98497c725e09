import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { binary, sourceOf } from '../../../control-plane/build.ts';
import type { ControlPlane, ServiceAccount } from '../control-plane.ts';
import { yamlOf, type Kubectl } from '../kubectl.ts';
import { objectsOf } from '../objects.ts';
import { freePort, Program, until } from '../program.ts';
import { Kustomization } from './kustomization.ts';
import { sourceDefinitions, Sources } from './sources.ts';

/** The account of the controller, which `flux install` makes an administrator of the cluster. */
const CONTROLLER: ServiceAccount = { namespace: 'flux-system', name: 'kustomize-controller' };

/** The real kustomize-controller of Flux as a process, beside a harness that plays source-controller. */
export class Flux {
  readonly #controlPlane: ControlPlane;
  readonly #sources: Sources;
  readonly #controller: Program;

  private constructor(controlPlane: ControlPlane, sources: Sources, controller: Program) {
    this.#controlPlane = controlPlane;
    this.#sources = sources;
    this.#controller = controller;
  }

  /**
   * Installs Flux, and starts it.
   *
   * @param kubectl - kubectl as the administrator.
   */
  static async install(controlPlane: ControlPlane, kubectl: Kubectl): Promise<Flux> {
    await kubectl.run(['create', 'namespace', CONTROLLER.namespace]);
    await kubectl.run(['create', 'serviceaccount', CONTROLLER.name, '-n', CONTROLLER.namespace]);
    const account = `${CONTROLLER.namespace}:${CONTROLLER.name}`;
    await kubectl.run([
      'create',
      'clusterrolebinding',
      'cluster-reconciler',
      '--clusterrole=cluster-admin',
      `--serviceaccount=${account}`,
    ]);
    const bases = join(await sourceOf('github.com/fluxcd/kustomize-controller'), 'config', 'crd', 'bases');
    const own = objectsOf(await readFile(join(bases, 'kustomize.toolkit.fluxcd.io_kustomizations.yaml'), 'utf8'));
    const definitions = [...own, ...sourceDefinitions()];
    await kubectl.run(['apply', '--server-side', '-f', '-'], yamlOf(definitions));
    for (const { metadata } of definitions)
      await kubectl.run(['wait', '--for=condition=Established', `crd/${metadata.name}`, '--timeout=60s']);
    const sources = await Sources.start(controlPlane.admin, join(controlPlane.folder, 'sources'));
    const flux = new Flux(controlPlane, sources, await controllerOf(controlPlane));
    try {
      await flux.#start();
    } catch (error) {
      await flux.stop();
      throw error;
    }
    return flux;
  }

  /** Creates a Kustomization in a namespace that exists. */
  kustomization(namespace: string): Promise<Kustomization> {
    return Kustomization.create(this.#controlPlane.admin, this.#sources, namespace);
  }

  async stop(): Promise<void> {
    await this.#controller.stop('SIGKILL');
    await this.#sources.stop();
  }

  async #start(): Promise<void> {
    this.#controller.start();
    await until('Flux', async () => {
      if (!this.#controller.running) throw new Error(this.#controller.output().slice(-2_000));
      const { ok } = await fetch(`http://${this.#controller.argument('health-addr') ?? ''}/readyz`);
      return ok;
    });
  }
}

async function controllerOf(controlPlane: ControlPlane): Promise<Program> {
  const folder = join(controlPlane.folder, 'flux');
  await mkdir(join(folder, 'tmp'), { recursive: true });
  return new Program({
    name: CONTROLLER.name,
    command: await binary('kustomize-controller'),
    args: [
      '--watch-all-namespaces',
      '--events-addr=',
      `--metrics-addr=127.0.0.1:${await freePort()}`,
      `--health-addr=127.0.0.1:${await freePort()}`,
      '--concurrent=8',
      '--interval-jitter-percentage=0',
    ],
    env: {
      KUBECONFIG: await controlPlane.kubeconfig(await controlPlane.account(CONTROLLER), 'flux'),
      RUNTIME_NAMESPACE: CONTROLLER.namespace,
      TMPDIR: join(folder, 'tmp'),
    },
    cwd: folder,
    log: join(controlPlane.folder, `${CONTROLLER.name}.log`),
  });
}

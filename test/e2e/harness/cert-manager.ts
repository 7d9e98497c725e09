import { join } from 'node:path';
import { binary, sourceOf } from '../../control-plane/build.ts';
import { template } from '../../../scripts/helm.ts';
import { asArray, dig } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import type { Api } from './api.ts';
import type { ControlPlane } from './control-plane.ts';
import { yamlOf, type Kubectl } from './kubectl.ts';
import { objectsOf } from './objects.ts';
import { pathOf } from './paths.ts';
import { Program, until } from './program.ts';

const NAMESPACE = 'cert-manager';
const CONTROLLER = { namespace: NAMESPACE, name: 'cert-manager' };
const CAINJECTOR = { namespace: NAMESPACE, name: 'cert-manager-cainjector' };
const VERSION = 'cert-manager.io/v1';
// Without its webhook, Deployments and what only they need.
const KINDS = ['CustomResourceDefinition', 'ServiceAccount', 'ClusterRole', 'ClusterRoleBinding'];

/**
 * The controllers of cert-manager and its cainjector, two processes with the accounts and the rights of cert-manager's
 * own chart.
 */
export class CertManager {
  readonly controller: Program;
  readonly cainjector: Program;
  readonly #api: Api;

  private constructor(api: Api, controller: Program, cainjector: Program) {
    this.#api = api;
    this.controller = controller;
    this.cainjector = cainjector;
  }

  /**
   * Installs cert-manager, and starts it.
   *
   * @param kubectl - kubectl as the administrator.
   */
  static async install(controlPlane: ControlPlane, kubectl: Kubectl): Promise<CertManager> {
    await kubectl.run(['create', 'namespace', NAMESPACE]);
    await kubectl.run(['apply', '--server-side', '-f', '-'], yamlOf(await manifests()));
    await kubectl.run(['wait', '--for=condition=Established', 'customresourcedefinition', '--all', '--timeout=60s']);
    const command = await binary('cert-manager');
    const program = async (flag: string, account: typeof CONTROLLER): Promise<Program> => {
      const access = await controlPlane.account(account);
      return new Program({
        name: account.name,
        command,
        args: [`--${flag}=${await controlPlane.kubeconfig(access, account.name)}`],
        log: join(controlPlane.folder, `${account.name}.log`),
      });
    };
    const certManager = new CertManager(
      controlPlane.admin,
      await program('controller-kubeconfig', CONTROLLER),
      await program('cainjector-kubeconfig', CAINJECTOR),
    );
    certManager.controller.start();
    certManager.cainjector.start();
    return certManager;
  }

  /** Renews a Certificate before its time, as `cmctl renew` does, and waits until it is issued. */
  async renew(namespace: string, name: string): Promise<void> {
    await this.reissued(namespace, name, async () => {
      const condition = {
        type: 'Issuing',
        status: 'True',
        reason: 'ManuallyTriggered',
        message: 'Certificate re-issuance manually triggered',
        lastTransitionTime: `${new Date().toISOString().slice(0, 19)}Z`,
      };
      await this.#api.call(
        'PATCH',
        `${pathOf({ apiVersion: VERSION, kind: 'Certificate', namespace, name })}/status`,
        [{ op: 'add', path: '/status/conditions/-', value: condition }],
        'application/json-patch+json',
      );
    });
  }

  /** Does what makes cert-manager issue a Certificate again, and waits until that is done. */
  async reissued(namespace: string, name: string, trigger: () => Promise<unknown>): Promise<void> {
    const before = revisionOf(await this.#certificate(namespace, name));
    await trigger();
    await until(`a new revision of Certificate ${namespace}/${name}`, async () => {
      const certificate = await this.#certificate(namespace, name);
      return revisionOf(certificate) !== before && isReady(certificate);
    });
  }

  /** Stops both processes. */
  async stop(): Promise<void> {
    await Promise.all([this.controller, this.cainjector].map((program) => program.stop('SIGKILL')));
  }

  #certificate(namespace: string, name: string): Promise<KubeObject | undefined> {
    return this.#api.get(VERSION, 'Certificate', namespace, name);
  }
}

async function manifests(): Promise<KubeObject[]> {
  const chart = join(await sourceOf('github.com/cert-manager/cert-manager'), 'deploy', 'charts', 'cert-manager');
  const installation = { release: CONTROLLER.name, namespace: NAMESPACE, chart };
  const { code, stdout, stderr } = template(installation, '--set', 'crds.enabled=true');
  if (code !== 0) throw new Error(stderr);
  return objectsOf(stdout).filter(({ kind }) => KINDS.includes(kind));
}

function revisionOf(certificate: KubeObject | undefined): unknown {
  return dig(certificate, 'status', 'revision');
}

function isReady(certificate: KubeObject | undefined): boolean {
  const conditions = asArray(dig(certificate, 'status', 'conditions'));
  const is = (type: string): boolean =>
    conditions.some((each) => dig(each, 'type') === type && dig(each, 'status') === 'True');
  return is('Ready') && !is('Issuing');
}

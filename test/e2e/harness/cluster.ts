import { binary } from '../../control-plane/build.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { ArgoRollouts, type ArgoRolloutsOptions } from './argo-rollouts.ts';
import { CertManager } from './cert-manager.ts';
import type { CertificateOf } from './certificates.ts';
import { ControlPlane, type ServiceAccount } from './control-plane.ts';
import type { ControlPlaneOptions } from './control-plane-programs.ts';
import { meshDefinitions, rolloutsDefinitions, textOf } from './definitions.ts';
import { Kubectl, yamlOf } from './kubectl.ts';
import { Kubelet } from './kubelet.ts';
import { until } from './program.ts';
import { Rollgate, ROLLGATE } from './rollgate.ts';
import { SecretVolume } from './secret-volume.ts';
import { storedDefinitions } from './stored-definitions.ts';

/** The parts of a cluster, in addition to the control plane, the CRDs and the kubelet. */
export interface ClusterOptions extends ControlPlaneOptions {
  /** Values of Rollgate's chart, as `--set` takes them; `none` for a cluster without Rollgate. */
  readonly rollgate?: readonly string[] | 'none';
  /** The folder of Rollgate's sources; the project's by default. */
  readonly sources?: string;
  /** Returns the address at which Rollgate reaches the API server, for tests with a proxy in between. */
  readonly between?: (server: string) => Promise<string>;
  /** Returns whether a CustomResourceDefinition of Istio or Gateway API exists from the start; all do by default. */
  readonly served?: (name: string) => boolean;
  /** Further CustomResourceDefinitions, which exist from the start. */
  readonly definitions?: readonly KubeObject[];
  /** Whether cert-manager issues Rollgate's certificate and injects its CA, as the chart wants it by default. */
  readonly certManager?: boolean;
  /** How Argo Rollouts is installed; `none` for a cluster without its controller. */
  readonly argoRollouts?: ArgoRolloutsOptions | 'none';
}

/** The account with which Argo CD writes to remote clusters; `argocd cluster add` makes it an administrator. */
export const ARGO_CD: ServiceAccount = { namespace: 'kube-system', name: 'argocd-manager' };

// Aggregated into the role `edit`, which the charts of Istio, Gateway API and KEDA leave to administrators.
const DEVELOPER_RIGHTS = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: ARGO_CD.namespace, name: ARGO_CD.name } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: ARGO_CD.name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', ...ARGO_CD }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'edit-traffic', labels: { 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' } },
    rules: [
      { apiGroups: ['networking.istio.io', 'gateway.networking.k8s.io'], resources: ['*'], verbs: ['*'] },
      { apiGroups: [''], resources: ['namespaces'], verbs: ['create', 'get', 'list', 'patch', 'delete'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'developers-edit' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'developer' }],
  },
];

interface Parts {
  readonly kubelet: Kubelet;
  readonly volumes: SecretVolume[];
  certManager?: CertManager;
  rollgate?: Rollgate;
  argo?: ArgoRollouts;
}

/** A cluster for tests: a real control plane, real Argo Rollouts, Rollgate from its chart, and users with kubectl. */
export class Cluster {
  readonly controlPlane: ControlPlane;
  readonly admin: Kubectl;
  readonly developer: Kubectl;
  readonly argoCd: Kubectl;
  readonly #parts: Parts;

  private constructor(
    controlPlane: ControlPlane,
    users: { admin: Kubectl; developer: Kubectl; argoCd: Kubectl },
    parts: Parts,
  ) {
    this.controlPlane = controlPlane;
    ({ admin: this.admin, developer: this.developer, argoCd: this.argoCd } = users);
    this.#parts = parts;
  }

  /** Starts a cluster, and waits until everything in it is ready. If that fails, it stops everything first. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const definitions = [
      ...(await meshDefinitions()).filter(({ name }) => options.served?.(name) ?? true),
      ...(options.argoRollouts === 'none' ? [] : await rolloutsDefinitions()),
    ];
    // Those that most clusters have are stored once for all.
    const isUsual = options.served === undefined && options.argoRollouts !== 'none';
    const controlPlane = await ControlPlane.start(
      isUsual ? { ...options, data: await storedDefinitions(definitions) } : options,
    );
    const kubelet = new Kubelet(controlPlane.admin);
    const parts: Parts = { kubelet, volumes: [] };
    try {
      await kubelet.start();
      const [kubectl, plugin] = [await binary('kubectl'), await binary('kubectl-argo-rollouts')];
      const admin = new Kubectl(kubectl, plugin, await controlPlane.kubeconfig(controlPlane.person('admin'), 'admin'));
      // All at once, because the API server writes its OpenAPI documents again after each definition.
      await admin.run(
        ['apply', '--server-side', '-f', '-'],
        [isUsual ? '' : textOf(definitions), yamlOf([...(options.definitions ?? []), ...DEVELOPER_RIGHTS])].join(
          '---\n',
        ),
      );
      if (options.argoRollouts !== 'none')
        parts.argo = await ArgoRollouts.install(controlPlane, admin, options.argoRollouts);
      if (options.certManager === true) parts.certManager = await CertManager.install(controlPlane, admin);
      if (options.rollgate !== 'none')
        parts.rollgate = await Rollgate.install(controlPlane, admin, {
          settings: options.rollgate,
          server: await options.between?.(controlPlane.person('admin').server),
          sources: options.sources,
          certificateFrom: parts.certManager === undefined ? undefined : issuedCertificate(controlPlane, parts),
        });
      const developer = new Kubectl(
        kubectl,
        plugin,
        await controlPlane.kubeconfig(controlPlane.person('developer'), 'developer'),
      );
      const argoCd = new Kubectl(
        kubectl,
        plugin,
        await controlPlane.kubeconfig(await controlPlane.account(ARGO_CD), 'argo-cd'),
      );
      return new Cluster(controlPlane, { admin, developer, argoCd }, parts);
    } catch (error) {
      await stopAll(controlPlane, parts);
      throw error;
    }
  }

  get rollgate(): Rollgate {
    if (this.#parts.rollgate === undefined) throw new Error('this cluster has no Rollgate');
    return this.#parts.rollgate;
  }

  get argo(): ArgoRollouts {
    if (this.#parts.argo === undefined) throw new Error('this cluster has no Argo Rollouts');
    return this.#parts.argo;
  }

  get certManager(): CertManager {
    if (this.#parts.certManager === undefined) throw new Error('this cluster has no cert-manager');
    return this.#parts.certManager;
  }

  /** Mounts the Secret that cert-manager writes for Rollgate, as for a further pod. */
  mountCertificate(): Promise<SecretVolume> {
    return mountCertificate(this.controlPlane, this.#parts);
  }

  /** Uninstalls Rollgate, its webhooks first. */
  async removeRollgate(): Promise<void> {
    await this.admin.run([
      'delete',
      'mutatingwebhookconfigurations,validatingwebhookconfigurations',
      '--selector=app.kubernetes.io/name=rollgate',
    ]);
    await this.rollgate.program.stop();
  }

  /**
   * Creates a namespace, and waits until it is usable.
   *
   * @param prefix - The start of its name.
   */
  async namespace(prefix: string, labels: Readonly<Record<string, string>> = {}): Promise<string> {
    const { metadata } = await this.controlPlane.admin.create({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { generateName: `${prefix}-`, labels } as never,
    });
    await this.podsAllowed(metadata.name);
    return metadata.name;
  }

  /** Waits until pods can be created in a new namespace, which needs its default service account. */
  async podsAllowed(namespace: string): Promise<void> {
    await until(
      `the service account of ${namespace}`,
      async () => (await this.controlPlane.admin.get('v1', 'ServiceAccount', namespace, 'default')) !== undefined,
    );
  }

  /** Returns kubectl as a service account. */
  async as(account: ServiceAccount): Promise<Kubectl> {
    return new Kubectl(
      await binary('kubectl'),
      await binary('kubectl-argo-rollouts'),
      await this.controlPlane.kubeconfig(
        await this.controlPlane.account(account),
        `${account.namespace}-${account.name}`,
      ),
    );
  }

  /** Stops everything and deletes all files. */
  stop(): Promise<void> {
    return stopAll(this.controlPlane, this.#parts);
  }
}

async function mountCertificate({ admin }: ControlPlane, { volumes }: Parts): Promise<SecretVolume> {
  const volume = await SecretVolume.mount(admin, ROLLGATE.namespace, 'rollgate-tls');
  volumes.push(volume);
  return volume;
}

function issuedCertificate(controlPlane: ControlPlane, parts: Parts): CertificateOf {
  const directory = async (): Promise<string> => (await mountCertificate(controlPlane, parts)).directory;
  return () => Promise.resolve({ values: [], directory });
}

async function stopAll(
  controlPlane: ControlPlane,
  { kubelet, volumes, certManager, rollgate, argo }: Parts,
): Promise<void> {
  kubelet.stop();
  await rollgate?.program.stop('SIGKILL');
  await argo?.program.stop('SIGKILL');
  await certManager?.stop();
  await controlPlane.stop();
  for (const volume of volumes) await volume.unmount();
}

import { readFile } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { binary, sourceOf } from '../../control-plane/build.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { ArgoRollouts, type ArgoRolloutsOptions } from './argo-rollouts.ts';
import { ControlPlane, type ServiceAccount } from './control-plane.ts';
import type { ControlPlaneOptions } from './control-plane-programs.ts';
import { Kubectl, yamlOf } from './kubectl.ts';
import { Kubelet } from './kubelet.ts';
import { objectsOf } from './objects.ts';
import { until } from './program.ts';
import { Rollgate } from './rollgate.ts';

/** What a cluster is to consist of, beside the control plane, the CRDs and the kubelet. */
export interface ClusterOptions extends ControlPlaneOptions {
  /** Settings of the chart of Rollgate as `--set` takes them; `none`: without Rollgate. */
  readonly rollgate?: readonly string[] | 'none';
  /** The folder of Rollgate's sources; by default the project's. */
  readonly sources?: string;
  /**
   * In: the address of the API server. Out: the one at which Rollgate reaches it, where something is to stand between.
   */
  readonly between?: (server: string) => Promise<string>;
  /**
   * In: the name of a CustomResourceDefinition of Istio or Gateway API. Out: whether it is there from the beginning; by
   * default all are.
   */
  readonly served?: (name: string) => boolean;
  /** How Argo Rollouts is installed; `none`: without its controller. */
  readonly argoRollouts?: ArgoRolloutsOptions | 'none';
}

/** Argo CD writes to remote clusters as this account, which `argocd cluster add` makes an administrator. */
export const ARGO_CD: ServiceAccount = { namespace: 'kube-system', name: 'argocd-manager' };

// Aggregated into `edit`, as the charts of Istio, Gateway API and KEDA leave it to administrators to do.
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

/** A cluster for tests: real control plane, real Argo Rollouts, Rollgate from its chart, and people with kubectl. */
export class Cluster {
  readonly controlPlane: ControlPlane;
  readonly admin: Kubectl;
  readonly developer: Kubectl;
  readonly argoCd: Kubectl;
  readonly #parts: { kubelet: Kubelet; rollgate?: Rollgate; argo?: ArgoRollouts };

  private constructor(
    controlPlane: ControlPlane,
    users: { admin: Kubectl; developer: Kubectl; argoCd: Kubectl },
    parts: { kubelet: Kubelet; rollgate?: Rollgate; argo?: ArgoRollouts },
  ) {
    this.controlPlane = controlPlane;
    ({ admin: this.admin, developer: this.developer, argoCd: this.argoCd } = users);
    this.#parts = parts;
  }

  /**
   * In: what it is to consist of. Out: the cluster, everything in it ready. Nothing is left running where it rejects.
   */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const controlPlane = await ControlPlane.start(options);
    const kubelet = new Kubelet(controlPlane.admin);
    const parts: { kubelet: Kubelet; rollgate?: Rollgate; argo?: ArgoRollouts } = { kubelet };
    try {
      await kubelet.start();
      const [kubectl, plugin] = [await binary('kubectl'), await binary('kubectl-argo-rollouts')];
      const admin = new Kubectl(kubectl, plugin, await controlPlane.kubeconfig(controlPlane.person('admin'), 'admin'));
      await admin.run(
        ['apply', '--server-side', '-f', '-'],
        yamlOf((await meshDefinitions()).filter(({ metadata }) => options.served?.(metadata.name) ?? true)),
      );
      await admin.run(['apply', '-f', '-'], yamlOf(DEVELOPER_RIGHTS));
      if (options.argoRollouts !== 'none')
        parts.argo = await ArgoRollouts.install(controlPlane, admin, options.argoRollouts);
      if (options.rollgate !== 'none')
        parts.rollgate = await Rollgate.install(
          controlPlane,
          admin,
          options.rollgate,
          await options.between?.(controlPlane.person('admin').server),
          options.sources,
        );
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

  /** Takes Rollgate away, as who uninstalls it does: its webhooks first. */
  async removeRollgate(): Promise<void> {
    await this.admin.run([
      'delete',
      'mutatingwebhookconfigurations,validatingwebhookconfigurations',
      '--selector=app.kubernetes.io/name=rollgate',
    ]);
    await this.rollgate.program.stop();
  }

  /** In: how its name begins. Out: a new namespace, usable. */
  async namespace(prefix: string, labels: Readonly<Record<string, string>> = {}): Promise<string> {
    const { metadata } = await this.controlPlane.admin.create({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { generateName: `${prefix}-`, labels } as never,
    });
    await until(
      `the service account of ${metadata.name}`,
      async () => (await this.controlPlane.admin.get('v1', 'ServiceAccount', metadata.name, 'default')) !== undefined,
    );
    return metadata.name;
  }

  /** In: a service account. Out: kubectl as it. */
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

  /** Stops everything and removes what it left. */
  stop(): Promise<void> {
    return stopAll(this.controlPlane, this.#parts);
  }
}

async function stopAll(
  controlPlane: ControlPlane,
  { kubelet, rollgate, argo }: { kubelet: Kubelet; rollgate?: Rollgate; argo?: ArgoRollouts },
): Promise<void> {
  kubelet.stop();
  await rollgate?.program.stop('SIGKILL');
  await argo?.program.stop('SIGKILL');
  await controlPlane.stop();
}

/** Out: the CustomResourceDefinitions of Istio and Gateway API, from the folders of their modules. */
export async function meshDefinitions(): Promise<KubeObject[]> {
  const istio = join(await sourceOf('istio.io/api'), 'kubernetes', 'customresourcedefinitions.gen.yaml');
  const gateway = join(await sourceOf('sigs.k8s.io/gateway-api'), 'config', 'crd', 'experimental');
  const files = [
    istio,
    ...globSync('gateway.networking.k8s.io_*.yaml', { cwd: gateway }).map((name) => join(gateway, name)),
  ];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.flatMap(objectsOf).filter(({ kind }) => kind === 'CustomResourceDefinition');
}

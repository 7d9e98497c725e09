import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { binary } from '../../control-plane/build.ts';
import { rolloutsRelease, rolloutsVersion } from '../../control-plane/versions.ts';
import { asArray, dig } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { parseVersion, SUPPORTED_VERSIONS, type RolloutsVersions } from '../../../src/world/rollouts-versions.ts';
import type { ControlPlane, ServiceAccount } from './control-plane.ts';
import { rolloutsManifests, withoutDefinitions } from './definitions.ts';
import { yamlOf, type Kubectl } from './kubectl.ts';
import { objectsOf } from './objects.ts';
import { freePort, Program, until } from './program.ts';

/** How Argo Rollouts is installed. */
export interface ArgoRolloutsOptions {
  /** Its namespace; by default argo-rollouts. */
  readonly namespace?: string;
  /** What its Deployment and its service account are called; Helm releases have names of their own. */
  readonly name?: string;
  /** Router plugins: name and program; by default the Gateway API plugin, see `gatewayPlugin`. */
  readonly plugins?: Readonly<Record<string, string>>;
  /** Further arguments of the controller. */
  readonly args?: readonly string[];
}

const UPSTREAM = 'argo-rollouts';
const RELEASE = rolloutsRelease(rolloutsVersion());

/** Returns the release of the controller, which Rollgate reads from its image. */
export function controllerVersions(): RolloutsVersions {
  return parseVersion(RELEASE) ?? SUPPORTED_VERSIONS;
}

/**
 * The real controller, installed from upstream's own manifests, running as a process under the token of its service
 * account.
 */
export class ArgoRollouts {
  readonly program: Program;
  readonly account: ServiceAccount;

  private constructor(program: Program, account: ServiceAccount) {
    this.program = program;
    this.account = account;
  }

  /**
   * In: a control plane with the definitions of Argo Rollouts, kubectl as its administrator, and options. Out: Argo
   * Rollouts, running and leading.
   */
  static async install(
    controlPlane: ControlPlane,
    kubectl: Kubectl,
    options: ArgoRolloutsOptions = {},
  ): Promise<ArgoRollouts> {
    const {
      namespace = UPSTREAM,
      name = UPSTREAM,
      plugins = { 'argoproj-labs/gatewayAPI': await gatewayPlugin() },
    } = options;
    await kubectl.try(['create', 'namespace', namespace]);
    await kubectl.run(
      ['apply', '--server-side', '--force-conflicts', '-f', '-'],
      yamlOf([...(await manifests(namespace, name, plugins)), ...routeRights({ namespace, name })]),
    );
    const account = { namespace, name };
    const kubeconfig = await controlPlane.kubeconfig(await controlPlane.account(account), `controller-${name}`);
    const folder = join(controlPlane.folder, `controller-${name}`);
    await mkdir(folder, { recursive: true });
    const [metrics, health] = [await freePort(), await freePort()];
    const program = new Program({
      name,
      command: await binary('rollouts-controller'),
      args: [
        `--kubeconfig=${kubeconfig}`,
        `--metricsPort=${metrics}`,
        `--healthzPort=${health}`,
        '--leader-election-lease-duration=10s',
        '--leader-election-renew-deadline=8s',
        '--leader-election-retry-period=500ms',
        '--qps=300',
        '--burst=600',
        ...(options.args ?? []),
      ],
      // Plugins are its children and look for the API server where kubectl does.
      env: { POD_NAMESPACE: namespace, POD_NAME: name, KUBECONFIG: kubeconfig },
      cwd: folder,
      log: join(controlPlane.folder, `${name}.log`),
    });
    const argo = new ArgoRollouts(program, account);
    await argo.start();
    return argo;
  }

  /** Starts the controller. Resolves when it leads. */
  async start(): Promise<void> {
    const before = this.#leads();
    this.program.start();
    await until('the Argo Rollouts controller', () => {
      if (!this.program.running) throw new Error(this.program.output().slice(-2_000));
      return this.#leads() > before;
    });
  }

  #leads(): number {
    try {
      return this.program.output().split('successfully acquired lease').length;
    } catch {
      return 1;
    }
  }
}

/**
 * Out: the program of the Gateway API plugin: the real one where `ROLLGATE_E2E_GATEWAY_PLUGIN` is its path, else a
 * stand-in that writes weights and nothing else.
 */
export function gatewayPlugin(): Promise<string> {
  const real = process.env['ROLLGATE_E2E_GATEWAY_PLUGIN'];
  return real === undefined ? binary('route-plugin') : Promise.resolve(real);
}

// What the documentation of the Gateway API plugin has people add: upstream's manifests do not have it.
function routeRights({ namespace, name }: ServiceAccount): KubeObject[] {
  const [metadata, apiGroup] = [{ name: `${name}-routes` }, 'rbac.authorization.k8s.io'];
  return [
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'ClusterRole',
      metadata,
      rules: [
        {
          apiGroups: ['gateway.networking.k8s.io'],
          resources: ['*'],
          verbs: ['get', 'list', 'watch', 'update', 'patch'],
        },
        { apiGroups: [''], resources: ['configmaps'], verbs: ['*'] },
      ],
    },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup, kind: 'ClusterRole', name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', namespace, name }],
    },
  ];
}

async function manifests(
  namespace: string,
  name: string,
  plugins: Readonly<Record<string, string>>,
): Promise<KubeObject[]> {
  // Upstream sets the release in the image when it publishes the manifests.
  const text = withoutDefinitions(await readFile(await rolloutsManifests(), 'utf8')).replace(
    'argoproj/argo-rollouts:latest',
    `argoproj/argo-rollouts:${RELEASE}`,
  );
  return objectsOf(text).map((object) => {
    const namespaced = ['ServiceAccount', 'ConfigMap', 'Secret', 'Service', 'Deployment'].includes(object.kind);
    const own =
      object.metadata.name === UPSTREAM && ['ServiceAccount', 'Deployment', 'ClusterRoleBinding'].includes(object.kind);
    const metadata = { ...object.metadata, ...(namespaced ? { namespace } : {}), ...(own ? { name } : {}) };
    if (object.kind === 'ClusterRoleBinding')
      return {
        ...object,
        metadata,
        subjects: asArray(object['subjects']).map((subject) => ({ ...(subject as object), namespace, name })),
      };
    if (object.kind === 'ConfigMap' && object.metadata.name === 'argo-rollouts-config')
      return {
        ...object,
        metadata,
        data: {
          trafficRouterPlugins: JSON.stringify(
            Object.entries(plugins).map(([plugin, program]) => ({ name: plugin, location: `file://${program}` })),
          ),
        },
      };
    if (object.kind === 'Deployment') return { ...object, metadata, spec: withAccount(object, name) };
    return { ...object, metadata };
  });
}

function withAccount(deployment: KubeObject, name: string): object {
  const template = dig(deployment, 'spec', 'template') as { metadata: object; spec: object };
  return {
    ...(deployment['spec'] as object),
    template: { ...template, spec: { ...template.spec, serviceAccountName: name } },
  };
}

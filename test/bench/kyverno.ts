import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asArray, asString, dig } from '../../src/world/read.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { binary, sourceOf } from '../control-plane/build.ts';
import { releaseIn } from '../control-plane/versions.ts';
import type { Cluster } from '../e2e/harness/cluster.ts';
import { withoutDefinitions } from '../e2e/harness/definitions.ts';
import { yamlOf } from '../e2e/harness/kubectl.ts';
import { objectsOf } from '../e2e/harness/objects.ts';
import { freePort, Program, until } from '../e2e/harness/program.ts';

const MODULE = 'github.com/kyverno/kyverno';

/** The release of Kyverno that is compared, such as `v1.19.1`. */
export const KYVERNO_RELEASE = releaseIn('kyverno', 'go.mod', MODULE);

const NAMESPACE = 'kyverno';
const NAME = 'kyverno-admission-controller';
// Without the Services and the other controllers. The Deployment only says how its process is started.
const KINDS = ['Namespace', 'ServiceAccount', 'ConfigMap', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];

const POLICY = 'routes-of-rollouts';
const operations = ['CREATE', 'UPDATE'];
const hasRoutes = (virtualService: string, named: string): string =>
  `${named}.?routes.orValue([]).all(route, ` +
  `${virtualService}.spec.?http.orValue([]).exists(http, http.?name.orValue("") == route))`;

/**
 * One of the things that Rollgate checks: the VirtualService that a Rollout names exists and has the routes that the
 * Rollout names. A change of either is checked, with what Kyverno reads from the API server. It is asked about the
 * other kinds that the bench writes too, and has nothing to check for them.
 */
const OBJECTS: readonly KubeObject[] = [
  {
    apiVersion: 'policies.kyverno.io/v1',
    kind: 'ValidatingPolicy',
    metadata: { name: POLICY },
    spec: {
      validationActions: ['Deny'],
      evaluation: { background: { enabled: false } },
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: ['argoproj.io'],
            apiVersions: ['v1alpha1'],
            operations,
            resources: ['rollouts', 'analysistemplates'],
          },
          { apiGroups: ['networking.istio.io'], apiVersions: ['v1'], operations, resources: ['virtualservices'] },
          { apiGroups: [''], apiVersions: ['v1'], operations, resources: ['services'] },
        ],
      },
      variables: [
        {
          name: 'named',
          expression: 'object.?spec.strategy.canary.trafficRouting.istio.virtualService.orValue({})',
        },
      ],
      validations: [
        {
          message: 'the VirtualService of this Rollout, or one of its routes, does not exist',
          expression:
            '!has(variables.named.name) || [dyn(resource.Get("networking.istio.io/v1", "virtualservices", ' +
            'object.metadata.namespace, variables.named.name))].all(live, live != null && ' +
            `${hasRoutes('live', 'variables.named')})`,
        },
        {
          message: 'a Rollout names a route that this VirtualService does not have',
          expression:
            'object.kind != "VirtualService" || dyn(resource.List("argoproj.io/v1alpha1", "rollouts", ' +
            'object.metadata.namespace)).items.all(rollout, ' +
            'rollout.?spec.strategy.canary.trafficRouting.istio.virtualService.optMap(named, ' +
            `named.name != object.metadata.name || ${hasRoutes('object', 'named')}).orValue(true))`,
        },
      ],
    },
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: POLICY, labels: { 'rbac.kyverno.io/aggregate-to-admission-controller': 'true' } },
    rules: [
      { apiGroups: ['networking.istio.io'], resources: ['virtualservices'], verbs: ['get'] },
      { apiGroups: ['argoproj.io'], resources: ['rollouts'], verbs: ['list'] },
    ],
  },
];

/**
 * The admission controller of Kyverno with one policy, from upstream's own manifests. It runs outside of the cluster, as
 * upstream's DEVELOPMENT.md describes.
 */
export class Kyverno {
  readonly #program: Program;
  readonly #metrics: string;

  private constructor(program: Program, metrics: string) {
    this.#program = program;
    this.#metrics = metrics;
  }

  /**
   * Installs Kyverno, and waits until its policy is in force.
   *
   * @param namespace - The only namespace whose objects it is asked about.
   * @param violations - Objects there that the policy denies. Kyverno allows everything while a policy does not compile.
   */
  static async install(
    { controlPlane, admin }: Cluster,
    namespace: string,
    violations: readonly KubeObject[],
  ): Promise<Kyverno> {
    const config = join(await sourceOf(MODULE), 'config');
    await admin.run(['apply', '--server-side', '--recursive', '-f', join(config, 'crds')]);
    await admin.run(['wait', '--for=condition=Established', 'customresourcedefinition', '--all', '--timeout=60s']);
    const manifests = objectsOf(
      withoutDefinitions(await readFile(join(config, 'install-latest-testing.yaml'), 'utf8')),
    );
    const objects = manifests.filter(({ kind }) => KINDS.includes(kind));
    await admin.run(['apply', '-f', '-'], yamlOf(objects.map((object) => onlyIn(namespace, object))));
    await admin.run(['apply', '-f', '-'], yamlOf(OBJECTS));

    const deployment = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === NAME);
    const [container] = asArray(dig(deployment, 'spec', 'template', 'spec', 'containers'));
    const literals = asArray(dig(container, 'env')).filter((each) => dig(each, 'value') !== undefined);
    const [port, metricsPort] = [await freePort(), await freePort()];
    const access = await controlPlane.account({ namespace: NAMESPACE, name: NAME });
    const program = new Program({
      name: NAME,
      command: await binary('kyverno'),
      args: [
        ...asArray(dig(container, 'args')).map(asString),
        // Of a flag that is there twice, Go takes the last.
        `--kubeconfig=${await controlPlane.kubeconfig(access, NAME)}`,
        `--serverIP=127.0.0.1:${port}`,
        '--webhookServerHost=127.0.0.1',
        `--webhookServerPort=${port}`,
        '--metricsHost=127.0.0.1',
        `--metricsPort=${metricsPort}`,
        '--controllerRuntimeMetricsAddress=0',
        // The controller that collects them does not run.
        '--admissionReports=false',
      ],
      env: {
        ...Object.fromEntries(literals.map((each) => [asString(dig(each, 'name')), asString(dig(each, 'value'))])),
        KYVERNO_NAMESPACE: NAMESPACE,
        KYVERNO_POD_NAME: NAME,
      },
      log: join(controlPlane.folder, `${NAME}.log`),
    });
    const kyverno = new Kyverno(program, `http://127.0.0.1:${metricsPort}/metrics`);
    program.start();
    try {
      for (const violation of violations)
        await until(`Kyverno denies a ${violation.kind}`, async () => {
          if (!program.running) throw new Error(program.output().slice(-2_000));
          const { body } = await controlPlane.admin.propose(violation);
          return JSON.stringify(body).includes(`Policy ${POLICY} failed`);
        });
    } catch (error) {
      await kyverno.stop();
      throw error;
    }
    return kyverno;
  }

  /** Returns how many requests its policy has allowed so far. */
  async allowed(): Promise<number> {
    const text = await (await fetch(this.#metrics)).text();
    const counters = text.matchAll(/^kyverno_validating_policy_results_total\{(?=[^}]*\bresult="pass")[^}]*\} (\d+)/gm);
    return [...counters].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  stop(): Promise<void> {
    return this.#program.stop('SIGKILL');
  }
}

function onlyIn(namespace: string, object: KubeObject): KubeObject {
  if (object.kind !== 'ConfigMap' || dig(object, 'data', 'webhooks') === undefined) return object;
  const webhooks = JSON.stringify({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } });
  return { ...object, apiVersion: object.apiVersion, data: { ...(object['data'] as object), webhooks } };
}

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { helm } from '../../../scripts/helm.ts';
import { asObject, dig } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { refusal, type Tenant } from '../harness/tenants.ts';
import { yamlOf } from '../harness/kubectl.ts';
import { deployment, type ConversionScene } from '../harness/conversion.ts';
import { controllerReacts } from '../harness/controller-reacts.ts';
import { until } from '../harness/program.ts';
import type { Expected } from './transition-table.ts';
import { at, imageOf, ownAnnotations, type Outcome } from './transitions.ts';

/** The profile: its canary ends by itself. */
export const PROFILE = 'at-once';

/** What a tool does to a Deployment, and who runs the pods in the end. */
export interface Scenario {
  readonly title: string;
  /** Rollgate up, without and with the right to create Rollouts; Rollgate down, likewise. */
  readonly expected: readonly [Expected, Expected, Expected, Expected];
  /** Who runs the pods before. */
  readonly before: Outcome;
  /** Whether the manifest itself asks for no pods while Rollgate is down. */
  readonly gap?: boolean;
  /** Brings the Deployment into the state, with the rights of an administrator. Returns what the action needs. */
  prepare(tools: Tools, name: string): Promise<unknown>;
  /** Returns why it was refused, or an empty string. */
  act(tools: Tools, name: string, user: Tenant, prepared: unknown): Promise<string>;
}

/** The tools that people use, in one namespace. */
export class Tools {
  readonly scene: ConversionScene;

  constructor(scene: ConversionScene) {
    this.scene = scene;
  }

  get #admin() {
    return this.scene.cluster.controlPlane.admin;
  }

  manifest(name: string, convert?: string, image = 'web:1'): KubeObject {
    return deployment(this.scene.namespace, name, {
      replicas: 1,
      image,
      ...(convert === undefined ? {} : { convert }),
    });
  }

  create(object: KubeObject): Promise<KubeObject> {
    return this.#admin.create(object);
  }

  patch(name: string, patch: object): Promise<KubeObject> {
    return this.#admin.patch(at(this.scene.namespace, name), patch);
  }

  async image(name: string, image: string): Promise<void> {
    await this.patch(name, imageOf(image));
  }

  async convert(name: string, value: string | null): Promise<void> {
    await this.patch(name, { metadata: { annotations: { 'rollgate.io/convert': value } } });
  }

  /** Waits until the Rollout runs the pods, all of the current template. */
  async converted(name: string): Promise<void> {
    const look = async (): Promise<boolean> => {
      const [found, rollout] = [await this.scene.deployment(name), await this.scene.rollout(name)];
      const status = dig(rollout, 'status');
      return (
        dig(found, 'spec', 'replicas') === 0 &&
        dig(status, 'phase') === 'Healthy' &&
        dig(status, 'workloadObservedGeneration') === String(found?.metadata['generation']) &&
        Object.hasOwn(ownAnnotations(found), 'rollgate.io/rollout-uid')
      );
    };
    const at = { namespace: this.scene.namespace, name };
    await controllerReacts(this.#admin, at, `${name} converted`, look, 120_000);
  }

  /** Waits until the Deployment runs its pods, and Rollgate has forgotten it. */
  async plain(name: string): Promise<void> {
    await this.#until(`${name} plain`, async () => {
      const found = await this.scene.deployment(name);
      const left = Object.keys(ownAnnotations(found)).filter((key) => key !== 'rollgate.io/convert');
      const generation = dig(found, 'status', 'observedGeneration');
      return (
        left.length === 0 &&
        generation === found?.metadata['generation'] &&
        dig(found, 'status', 'updatedReplicas') === 1 &&
        dig(found, 'status', 'availableReplicas') === 1 &&
        (await this.scene.rollout(name)) === undefined
      );
    });
  }

  /** Returns an object as a backup or `kubectl get` has it, for another cluster: without what only this one knows. */
  async exported(kind: 'Deployment' | 'Rollout', name: string): Promise<KubeObject> {
    const found = kind === 'Deployment' ? await this.scene.deployment(name) : await this.scene.rollout(name);
    if (found === undefined) throw new Error(`${kind} ${name} does not exist`);
    const { status: _, metadata, ...rest } = found;
    const { labels, annotations, namespace } = metadata;
    return {
      ...rest,
      metadata: { name, namespace, labels: asObject(labels), annotations: asObject(annotations) },
    } as KubeObject;
  }

  async deleted(name: string): Promise<void> {
    const options = { propagationPolicy: 'Background' };
    await this.#admin.call('DELETE', `/apis/apps/v1/namespaces/${this.scene.namespace}/deployments/${name}`, options);
    await this.#until(
      `${name} deleted`,
      async () =>
        (await this.scene.deployment(name)) === undefined &&
        (await this.scene.rollout(name)) === undefined &&
        (await this.scene.pods(name)).length === 0,
    );
  }

  /** Runs kubectl. Returns why it was refused, or an empty string. */
  async kubectl({ kubectl }: Tenant, args: readonly string[], objects: readonly KubeObject[] = []): Promise<string> {
    const { code, stderr } = await kubectl.try([...args, '-n', this.scene.namespace], yamlOf(objects));
    return code === 0 ? '' : stderr;
  }

  /** Creates objects in their order, as a restore does: what exists already stays. Returns the first refusal. */
  async restored({ api }: Tenant, objects: readonly KubeObject[]): Promise<string> {
    let first = '';
    for (const object of objects) {
      const refused = await refusal(api.create(object));
      if (refused !== '' && !refused.startsWith('409') && first === '') first = refused;
    }
    return first;
  }

  /** Installs or upgrades a release with one Deployment. Returns why it failed, or an empty string. */
  async upgraded(user: Tenant | undefined, name: string, object: KubeObject): Promise<string> {
    const chart = join(this.scene.cluster.controlPlane.folder, 'charts', `${this.scene.namespace}-${name}`);
    await mkdir(join(chart, 'templates'), { recursive: true });
    await writeFile(join(chart, 'Chart.yaml'), yamlOf([{ apiVersion: 'v2', name: 'web', version: '1.0.0' } as never]));
    await writeFile(join(chart, 'templates', 'deployment.yaml'), yamlOf([object]));
    return this.helm(user, ['upgrade', '--install', name, chart]);
  }

  /** Runs helm. Returns why it failed, or an empty string. */
  async helm(user: Tenant | undefined, args: readonly string[]): Promise<string> {
    const { kubeconfig } = user?.kubectl ?? this.scene.cluster.admin;
    const { folder } = this.scene.cluster.controlPlane;
    const env = {
      ...process.env,
      KUBECONFIG: kubeconfig,
      HELM_CACHE_HOME: folder,
      HELM_CONFIG_HOME: folder,
      HELM_DATA_HOME: folder,
    };
    try {
      await promisify(execFile)(helm(), [...args, '--namespace', this.scene.namespace], { env });
      return '';
    } catch (error) {
      return (error as { stderr: string }).stderr;
    }
  }

  #until(what: string, look: () => Promise<boolean>): Promise<boolean> {
    return until(what, look, { within: 120_000, every: 400 });
  }
}

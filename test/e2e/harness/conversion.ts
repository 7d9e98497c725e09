import { asArray, dig, asObject, asString } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import type { Cluster } from './cluster.ts';
import type { Kubectl } from './kubectl.ts';
import { READY_AFTER } from './kubelet.ts';
import { pathOf } from './paths.ts';
import { controllerReacts } from './controller-reacts.ts';
import { until } from './program.ts';

/** The differences from a plain Deployment. */
export interface DeploymentOptions {
  readonly replicas?: number;
  /** The name of the profile. */
  readonly convert?: string;
  readonly image?: string;
  /** The milliseconds until its pods are ready, or never. */
  readonly readyAfter?: number | 'never';
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: object;
}

/** Returns a Deployment. */
export function deployment(
  namespace: string,
  name: string,
  { replicas, convert, image = 'web:1', readyAfter = 0, labels = {}, spec = {} }: DeploymentOptions = {},
): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      namespace,
      ...(convert === undefined ? {} : { annotations: { 'rollgate.io/convert': convert } }),
    },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, ...labels }, annotations: { [READY_AFTER]: String(readyAfter) } },
        spec: { containers: [{ name: 'web', image, ports: [{ containerPort: 8080 }] }] },
      },
      ...spec,
    },
  };
}

/** Returns the Service for such a Deployment. */
export function service(
  namespace: string,
  name: string,
  selector: Readonly<Record<string, string>> = { app: name },
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

/** A record of the number of ready endpoints of a Service over time. */
export interface EndpointWatch {
  least(): number;
  most(): number;
  now(): number;
  stop(): void;
}

/** A namespace in which Deployments are converted, with what tests observe there. */
export class ConversionScene {
  readonly cluster: Cluster;
  readonly namespace: string;

  private constructor(cluster: Cluster, namespace: string) {
    this.cluster = cluster;
    this.namespace = namespace;
  }

  static async open(cluster: Cluster, labels: Readonly<Record<string, string>> = {}): Promise<ConversionScene> {
    return new ConversionScene(cluster, await cluster.namespace('convert', labels));
  }

  /** Returns the scene of a namespace that exists. */
  static in(cluster: Cluster, namespace: string): ConversionScene {
    return new ConversionScene(cluster, namespace);
  }

  get developer(): Kubectl {
    return this.cluster.developer;
  }

  /** Calls `look` until it returns something other than undefined or false, and returns that. */
  until<T>(what: string, look: () => Promise<T | undefined>, within = 120_000): Promise<NonNullable<T>> {
    return until(what, look, { within }) as Promise<NonNullable<T>>;
  }

  deployment(name: string): Promise<KubeObject | undefined> {
    return this.cluster.controlPlane.admin.get('apps/v1', 'Deployment', this.namespace, name);
  }

  rollout(name: string): Promise<KubeObject | undefined> {
    return this.cluster.controlPlane.admin.get('argoproj.io/v1alpha1', 'Rollout', this.namespace, name);
  }

  async annotations(name: string): Promise<Readonly<Record<string, unknown>>> {
    return asObject(dig((await this.deployment(name))?.metadata, 'annotations'));
  }

  /** Returns the pods with a label app that are not being deleted. */
  async pods(app: string): Promise<KubeObject[]> {
    const pods = await this.cluster.controlPlane.admin.list('v1', 'Pod', this.namespace, `labelSelector=app%3D${app}`);
    return pods.filter(({ metadata }) => metadata['deletionTimestamp'] === undefined);
  }

  /** Waits until a Rollout is healthy with a number of pods. */
  async healthy(name: string, replicas: number): Promise<KubeObject> {
    return this.controllerMakes(name, `healthy with ${replicas}`, (rollout) => {
      const status = rollout['status'];
      return (
        dig(status, 'phase') === 'Healthy' &&
        dig(status, 'availableReplicas') === replicas &&
        dig(status, 'observedGeneration') === String(rollout.metadata['generation'])
      );
    });
  }

  /** Waits until the status of a Rollout has a phase. */
  async phase(name: string, phase: string): Promise<KubeObject> {
    return this.controllerMakes(name, phase, (rollout) => dig(rollout, 'status', 'phase') === phase);
  }

  /** Waits until the controller makes a condition hold for a Rollout, and returns it. */
  async controllerMakes(
    name: string,
    what: string,
    holds: (rollout: KubeObject) => boolean | Promise<boolean>,
  ): Promise<KubeObject> {
    const look = async (): Promise<KubeObject | undefined> => {
      const rollout = await this.rollout(name);
      return rollout !== undefined && (await holds(rollout)) ? rollout : undefined;
    };
    const at = { namespace: this.namespace, name };
    return controllerReacts(this.cluster.controlPlane.admin, at, `Rollout ${name} ${what}`, look);
  }

  /** Creates a Deployment and its Service, and waits until it runs. */
  async running(name: string, replicas: number, options: DeploymentOptions = {}): Promise<void> {
    await this.developer.apply([
      service(this.namespace, name),
      deployment(this.namespace, name, { ...options, replicas }),
    ]);
    await this.until(
      `Deployment ${name} available`,
      async () => dig(await this.deployment(name), 'status', 'availableReplicas') === replicas,
    );
    await this.serves(name, replicas);
  }

  /** Waits until a Service has a number of ready endpoints. */
  async serves(name: string, replicas: number): Promise<void> {
    await this.until(`endpoints of ${name}`, async () => (await readyOf(this, name)) === replicas);
  }

  /** Starts to record the ready endpoints of a Service. */
  async endpoints(name: string): Promise<EndpointWatch> {
    const counts: number[] = [await readyOf(this, name)];
    const slices = new Map<string, number>();
    const stop = new AbortController();
    const path = `${pathOf({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', namespace: this.namespace })}?labelSelector=kubernetes.io%2Fservice-name%3D${name}`;
    const first = await this.cluster.controlPlane.admin.list(
      'discovery.k8s.io/v1',
      'EndpointSlice',
      this.namespace,
      `labelSelector=kubernetes.io%2Fservice-name%3D${name}`,
    );
    for (const slice of first) slices.set(slice.metadata.name, readyIn(slice));
    await this.cluster.controlPlane.admin.watch(
      path,
      ({ type, object: slice }) => {
        slices.set(slice.metadata.name, type === 'DELETED' ? 0 : readyIn(slice));
        counts.push([...slices.values()].reduce((sum, count) => sum + count, 0));
      },
      stop.signal,
    );
    return {
      least: () => Math.min(...counts),
      most: () => Math.max(...counts),
      now: () => counts.at(-1) ?? 0,
      stop: () => stop.abort(),
    };
  }
}

async function readyOf(scene: ConversionScene, name: string): Promise<number> {
  const slices = await scene.cluster.controlPlane.admin.list(
    'discovery.k8s.io/v1',
    'EndpointSlice',
    scene.namespace,
    `labelSelector=kubernetes.io%2Fservice-name%3D${name}`,
  );
  return slices.map(readyIn).reduce((sum, count) => sum + count, 0);
}

function readyIn(slice: KubeObject): number {
  return asArray(slice['endpoints']).filter((endpoint) => dig(endpoint, 'conditions', 'ready') === true).length;
}

/** Returns the value of an annotation of Rollgate, or an empty string. */
export function annotation(subject: KubeObject | undefined, key: string): string {
  return asString(dig(subject?.metadata, 'annotations', key));
}

import { it } from 'vitest';
import { asArray, dig, optionalNumber, asString, stringMap, type JsonObject } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import type { Cluster } from '../harness/cluster.ts';
import { versionsMatching, type OfVersions } from '../../../src/world/rollouts-versions.ts';
import { controllerVersions } from '../harness/argo-rollouts.ts';
import { controllerReacts, nudge } from '../harness/controller-reacts.ts';
import { until } from '../harness/program.ts';
import { HASH } from './manifests.ts';

/** The outcome of a claim: it holds, it holds only in part as the title of the fact says, or it does not hold. */
export type Outcome = 'holds' | 'in part' | 'refuted';

/**
 * Registers a test that shows a fact. The table of docs/upstream-facts.md is generated from these calls.
 *
 * @param _claim - The number of the claim in the list of claims.
 * @param title - The fact as the controller shows it.
 * @param versions - The versions of Argo Rollouts of which it is true; by default all.
 */
export function fact(
  _claim: string,
  _outcome: Outcome,
  title: string,
  show: () => Promise<void>,
  versions?: OfVersions,
): void {
  it.concurrent(title, { skip: versionsMatching(controllerVersions(), versions) !== 'all' }, show);
}

const MOST_ATTEMPTS = 8;

/**
 * Does something during which the controller must not reconcile the Rollout, and returns the scene. The controller gives
 * no sign that it is at rest: late events of pods, and of its own writes, make it reconcile once more. An attempt during
 * which it did shows nothing, so there is another one in a new scene.
 *
 * @param prepare - Creates a scene.
 * @param act - Does it, and asserts what comes of it.
 */
export async function unreconciled(
  prepare: () => Promise<Scene>,
  act: (scene: Scene) => Promise<unknown>,
): Promise<Scene> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const scene = await prepare();
    // One that has begun before could still write.
    const before = await until('the end of the reconciliation in progress', () => {
      const { begun, ended } = scene.reconciliations;
      return begun === ended && begun;
    });
    try {
      await act(scene);
    } catch (error) {
      if (scene.reconciliations.begun === before) throw error;
    }
    if (scene.reconciliations.begun === before) return scene;
  }
  throw new Error(`the controller reconciled the Rollout during each of ${MOST_ATTEMPTS} attempts`);
}

const VERSIONS: Readonly<Record<string, string>> = {
  Rollout: 'argoproj.io/v1alpha1',
  AnalysisRun: 'argoproj.io/v1alpha1',
  VirtualService: 'networking.istio.io/v1',
  DestinationRule: 'networking.istio.io/v1',
  Service: 'v1',
  Pod: 'v1',
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  HTTPRoute: 'gateway.networking.k8s.io/v1',
  Ingress: 'networking.k8s.io/v1',
  TraefikService: 'traefik.io/v1alpha1',
  ApisixRoute: 'apisix.apache.org/v2',
  Mapping: 'getambassador.io/v2',
  VirtualRouter: 'appmesh.k8s.aws/v1beta2',
  VirtualNode: 'appmesh.k8s.aws/v1beta2',
};

/** A namespace in a cluster without Rollgate, with actions and observations. */
export class Scene {
  readonly cluster: Cluster;
  readonly namespace: string;
  #updates = 0;

  private constructor(cluster: Cluster, namespace: string) {
    this.cluster = cluster;
    this.namespace = namespace;
  }

  /** Creates a namespace with objects in it. */
  static async of(cluster: Cluster, ...objects: readonly KubeObject[]): Promise<Scene> {
    const scene = new Scene(cluster, await cluster.namespace('facts'));
    await scene.create(...objects);
    return scene;
  }

  /**
   * Creates objects in the given order, in this namespace unless they name another.
   *
   * @throws Refused - If the API server rejects one.
   */
  async create(...objects: readonly KubeObject[]): Promise<void> {
    for (const object of objects)
      await this.cluster.controlPlane.admin.create({
        ...object,
        metadata: { namespace: this.namespace, ...object.metadata },
      });
  }

  /** Returns the coordinates of an object, as the harness takes them. */
  at(kind: string, name = 'web'): { apiVersion: string; kind: string; namespace: string; name: string } {
    return { apiVersion: VERSIONS[kind] ?? '', kind, namespace: this.namespace, name };
  }

  /**
   * Returns an object.
   *
   * @throws Error - If it does not exist.
   */
  async get(kind: string, name = 'web'): Promise<KubeObject> {
    const at = this.at(kind, name);
    const object = await this.cluster.controlPlane.admin.get(at.apiVersion, kind, this.namespace, name);
    if (object === undefined) throw new Error(`no ${kind} ${name}`);
    return object;
  }

  /** Returns all objects of a kind in this namespace. */
  list(kind: string): Promise<KubeObject[]> {
    return this.cluster.controlPlane.admin.list(VERSIONS[kind] ?? '', kind, this.namespace);
  }

  /** Applies a JSON merge patch. Returns the stored object. */
  patch(kind: string, patch: unknown, name = 'web'): Promise<KubeObject> {
    return this.cluster.controlPlane.admin.patch(this.at(kind, name), patch);
  }

  /**
   * Starts an update of the Rollout, and waits until the controller has reconciled it.
   *
   * @param annotations - The annotations of the new pods.
   */
  async update(annotations: JsonObject = {}): Promise<void> {
    await this.#lookedAt(
      await this.patch('Rollout', {
        spec: { template: { metadata: { annotations: { version: String(++this.#updates), ...annotations } } } },
      }),
    );
  }

  /** Makes the controller reconcile the Rollout once more, and waits for that. */
  async reconciled(name = 'web'): Promise<void> {
    await this.#lookedAt(await this.nudge(name));
  }

  async #lookedAt({ metadata }: KubeObject): Promise<void> {
    const [name, wanted] = [metadata.name, BigInt(asString(metadata['resourceVersion']))];
    await this.reacts('a reconciliation', () => this.#done(name).some((version) => version >= wanted), name);
  }

  /** Changes the Rollout so that the controller reconciles it, and returns it. One change may not be enough. */
  nudge(name = 'web'): Promise<KubeObject> {
    return nudge(this.cluster.controlPlane.admin, this.namespace, name);
  }

  // At the end of each reconciliation, the controller logs the version of the Rollout that it worked on.
  #done(name: string): bigint[] {
    const lines = this.log.filter(
      (line) => line.includes('Reconciliation completed') && line.includes(` rollout=${name} `),
    );
    return lines.map((line) => BigInt(/resourceVersion=(\d+)/.exec(line)?.[1] ?? '0'));
  }

  /** The numbers of reconciliations of the Rollout that have begun, and that have ended. */
  get reconciliations(): { readonly begun: number; readonly ended: number } {
    const lines = this.log.filter((line) => / rollout=web(?: |$)/.test(line));
    const count = (message: string): number => lines.filter((line) => line.includes(message)).length;
    return { begun: count('Started syncing rollout'), ended: count('Reconciliation completed') };
  }

  /** The log lines of the controller about this namespace. */
  get log(): string[] {
    return this.cluster.argo.program
      .lines()
      .filter((line) => line.includes(`namespace=${this.namespace} `) || line.includes(`${this.namespace}/`));
  }

  /**
   * Waits until the status reports a phase for the current spec, and returns the Rollout.
   *
   * @param step - The index of the step to wait for, if it matters.
   */
  async phase(phase: string, step?: number, name = 'web'): Promise<KubeObject> {
    const what = `Rollout ${name} ${phase}${step === undefined ? '' : ` at step ${step}`}`;
    const look = async (): Promise<KubeObject | undefined> => {
      const found = await this.get('Rollout', name);
      const current = asString(dig(found, 'status', 'observedGeneration')) === String(found.metadata['generation']);
      const there =
        dig(found, 'status', 'phase') === phase &&
        (step === undefined || optionalNumber(dig(found, 'status', 'currentStepIndex')) === step);
      return current && there ? found : undefined;
    };
    return this.reacts(what, look, name);
  }

  /**
   * Waits for what the controller does about the Rollout, and returns what `look` gave. The Rollout is changed now and
   * then: see {@link controllerReacts}.
   *
   * @param what - What is awaited, for the error if it does not come.
   * @param look - Returns undefined or false as long as it has not come.
   */
  async reacts<T>(
    what: string,
    look: () => T | undefined | false | Promise<T | undefined | false>,
    name = 'web',
  ): Promise<T> {
    return controllerReacts(this.cluster.controlPlane.admin, { namespace: this.namespace, name }, what, look);
  }

  /** Runs the kubectl plugin of Argo Rollouts on the Rollout. */
  async plugin(...args: readonly string[]): Promise<void> {
    await this.cluster.admin.run(['argo', 'rollouts', ...args, 'web', '-n', this.namespace]);
  }

  /**
   * Waits until the Rollout is InvalidSpec for a reason. It can be so for another one first: an object that was created
   * with it is not in the controller's cache yet.
   *
   * @param reason - What the controller's message contains.
   */
  async invalid(reason: string | RegExp, name = 'web'): Promise<void> {
    let message = '';
    const isReason = async (): Promise<boolean> => {
      const conditions = asArray(dig(await this.get('Rollout', name), 'status', 'conditions'));
      const invalid = conditions.find(
        (condition) => dig(condition, 'type') === 'InvalidSpec' && dig(condition, 'status') === 'True',
      );
      message = asString(dig(invalid, 'message'));
      return invalid !== undefined && (typeof reason === 'string' ? message.includes(reason) : reason.test(message));
    };
    try {
      await this.reacts(`Rollout ${name} InvalidSpec: ${String(reason)}`, isReason, name);
    } catch (error) {
      throw new Error(`the last message: ${message}`, { cause: error });
    }
  }
}

/** Returns the http routes of a VirtualService in order: name, and weight by destination (host, or host/subset). */
export function weights(virtual: KubeObject): (readonly [name: string, destinations: readonly string[]])[] {
  return asArray(dig(virtual, 'spec', 'http')).map((route) => [
    asString(dig(route, 'name')),
    asArray(dig(route, 'route')).map((entry) => {
      const [host, subset] = [
        asString(dig(entry, 'destination', 'host')),
        asString(dig(entry, 'destination', 'subset')),
      ];
      return `${host}${subset === '' ? '' : `/${subset}`} ${optionalNumber(dig(entry, 'weight')) ?? '-'}`;
    }),
  ]);
}

/** Returns the hash in the selector of a Service. */
export function hashOf(service: KubeObject): string | undefined {
  return stringMap(dig(service, 'spec', 'selector')).get(HASH);
}

/** Returns the hash of each subset of a DestinationRule, by name. */
export function subsetsOf(rule: KubeObject): Record<string, string | undefined> {
  return Object.fromEntries(
    asArray(dig(rule, 'spec', 'subsets')).map((subset) => [
      asString(dig(subset, 'name')),
      stringMap(dig(subset, 'labels')).get(HASH),
    ]),
  );
}

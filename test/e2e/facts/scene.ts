import { it } from 'vitest';
import { asArray, dig, optionalNumber, asString, stringMap, type JsonObject } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import type { Cluster } from '../harness/cluster.ts';
import { until } from '../harness/program.ts';
import { HASH } from './manifests.ts';

/** What became of a claim: it holds as it was made; it holds only in part, as the fact says; it does not hold. */
export type Outcome = 'holds' | 'in part' | 'refuted';

/**
 * In: the claim that is decided (its number in the list of claims), what became of it, the fact as the controller
 * showed it, and how to show it. The table of docs/upstream-facts.md is made from these.
 */
export function fact(_claim: string, _outcome: Outcome, title: string, show: () => Promise<void>): void {
  // The controller races with itself: it puts the answers to its own writes over newer versions in its cache. What it
  // does in the usual case is the fact.
  it.concurrent(title, { retry: 2 }, show);
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
};

/** A namespace of a cluster without Rollgate, and what to do and see in it. */
export class Scene {
  readonly cluster: Cluster;
  readonly namespace: string;
  #nudges = 0;

  private constructor(cluster: Cluster, namespace: string) {
    this.cluster = cluster;
    this.namespace = namespace;
  }

  /** In: a cluster, and objects to begin with. Out: a namespace of its own with those. */
  static async of(cluster: Cluster, ...objects: readonly KubeObject[]): Promise<Scene> {
    const scene = new Scene(cluster, await cluster.namespace('facts'));
    await scene.create(...objects);
    return scene;
  }

  /**
   * In: objects, which belong to this namespace unless they name another. Creates them in that order. Rejects with
   * Refused.
   */
  async create(...objects: readonly KubeObject[]): Promise<void> {
    for (const object of objects)
      await this.cluster.controlPlane.admin.create({
        ...object,
        metadata: { namespace: this.namespace, ...object.metadata },
      });
  }

  /** In: a kind and a name. Out: where that is, as the harness has it. */
  at(kind: string, name = 'web'): { apiVersion: string; kind: string; namespace: string; name: string } {
    return { apiVersion: VERSIONS[kind] ?? '', kind, namespace: this.namespace, name };
  }

  /** In: a kind and a name. Out: the object. Throws if it is not there. */
  async get(kind: string, name = 'web'): Promise<KubeObject> {
    const at = this.at(kind, name);
    const object = await this.cluster.controlPlane.admin.get(at.apiVersion, kind, this.namespace, name);
    if (object === undefined) throw new Error(`no ${kind} ${name}`);
    return object;
  }

  /** In: a kind. Out: all of that kind in this namespace. */
  list(kind: string): Promise<KubeObject[]> {
    return this.cluster.controlPlane.admin.list(VERSIONS[kind] ?? '', kind, this.namespace);
  }

  /** In: a kind, a JSON merge patch, and a name. Out: what is stored then. */
  patch(kind: string, patch: unknown, name = 'web'): Promise<KubeObject> {
    return this.cluster.controlPlane.admin.patch(this.at(kind, name), patch);
  }

  /**
   * In: what the pods of the next version are to have for annotations. Begins an update of the Rollout; resolves when
   * the controller has looked at it.
   */
  async update(annotations: JsonObject = {}): Promise<void> {
    await this.#lookedAt(
      await this.patch('Rollout', {
        spec: { template: { metadata: { annotations: { version: String(++this.#nudges), ...annotations } } } },
      }),
    );
  }

  /** In: the Rollout's name. Has the controller look at the Rollout once more, and resolves when it has. */
  async reconciled(name = 'web'): Promise<void> {
    await this.#lookedAt(await this.nudge(name));
  }

  async #lookedAt({ metadata }: KubeObject): Promise<void> {
    const [name, wanted] = [metadata.name, BigInt(asString(metadata['resourceVersion']))];
    let looks = 0;
    await until('a reconciliation', async () => {
      if (this.#done(name).some((version) => version >= wanted)) return true;
      if (++looks % 10 === 0) await this.nudge(name);
      return false;
    });
  }

  /**
   * In: the Rollout's name. Out: it, changed in a way that makes the controller look at it. One nudge may not be
   * enough: the controller puts the answers to its own writes into its cache, over whatever newer version the watch has
   * brought meanwhile.
   */
  nudge(name = 'web'): Promise<KubeObject> {
    return this.patch('Rollout', { metadata: { annotations: { nudge: String(++this.#nudges) } } }, name);
  }

  // The controller says at the end of each reconciliation which version of the Rollout it has worked on.
  #done(name: string): bigint[] {
    const lines = this.log.filter(
      (line) => line.includes('Reconciliation completed') && line.includes(` rollout=${name} `),
    );
    return lines.map((line) => BigInt(/resourceVersion=(\d+)/.exec(line)?.[1] ?? '0'));
  }

  /** Out: what the controller has logged about this namespace, line by line. */
  get log(): string[] {
    return this.cluster.argo.program
      .output()
      .split('\n')
      .filter((line) => line.includes(`namespace=${this.namespace} `) || line.includes(`${this.namespace}/`));
  }

  /**
   * In: a phase, and the index of the step at which it is to be, if that matters. Out: the Rollout, once its status
   * says so of its present spec.
   */
  async phase(phase: string, step?: number, name = 'web'): Promise<KubeObject> {
    let looks = 0;
    return until(`Rollout ${name} ${phase}${step === undefined ? '' : ` at step ${step}`}`, async () => {
      const found = await this.get('Rollout', name);
      const current = asString(dig(found, 'status', 'observedGeneration')) === String(found.metadata['generation']);
      const there =
        dig(found, 'status', 'phase') === phase &&
        (step === undefined || optionalNumber(dig(found, 'status', 'currentStepIndex')) === step);
      if (++looks % 30 === 0) await this.nudge(name);
      return current && there ? found : undefined;
    });
  }

  /** In: arguments. Has the plugin of Argo Rollouts do something to the Rollout. */
  async plugin(...args: readonly string[]): Promise<void> {
    await this.cluster.admin.run(['argo', 'rollouts', ...args, 'web', '-n', this.namespace]);
  }

  /** Out: what the controller says of why the Rollout is InvalidSpec, once it does. */
  invalid(name = 'web'): Promise<string> {
    return until(`Rollout ${name} InvalidSpec`, async () => {
      const conditions = asArray(dig(await this.get('Rollout', name), 'status', 'conditions'));
      const invalid = conditions.find(
        (condition) => dig(condition, 'type') === 'InvalidSpec' && dig(condition, 'status') === 'True',
      );
      return invalid === undefined ? undefined : asString(dig(invalid, 'message'));
    });
  }
}

/** In: a VirtualService. Out: its http routes: name, and weight by destination (host, or host/subset), in order. */
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

/** In: a Service. Out: the hash in its selector. */
export function hashOf(service: KubeObject): string | undefined {
  return stringMap(dig(service, 'spec', 'selector')).get(HASH);
}

/** In: a DestinationRule. Out: the hash of each of its subsets, by name. */
export function subsetsOf(rule: KubeObject): Record<string, string | undefined> {
  return Object.fromEntries(
    asArray(dig(rule, 'spec', 'subsets')).map((subset) => [
      asString(dig(subset, 'name')),
      stringMap(dig(subset, 'labels')).get(HASH),
    ]),
  );
}

import type { KubeObject } from '../../../../src/world/object.ts';
import type { Cluster } from '../../harness/cluster.ts';
import type { Flux } from '../../harness/flux/flux.ts';
import type { FluxShows, Kustomization } from '../../harness/flux/kustomization.ts';
import { until } from '../../harness/program.ts';
import type { Recorder } from '../../harness/recorder.ts';
import { objectsIn } from '../canaries.ts';
import { arrivedOf, filesOf, type Arrived } from '../commits/arrived.ts';
import { CANARY, canaryWeights, recordVirtualService } from '../commits/example.ts';
import { prepared } from '../commits/two-sided.ts';
import { healthy } from '../rollouts.ts';

/** Where a scenario runs. */
export interface Place {
  readonly cluster: Cluster;
  readonly flux: Flux;
  readonly namespace: string;
}

/** The example as a Kustomization of its own, with a record of the weights of its VirtualService. */
export class FluxScene {
  readonly #place: Place;
  readonly #kustomization: Kustomization;
  readonly #recorder: Recorder;
  #objects: readonly KubeObject[];
  #before: readonly KubeObject[] = [];

  private constructor(place: Place, kustomization: Kustomization, recorder: Recorder, objects: readonly KubeObject[]) {
    this.#place = place;
    this.#kustomization = kustomization;
    this.#recorder = recorder;
    this.#objects = objects;
  }

  /** Creates a namespace, and lets Flux apply the example there. Waits until the Rollout is healthy. */
  static async open(place: Place): Promise<FluxScene> {
    const { cluster, flux, namespace } = place;
    await cluster.admin.run(['create', 'namespace', namespace]);
    const recorder = await recordVirtualService(cluster.controlPlane.admin, namespace);
    const objects = prepared(objectsIn(CANARY, namespace));
    const scene = new FluxScene(place, await flux.kustomization(namespace), recorder, objects);
    await scene.#kustomization.commit(filesOf(objects));
    await scene.#kustomization.applied();
    await healthy(cluster, namespace, CANARY.rollout);
    return scene;
  }

  /** Commits the objects after a change, and returns what Flux shows after its first attempt. */
  async commit(change: (object: KubeObject) => KubeObject | undefined): Promise<FluxShows> {
    this.#before = this.#objects;
    this.#objects = this.#objects.map(change).filter((object) => object !== undefined);
    await this.#kustomization.commit(filesOf(this.#objects));
    return this.#kustomization.attempted();
  }

  /** Waits until Flux has applied the last commit, by its retries. */
  applied(): Promise<void> {
    return this.#kustomization.applied();
  }

  /** Makes Flux compare and apply the last commit once more. */
  reconcile(): Promise<void> {
    return this.#kustomization.reconcile();
  }

  /** Runs the plugin of Argo Rollouts, with a command and the Rollout. */
  async rollouts(command: string, ...args: readonly string[]): Promise<void> {
    const { cluster, namespace } = this.#place;
    await cluster.developer.run(['argo', 'rollouts', command, CANARY.rollout, ...args, '-n', namespace]);
  }

  /** Returns an object as it is stored. */
  live({ apiVersion, kind, metadata }: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>): Promise<KubeObject> {
    const { cluster, namespace } = this.#place;
    return until(`${kind} ${metadata.name}`, () =>
      cluster.controlPlane.admin.get(apiVersion, kind, namespace, metadata.name),
    );
  }

  /** Returns the kinds of the objects that the last commit has changed, by whether all that a user sets is stored. */
  arrived(): Promise<Arrived> {
    return arrivedOf(this.#before, this.#objects, (object) => this.live(object));
  }

  /** Returns the weights of the canary in its VirtualService so far, oldest first, repetitions left out. */
  get weights(): number[] {
    return canaryWeights(this.#recorder);
  }

  /** Ends the recording. */
  async close(): Promise<void> {
    await this.#recorder.stop();
  }
}

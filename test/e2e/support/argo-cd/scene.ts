import type { KubeObject } from '../../../../src/world/object.ts';
import type { ArgoCd } from '../../harness/argo-cd/argo-cd.ts';
import type { Cluster } from '../../harness/cluster.ts';
import type { Recorder } from '../../harness/recorder.ts';
import { objectsIn } from '../canaries.ts';
import { CANARY, canaryWeights, recordVirtualService } from '../commits/example.ts';
import { committed, GitApplication, type ApplicationOptions, type Committed } from './git-application.ts';

/** How the Application of the example is set up. */
export interface SceneOptions extends ApplicationOptions {
  /** Returns the objects of the first commit from those of the example. */
  readonly prepare?: (objects: readonly KubeObject[]) => readonly KubeObject[];
}

/** The example as an Application of its own, with a record of the weights of its VirtualService. */
export class ArgoCdScene extends GitApplication {
  readonly #recorder: Recorder;

  private constructor(recorder: Recorder, parts: Committed) {
    super(parts);
    this.#recorder = recorder;
  }

  /** Creates a namespace, commits the example, and creates the Application, which is then synced by itself. */
  static async open(cluster: Cluster, argoCd: ArgoCd, namespace: string, options: SceneOptions): Promise<ArgoCdScene> {
    await cluster.admin.run(['create', 'namespace', namespace]);
    const recorder = await recordVirtualService(cluster.controlPlane.admin, namespace);
    const example = objectsIn(CANARY, namespace);
    const objects = options.prepare?.(example) ?? example;
    return new ArgoCdScene(recorder, await committed(cluster, argoCd, namespace, objects, options));
  }

  /** Runs the plugin of Argo Rollouts, with a command and the Rollout. */
  async rollouts(command: string, ...args: readonly string[]): Promise<void> {
    await this.cluster.developer.run(['argo', 'rollouts', command, CANARY.rollout, ...args, '-n', this.namespace]);
  }

  /** Returns the weights of the canary in its VirtualService so far, oldest first, repetitions left out. */
  get weights(): number[] {
    return canaryWeights(this.#recorder);
  }

  /** Removes the Application, and ends the recordings. */
  override async close(): Promise<void> {
    await super.close();
    await this.#recorder.stop();
  }
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CHART, helm } from '../../../scripts/helm.ts';
import type { Cluster } from './cluster.ts';
import { ROLLGATE } from './rollgate.ts';

/** Rollgate of a cluster as a Helm release, with the values that the harness has installed it with. */
export class Release {
  readonly #cluster: Cluster;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Makes the objects that the harness has created a release. */
  static async adopt(cluster: Cluster): Promise<Release> {
    const release = new Release(cluster);
    await release.run('install', ROLLGATE.name, CHART, '--take-ownership', ...cluster.rollgate.values);
    return release;
  }

  /**
   * Upgrades it, and returns the notes.
   *
   * @param settings - Further values, as `--set` takes them.
   */
  upgrade(...settings: readonly string[]): Promise<string> {
    const further = settings.flatMap((setting) => ['--set', setting]);
    return this.run('upgrade', ROLLGATE.name, CHART, ...this.#cluster.rollgate.values, ...further);
  }

  /** Goes back to the revision before. */
  rollback(): Promise<string> {
    return this.run('rollback', ROLLGATE.name);
  }

  uninstall(): Promise<string> {
    return this.run('uninstall', ROLLGATE.name);
  }

  /** Runs a command of Helm as the administrator, and returns what it prints. */
  async run(...args: readonly string[]): Promise<string> {
    const { kubeconfig } = this.#cluster.admin;
    const { stdout } = await promisify(execFile)(helm(), [
      ...args,
      ...['--namespace', ROLLGATE.namespace, '--kubeconfig', kubeconfig],
    ]);
    return stdout;
  }
}

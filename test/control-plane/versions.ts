import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// All versions that the programs of the tests are built in. Each has a module file of its own. For a further version, add
// a row and its module file.

/** How the programs of one version are built. */
interface Build {
  /** The module file, in the folder of the module. */
  readonly file: string;
  /**
   * The Go that the module asks for, if it is newer than the Go that CONTRIBUTING.md asks for. Go does not switch by
   * itself when the module file is named on the command line.
   */
  readonly toolchain?: string;
}

const ROLLOUTS = {
  '1.9': { file: 'go.mod' },
  '1.9.3': { file: 'v1.9.3.mod', toolchain: 'go1.26.10' },
  '1.10': { file: 'v1.10.mod' },
} as const satisfies Readonly<Record<string, Build>>;

const KUBERNETES = {
  '1.34': { file: 'go.mod' },
  '1.33': { file: 'v1.33.mod' },
  '1.37': { file: 'v1.37.mod' },
} as const satisfies Readonly<Record<string, Build>>;

/** A version of Argo Rollouts. */
export type RolloutsVersion = keyof typeof ROLLOUTS;

type KubernetesVersion = keyof typeof KUBERNETES;

/** The versions of Argo Rollouts that verdicts are compared with, one for each supported minor, the oldest first. */
export const ROLLOUTS_VERSIONS: readonly RolloutsVersion[] = ['1.9', '1.10'];

/** The module that a program belongs to, by the name of its folder. */
export type ModuleName =
  'argo-cd' | 'argo-rollouts' | 'cert-manager' | 'crds' | 'etcd' | 'flux' | 'kubernetes' | 'kyverno';

/** Returns how a module is built: Argo Rollouts in the given version, Kubernetes in that of the environment. */
export function buildOf(module: ModuleName, version: RolloutsVersion): Build {
  if (module === 'argo-rollouts') return ROLLOUTS[version];
  return module === 'kubernetes' ? KUBERNETES[kubernetesVersion()] : { file: 'go.mod' };
}

/**
 * Returns the version of Argo Rollouts that the end-to-end tests run: the one that `ROLLGATE_E2E_ROLLOUTS` names by its
 * key above or by its release, else 1.9.
 *
 * @throws Error - If there is no such version.
 */
export function rolloutsVersion(): RolloutsVersion {
  return chosen('ROLLGATE_E2E_ROLLOUTS', ROLLOUTS, '1.9', rolloutsRelease);
}

/** Returns the release that stands for a version of Argo Rollouts, such as `v1.10.1`. */
export function rolloutsRelease(version: RolloutsVersion): string {
  return releaseIn('argo-rollouts', ROLLOUTS[version].file, 'github.com/argoproj/argo-rollouts');
}

/**
 * Returns the release that stands for a version of Kubernetes, such as `v1.34.1`; by default for the one that the
 * end-to-end tests run. `ROLLGATE_E2E_KUBERNETES` names that by its key above or by its release; else it is 1.34.
 *
 * @throws Error - If there is no such version.
 */
export function kubernetesRelease(version: KubernetesVersion = kubernetesVersion()): string {
  return releaseIn('kubernetes', KUBERNETES[version].file, 'k8s.io/kubernetes');
}

/** Returns whether the environment names no other versions than those that the pages in docs/ show. */
export function isDocumented(): boolean {
  return rolloutsVersion() === '1.9' && kubernetesVersion() === '1.34';
}

function kubernetesVersion(): KubernetesVersion {
  return chosen('ROLLGATE_E2E_KUBERNETES', KUBERNETES, '1.34', kubernetesRelease);
}

function chosen<Version extends string>(
  variable: string,
  builds: Readonly<Record<Version, Build>>,
  byDefault: Version,
  releaseOf: (version: Version) => string,
): Version {
  const given = process.env[variable];
  if (given === undefined || given === '') return byDefault;
  const versions = Object.keys(builds) as Version[];
  const found = versions.find((version) => version === given || releaseOf(version) === `v${given}`);
  if (found !== undefined) return found;
  throw new Error(
    `${variable} is "${given}": set it to one of ${versions.map(releaseOf).join(', ').replaceAll('v', '')}`,
  );
}

/**
 * Returns the version in which a module file requires a module.
 *
 * @throws Error - If it does not require it.
 */
export function releaseIn(module: ModuleName, file: string, path: string): string {
  const required = new RegExp(String.raw`^(?:require)?\s*${path.replaceAll('.', '[.]')} (v\S+)`, 'm');
  const release = required.exec(readFileSync(join(import.meta.dirname, module, file), 'utf8'))?.[1];
  if (release === undefined) throw new Error(`${module}/${file} requires no ${path}`);
  return release;
}

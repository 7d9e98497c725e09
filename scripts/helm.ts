import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const VERSION = 'v3.19.0';

/** The folder of the chart. */
export const CHART = join(import.meta.dirname, '..', 'chart');

/**
 * Returns the path of a Helm 3: the one in `HELM`, else the one on the PATH, else one that Go builds into `.cache/bin`.
 *
 * @throws Error - If there is no Helm and no Go to build it.
 */
export function helm(): string {
  const given = process.env['HELM'];
  if (given !== undefined && given !== '') return given;
  if (spawnSync('helm', ['version', '--short'], { encoding: 'utf8' }).stdout?.startsWith('v3')) return 'helm';
  const bin = join(import.meta.dirname, '..', '.cache', 'bin');
  const path = join(bin, 'helm');
  if (!existsSync(path)) {
    mkdirSync(bin, { recursive: true });
    execFileSync('go', ['install', `helm.sh/helm/v3/cmd/helm@${VERSION}`], {
      env: { ...process.env, GOBIN: bin },
      stdio: 'inherit',
    });
  }
  return path;
}

/** The version of Kubernetes to render for. Helm built with `go install` assumes 1.20. */
export const KUBE_VERSION = '1.34.1';

/** What to render. */
export interface Installation {
  readonly release?: string;
  readonly namespace?: string;
  /** The folder of the chart, if it is a copy. */
  readonly chart?: string;
  /** Whether the cluster has cert-manager; by default it has. */
  readonly certManager?: boolean;
}

/** What Helm printed. */
export interface HelmOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Returns the arguments of `helm template`, by default for release `rollgate` in namespace `rollgate`. */
export function templateArguments(
  { release = 'rollgate', namespace = 'rollgate', chart = CHART, certManager = true }: Installation,
  ...args: readonly string[]
): string[] {
  const cluster = ['--kube-version', KUBE_VERSION, ...(certManager ? ['--api-versions', 'cert-manager.io/v1'] : [])];
  return ['template', release, chart, '--namespace', namespace, ...cluster, ...args];
}

/**
 * Runs `helm template`.
 *
 * @param args - Further arguments, such as `--set`.
 */
export function template(installation: Installation, ...args: readonly string[]): HelmOutput {
  const { status, stdout, stderr, error } = spawnSync(helm(), templateArguments(installation, ...args), {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw error;
  return { code: status ?? -1, stdout, stderr };
}

/**
 * Renders what an installation of the chart as release `rollgate` in namespace `rollgate` creates, in a cluster
 * with cert-manager.
 *
 * @param args - Further arguments, such as `--set`.
 * @throws Error - With Helm's own message, if the chart does not render.
 */
export function render(...args: readonly string[]): string {
  return printed('--skip-tests', ...args);
}

/** Renders what `helm test` creates, otherwise as `render`. */
export function renderTest(...args: readonly string[]): string {
  return printed('--show-only', 'templates/self-test.yaml', ...args);
}

function printed(...args: readonly string[]): string {
  const { code, stdout, stderr } = template({}, ...args);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

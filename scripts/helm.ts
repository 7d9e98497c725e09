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

/** The cluster to render for. Helm built with `go install` assumes Kubernetes 1.20, so the version is set explicitly. */
export const CLUSTER = ['--kube-version', '1.34.1', '--api-versions', 'cert-manager.io/v1'];

/**
 * Renders what an installation of the chart as release `rollgate` in namespace `rollgate` creates, in a cluster
 * with cert-manager.
 *
 * @param args - Further arguments, such as `--set`.
 * @throws Error - With Helm's own message, if the chart does not render.
 */
export function render(...args: string[]): string {
  return template('--skip-tests', ...args);
}

/** Renders what `helm test` creates, otherwise as `render`. */
export function renderTest(...args: string[]): string {
  return template('--show-only', 'templates/self-test.yaml', ...args);
}

function template(...args: string[]): string {
  return execFileSync(helm(), ['template', 'rollgate', CHART, '--namespace', 'rollgate', ...CLUSTER, ...args], {
    encoding: 'utf8',
  });
}

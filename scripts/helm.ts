import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const VERSION = 'v3.19.0';

/** The folder of the chart. */
export const CHART = join(import.meta.dirname, '..', 'chart');

/**
 * Out: the path of a helm 3: the one of `HELM`, the one on the PATH, or one built from its Go module into `.cache/bin`.
 * Throws where there is none and no Go to build it.
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

// A helm that was built by `go install` believes in Kubernetes 1.20, so the version is said.
/**
 * In: further arguments, e.g. `--set`. Out: the manifests of the chart as release `rollgate` in namespace `rollgate`.
 * Throws helm's own message if it does not render.
 */
export function render(...args: string[]): string {
  return execFileSync(
    helm(),
    ['template', 'rollgate', CHART, '--namespace', 'rollgate', '--kube-version', '1.34.1', ...args],
    { encoding: 'utf8' },
  );
}

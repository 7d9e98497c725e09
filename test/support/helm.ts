import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import { CHART, helm } from '../../scripts/helm.ts';

/** What Helm printed. */
export interface HelmOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Renders what an installation creates with a values file, as release `rollgate` in namespace `rollgate` of a cluster
 * with cert-manager.
 */
export function template(values: string, ...args: readonly string[]): Promise<HelmOutput> {
  const cluster = ['--namespace', 'rollgate', '--api-versions', 'cert-manager.io/v1'];
  return run(['template', 'rollgate', CHART, '--skip-tests', ...cluster, ...args], values);
}

/** Runs `helm lint --strict` with a values file. */
export function lint(values: string): Promise<HelmOutput> {
  return run(['lint', CHART, '--strict', '--namespace', 'rollgate'], values);
}

/** Returns the objects in what `helm template` printed. */
export function renderedIn(stdout: string): readonly unknown[] {
  return parseAllDocuments(stdout)
    .map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0];
      return document.toJS() as unknown;
    })
    .filter((value) => value !== null);
}

async function run(args: readonly string[], values: string): Promise<HelmOutput> {
  const child = spawn(helm(), [...args, '--kube-version', '1.34.1', '--values', '-'], { stdio: 'pipe' });
  child.stdin.on('error', () => undefined);
  child.stdin.end(values);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code: code ?? -1, stdout, stderr };
}

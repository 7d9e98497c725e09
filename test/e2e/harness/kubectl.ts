import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stringify } from 'yaml';
import type { KubeObject } from '../../../src/world/object.ts';

/** The output of a command, and its exit code. */
export interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The ways in which Argo CD v3 writes a manifest (gitops-engine, pkg/utils/kube: apply, apply with
 * ServerSideApply=true, Replace=true, and the dry run of ServerSideDiff=true), by the name of its field manager.
 */
export const ARGO_CD_WAYS = {
  'client-side apply': ['apply', '--field-manager=argocd-controller'],
  'server-side apply': ['apply', '--server-side', '--force-conflicts', '--field-manager=argocd-controller'],
  replace: ['replace', '--field-manager=argocd-controller'],
  'server-side dry run': [
    'apply',
    '--server-side',
    '--force-conflicts',
    '--field-manager=argocd-controller',
    '--dry-run=server',
  ],
} as const;

/** The name of a way in which Argo CD writes. */
export type Way = keyof typeof ARGO_CD_WAYS;

// So many conflicts in a row are no accident.
const ATTEMPTS = 20;

/** kubectl as one user, with the plugin of Argo Rollouts on its path. */
export class Kubectl {
  readonly #command: string;
  readonly #kubeconfig: string;
  readonly #path: string;

  /**
   * @param command - The path of `kubectl`.
   * @param plugin - The path of `kubectl-argo-rollouts`.
   */
  constructor(command: string, plugin: string, kubeconfig: string) {
    this.#command = command;
    this.#kubeconfig = kubeconfig;
    this.#path = [dirname(plugin), process.env['PATH'] ?? ''].join(delimiter);
  }

  get kubeconfig(): string {
    return this.#kubeconfig;
  }

  /**
   * Runs kubectl. Returns its output and exit code, and does not reject if it fails. `kubectl replace` reads the version
   * of an object before it writes, so it runs again if a controller wrote in between.
   */
  async try(args: readonly string[], stdin = ''): Promise<Printed> {
    for (let attempt = 1; ; attempt++) {
      const printed = await this.#once(args, stdin);
      if (args[0] !== 'replace' || !isConflict(printed) || attempt === ATTEMPTS) return printed;
    }
  }

  async #once(args: readonly string[], stdin: string): Promise<Printed> {
    const env = {
      ...process.env,
      KUBECONFIG: this.#kubeconfig,
      // By default it remembers for minutes what kinds a port serves, and another control plane may have had that port.
      KUBECACHEDIR: join(dirname(this.#kubeconfig), 'kubectl-cache'),
      PATH: this.#path,
      KUBECTL_KUBERC: 'false',
      // It ends before it is worth to clean up.
      GOGC: 'off',
      GOMEMLIMIT: '512MiB',
    };
    const child = spawn(this.#command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    return { code: code ?? -1, stdout, stderr };
  }

  /** Runs kubectl as `try` does, and rejects with its output if it fails. */
  async run(args: readonly string[], stdin = ''): Promise<Printed> {
    const printed = await this.try(args, stdin);
    if (printed.code !== 0)
      throw new Error(`kubectl ${args.join(' ')} failed (${printed.code}):\n${printed.stderr}${printed.stdout}`);
    return printed;
  }

  /** Applies objects, and rejects with the output of kubectl if that fails. */
  apply(objects: readonly KubeObject[], way: Way = 'client-side apply', ...args: readonly string[]): Promise<Printed> {
    return this.run([...ARGO_CD_WAYS[way], ...args, '-f', '-'], yamlOf(objects));
  }
}

function isConflict({ code, stderr }: Printed): boolean {
  const failures = stderr.split('\n').filter((line) => line.startsWith('Error'));
  return code !== 0 && failures.length > 0 && failures.every((line) => line.includes('(Conflict)'));
}

/** Returns objects as YAML 1.1, as kubectl reads it: a bare `off` is not a string there. */
export function yamlOf(objects: readonly KubeObject[]): string {
  return objects.map((object) => stringify(object, { version: '1.1' })).join('---\n');
}

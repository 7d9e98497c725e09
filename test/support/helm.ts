import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import { POLICY_CATALOG } from '../../src/admission/policy-catalog.ts';
import { parsePolicy } from '../../src/policy/load.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { asString, dig } from '../../src/world/read.ts';
import { CHART, helm, KUBE_VERSION, render, template, templateArguments, type HelmOutput } from '../../scripts/helm.ts';

/**
 * Renders what an installation creates with a values file, as release `rollgate` in namespace `rollgate` of a cluster
 * with cert-manager.
 */
export function templateValues(values: string, ...args: readonly string[]): Promise<HelmOutput> {
  return run(templateArguments({}, '--skip-tests', ...args), values);
}

/** Runs `helm lint --strict` with a values file. */
export function lint(values = ''): Promise<HelmOutput> {
  return run(['lint', CHART, '--strict', '--namespace', 'rollgate', '--kube-version', KUBE_VERSION], values);
}

/** Returns the objects in what `helm template` printed. */
export function renderedIn(stdout: string): unknown[] {
  return parseAllDocuments(stdout)
    .map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0];
      return document.toJS() as unknown;
    })
    .filter((value) => value !== null);
}

/** Returns the objects that an installation creates; see `render`. */
export function objects(...args: readonly string[]): unknown[] {
  return renderedIn(render(...args));
}

/** Returns what Helm says about an installation that cannot be rendered, else the empty string. */
export function failure(...args: readonly string[]): string {
  return template({}, ...args).stderr;
}

/** Returns the first object of a kind and, if one is given, a name. */
export function objectOf(rendered: readonly unknown[], kind: string, name?: string): unknown {
  return rendered.find(
    (object) => dig(object, 'kind') === kind && (name === undefined || dig(object, 'metadata', 'name') === name),
  );
}

/**
 * Returns the policy among the objects, as Rollgate reads it.
 *
 * @throws Error - If it is invalid.
 */
export function policyIn(rendered: readonly unknown[]): Policy {
  const config = rendered.find((object) => dig(object, 'data', 'rollgate.yaml') !== undefined);
  const parsed = parsePolicy(asString(dig(config, 'data', 'rollgate.yaml')), POLICY_CATALOG);
  if (!parsed.ok) throw new Error(parsed.errors.join('; '));
  return parsed.policy;
}

async function run(args: readonly string[], values: string): Promise<HelmOutput> {
  const child = spawn(helm(), [...args, '--values', '-'], { stdio: 'pipe' });
  child.stdin.on('error', () => undefined);
  child.stdin.end(values);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code: code ?? -1, stdout, stderr };
}

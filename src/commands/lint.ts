import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { evaluateBundle } from '../admission/bundle.ts';
import { DEFAULT_POLICY, type Policy } from '../policy/policy.ts';
import { plain } from '../report/format.ts';
import { FORMAT_NAMES, formats, type FormatName } from '../report/index.ts';
import { RULES } from '../rules/index.ts';
import { bundleWorld } from '../world/manifests.ts';
import { parseVersion, rangeText, supportedRange, SUPPORTED_VERSIONS } from '../world/rollouts-versions.ts';
import type { World } from '../world/world.ts';
import type { ClusterOptions } from './cluster.ts';
import { readManifests } from './files.ts';
import { EXIT, type Io } from './io.ts';
import { noteOnSubstituted, substituterOf, type Substituter } from './substituted-findings.ts';
import { readErrorOf } from '../world/error.ts';

/** The options of `rollgate lint`. */
export interface LintOptions {
  /** Files, directories, glob patterns, `-` for standard input. */
  readonly paths: readonly string[];
  /** The namespace of objects that name none. */
  readonly namespace?: string | undefined;
  /** Whether a reference to something outside of the bundle is an error, to ConfigMaps and the like too. */
  readonly requireReferences?: boolean | undefined;
  /** The policy file; by default the built-in policy. */
  readonly policy?: string | undefined;
  /** The version of Argo Rollouts to judge for, in place of the policy's. */
  readonly rolloutsVersion?: string | undefined;
  readonly output?: FormatName | undefined;
  /** False where colours are off even on a terminal. */
  readonly color?: boolean | undefined;
  /** The world that the manifests are laid over; by default an empty one. */
  readonly base?: World | undefined;
}

/**
 * Runs `rollgate lint`. The report goes to `stdout`, everything else to `stderr`. Rejects only for a fault of Rollgate.
 *
 * @returns The exit code, the same for every format: 0 if nothing would be denied, 1 if something would, 2 if something
 * that was named could not be read or there was nothing to check.
 */
export async function runLint(options: LintOptions, io: Io): Promise<number> {
  const say = (sentence: string): void => {
    io.stderr.write(`rollgate lint: ${plain(sentence)}\n`);
  };
  const policy = await policyOf(options, io.cwd, say);
  if (policy === undefined) return EXIT.failed;
  const { manifests, notes, problems } = await readManifests(options.paths, io);
  for (const sentence of [...notes, ...problems]) say(sentence);
  if (manifests.objects.length === 0 && manifests.errors.length === 0) return EXIT.failed;

  const requireReferences = options.requireReferences ?? false;
  const substituters = new Set<Substituter>();
  const evaluated = evaluateBundle(manifests, {
    base: options.base ?? bundleWorld([], { complete: requireReferences }),
    rules: RULES,
    policy,
    namespace: options.namespace,
    requireReferences,
    isLeftOut: (finding) => {
      const substituter = substituterOf(finding);
      if (substituter !== undefined) substituters.add(substituter);
      return substituter !== undefined;
    },
  });
  for (const sentence of noteOnSubstituted(evaluated, substituters)) say(sentence);
  const { report } = evaluated;
  const color = io.isTTY && options.color !== false && (io.env['NO_COLOR'] ?? '') === '';
  io.stdout.write(formats[options.output ?? 'text'](report, { color }));
  if (problems.length > 0 || report.errors.length > 0) return EXIT.failed;
  return report.verdict === 'deny' ? EXIT.denied : EXIT.clean;
}

/** The options by which a command chooses its policy. */
export interface PolicyOptions {
  readonly policy?: string | undefined;
  readonly rolloutsVersion?: string | undefined;
}

/**
 * Returns the policy in a file, or the built-in one, with the version of Argo Rollouts that is given. Undefined after it
 * has said what is wrong with the file or the version.
 *
 * @param cwd - Where a relative path starts.
 */
export async function policyOf(
  { policy: file, rolloutsVersion: version }: PolicyOptions,
  cwd: string,
  say: (sentence: string) => void,
): Promise<Policy | undefined> {
  const policy = await policyIn(file, cwd, say);
  return policy === undefined ? undefined : withRolloutsVersion(policy, version, say);
}

/**
 * Returns the policy with another version of Argo Rollouts, if one is given. Undefined after it has said that it is none.
 */
export function withRolloutsVersion(
  policy: Policy,
  version: string | undefined,
  say: (sentence: string) => void,
): Policy | undefined {
  if (version === undefined) return policy;
  const named = parseVersion(version);
  if (named === undefined) {
    say(`--rollouts-version: "${version}" is not a version: use one such as 1.10 or 1.10.2`);
    return undefined;
  }
  if (supportedRange([named]).isClamped)
    say(
      `--rollouts-version: ${version} is not supported: checking for the nearest version of ${rangeText(SUPPORTED_VERSIONS)}`,
    );
  return { ...policy, controllers: { ...policy.controllers, version } };
}

async function policyIn(
  file: string | undefined,
  cwd: string,
  say: (sentence: string) => void,
): Promise<Policy | undefined> {
  if (file === undefined) return DEFAULT_POLICY;
  let text: string;
  try {
    text = readFileSync(resolve(cwd, file), 'utf8');
  } catch (error) {
    say(`${file}: ${readErrorOf(error)}`);
    return undefined;
  }
  // Most runs name no file. The schema of policies would take a sixth of their time to load.
  const [{ parsePolicy }, { POLICY_CATALOG }] = await Promise.all([
    import('../policy/load.ts'),
    import('../admission/policy-catalog.ts'),
  ]);
  const loaded = parsePolicy(text, POLICY_CATALOG);
  if (loaded.ok) return loaded.policy;
  for (const error of loaded.errors) say(`${file}: ${error}`);
  return undefined;
}

/**
 * Returns the command `rollgate lint`.
 *
 * @param exit - Called with the exit code.
 */
export function lintCommand(io: Io, exit: (code: number) => void): Command {
  return new Command('lint')
    .description('check manifests before you apply them')
    .argument('<path...>', 'files, directories, glob patterns, or - for standard input')
    .option('-n, --namespace <name>', 'the namespace of objects without one')
    .option('--require-references', 'report an error if a referenced object is not in the manifests')
    .option('--policy <file>', 'the policy file (default: the built-in policy)')
    .option('--rollouts-version <version>', 'check for this version of Argo Rollouts, such as 1.10 or 1.10.2')
    .option(
      '--cluster',
      'check the manifests together with the objects in the cluster, and report only problems that the manifests introduce',
    )
    .option('--kubeconfig <file>', 'with --cluster: the kubeconfig (default: what kubectl uses)')
    .option('--context <name>', 'with --cluster: the context in the kubeconfig (default: the current one)')
    .addOption(new Option('-o, --output <format>', 'the format of the report').choices(FORMAT_NAMES).default('text'))
    .option('--no-color', 'no colors, even on a terminal')
    .action(
      async (
        paths: string[],
        options: Omit<LintOptions, 'paths' | 'base'> & ClusterOptions & { readonly cluster?: boolean },
      ) => {
        if (options.cluster !== true) {
          exit(await runLint({ ...options, paths }, io));
          return;
        }
        const policy = await policyOf(
          options,
          io.cwd,
          (sentence) => void io.stderr.write(`rollgate lint: ${sentence}\n`),
        );
        if (policy === undefined) {
          exit(EXIT.failed);
          return;
        }
        const { readCluster } = await import('./cluster.ts');
        const cluster = await readCluster(options, policy);
        try {
          exit(await runLint({ ...options, paths, base: cluster.world }, io));
        } finally {
          await cluster.stop();
        }
      },
    );
}

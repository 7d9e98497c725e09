import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { foresee, type Forecast, type ForecastOptions, type Foreseen } from '../admission/migration/forecast.ts';
import { worldAfter, type Change } from '../admission/change.ts';
import { controllerAccounts } from '../cluster/controllers.ts';
import { OFF } from '../migration/annotations.ts';
import { withReplicas } from '../migration/render.ts';
import type { Policy } from '../policy/policy.ts';
import { count, plain } from '../report/format.ts';
import { RULES } from '../rules/index.ts';
import { largest } from '../world/extremes.ts';
import { bundleWorld, placeObjects } from '../world/manifests.ts';
import { nearest } from '../world/nearest.ts';
import { keyOf, kindOf, namespaceOf, type KubeObject } from '../world/object.ts';
import type { World } from '../world/world.ts';
import type { ClusterOptions } from './cluster.ts';
import { readManifests } from './files.ts';
import { EXIT, type Io } from './io.ts';
import { policyOf } from './lint.ts';

/** The options of `rollgate convert`. */
export interface ConvertOptions extends ClusterOptions {
  /** Files, directories, glob patterns, `-`. */
  readonly paths: readonly string[];
  readonly profile: string;
  readonly policy?: string;
  readonly namespace?: string;
  /** Report what prevents conversion instead of printing objects. */
  readonly plan?: boolean;
  /** Evaluate the Deployments of the cluster. */
  readonly cluster?: boolean;
  readonly output: 'text' | 'json';
}

const JUDGING = RULES.filter((rule) => !rule.lintOnly);

/**
 * Runs `rollgate convert`. Objects and plans go to `stdout`, everything else to `stderr`.
 *
 * @returns The exit code: 0 if every Deployment can be converted, or a plan was made; 1 if one that was to be printed
 * cannot be converted; 2 if something could not be read.
 */
export async function runConvert(options: ConvertOptions, io: Io): Promise<number> {
  const say = (sentence: string): void => {
    io.stderr.write(`rollgate convert: ${plain(sentence)}\n`);
  };
  if (options.profile === OFF) {
    say(`--profile: "${OFF}" is not a profile`);
    return EXIT.failed;
  }
  const policy = await policyOf({ policy: options.policy }, io.cwd, say);
  if (policy === undefined) return EXIT.failed;
  if (!Object.hasOwn(policy.profiles, options.profile)) {
    const known = Object.keys(policy.profiles).sort();
    const near = nearest(options.profile, known);
    const fix = near === undefined ? '' : `: use "${near}"`;
    say(`--profile: profile "${options.profile}" not found (available: ${known.join(', ') || 'none'})${fix}`);
    return EXIT.failed;
  }
  if (options.cluster === true) return overCluster(options, policy, io, say);
  const { manifests, notes, problems } = await readManifests(options.paths, io);
  for (const sentence of [
    ...notes,
    ...problems,
    ...manifests.errors.map(({ file, line, message }) => `${file}:${line}: ${message}`),
  ])
    say(sentence);
  const objects = placeObjects(manifests.objects, { namespace: options.namespace }).sources.map(({ object }) => object);
  const foreseen = foreseeAll(objects, {
    world: bundleWorld(objects),
    rules: JUDGING,
    policy,
    profile: options.profile,
    controllers: true,
    stored: false,
  });
  const unread = problems.length > 0 || manifests.errors.length > 0;
  if (foreseen.length === 0 && !unread) say('no Deployment found in these manifests');
  const failed = unread || foreseen.length === 0;
  const code = options.plan === true ? writePlan(foreseen, options, io) : writeObjects(foreseen, io, say);
  return failed ? EXIT.failed : code;
}

async function overCluster(
  options: ConvertOptions,
  policy: Policy,
  io: Io,
  say: (sentence: string) => void,
): Promise<number> {
  if (options.plan !== true) {
    say(
      '--cluster works only with --plan: add --plan. To convert a Deployment in the cluster, annotate it with rollgate.io/convert',
    );
    return EXIT.failed;
  }
  const { readCluster } = await import('./cluster.ts');
  const cluster = await readCluster(options, policy);
  try {
    const listing = cluster.world.list('Deployment.apps', options.namespace);
    if (listing.state === 'unknown') {
      say(`cannot read the Deployments: ${listing.reason}`);
      return EXIT.failed;
    }
    const controllers = controllersKnown(policy, cluster.world);
    return writePlan(
      foreseeAll(listing.objects, {
        world: cluster.world,
        rules: JUDGING,
        policy,
        profile: options.profile,
        controllers,
        stored: true,
      }),
      options,
      io,
    );
  } finally {
    await cluster.stop();
  }
}

function controllersKnown({ controllers }: Policy, world: World): boolean {
  return (
    controllers.accounts.length > 0 ||
    (controllers.discover && controllerAccounts(world, controllers.namespaces).trusted.length > 0)
  );
}

// One after the other: two that would get a Rollout of the same name, or share a Service that only one may have,
// prevent each other.
function foreseeAll(objects: readonly KubeObject[], options: ForecastOptions): Foreseen[] {
  const last = new Map(
    objects.filter((object) => kindOf(object) === 'Deployment.apps').map((object) => [keyOf(object), object]),
  );
  const made = new Map<string, Change[]>();
  return [...last.values()]
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map((deployment) => {
      const before = made.get(namespaceOf(deployment)) ?? [];
      const foreseen = foresee(deployment, { ...options, world: worldAfter(options.world, before) });
      const { forecast, plan } = foreseen;
      if (forecast.verdict === 'yes' && plan.kind === 'converts')
        made.set(namespaceOf(deployment), [...before, { before: plan.existing, after: plan.rollout }]);
      return foreseen;
    });
}

function writeObjects(foreseen: readonly Foreseen[], io: Io, say: (sentence: string) => void): number {
  const documents = foreseen.flatMap(({ plan, forecast, converted }) => {
    const where = `Deployment ${forecast.namespace}/${forecast.name}`;
    for (const line of forecast.advice) say(`${where}: ${line}`);
    if (forecast.verdict === 'yes' && plan.kind === 'converts')
      return [converted.patched, withReplicas(plan.rollout, plan.replicas)];
    if (forecast.reasons.length === 0) say(`${where} ${verdictText(forecast)}`);
    for (const reason of forecast.reasons)
      say(`${where} ${forecast.verdict === 'suspended' ? verdictText(forecast) : 'cannot be converted'}: ${reason}`);
    return [];
  });
  // kubectl reads YAML 1.1, in which a bare `off` is a boolean.
  io.stdout.write(documents.map((document) => stringify(document, { version: '1.1' })).join('---\n'));
  return foreseen.every(({ forecast }) => forecast.verdict === 'yes') ? EXIT.clean : EXIT.denied;
}

function writePlan(foreseen: readonly Foreseen[], { output }: ConvertOptions, io: Io): number {
  const forecasts = foreseen.map(({ forecast }) => forecast);
  io.stdout.write(output === 'json' ? `${JSON.stringify(forecasts, undefined, 2)}\n` : planText(forecasts));
  return EXIT.clean;
}

function planText(forecasts: readonly Forecast[]): string {
  const places = forecasts.map(({ namespace, name }) => `${namespace}/${name}`);
  const width = largest(places.map((place) => place.length)) ?? 0;
  const blocks = forecasts.map((forecast, index) => {
    const details = [...forecast.reasons, ...forecast.advice]
      .map((line) => `${' '.repeat(width + 2)}- ${plain(line)}\n`)
      .join('');
    return `${(places[index] ?? '').padEnd(width)}  ${verdictText(forecast)}\n${details}`;
  });
  const can = forecasts.filter(({ verdict }) => verdict === 'yes').length;
  if (blocks.length === 0) return '';
  return `${blocks.join('')}\n${can} of ${count(forecasts.length, 'Deployment')} can be converted\n`;
}

function verdictText({ verdict, profile, rollout, replicas }: Forecast): string {
  switch (verdict) {
    case 'converted':
      return 'is converted';
    case 'suspended':
      return `is not converted yet: its conversion is suspended (profile ${profile})`;
    case 'back':
      return 'is being converted back to a plain Deployment';
    case 'yes':
      return `can be converted: Rollout "${rollout}" with ${count(replicas ?? 0, 'pod')} (profile ${profile})`;
    case 'no':
      return `cannot be converted (profile ${profile})`;
    case 'mistake':
      return `needs a fix first (profile ${profile})`;
    case 'off':
      return 'opted out of conversion';
  }
}

type Given = Omit<ConvertOptions, 'paths'> & { readonly filename?: readonly string[] };

/**
 * Returns the command `rollgate convert`.
 *
 * @param exit - Called with the exit code.
 */
export function convertCommand(io: Io, exit: (code: number) => void): Command {
  return new Command('convert')
    .description('print the Rollouts that Deployments would become, and what prevents conversion')
    .argument('[path...]', 'files, directories, glob patterns, or - for standard input')
    .option('-f, --filename <path...>', 'more paths, the same as the path arguments')
    .option('--profile <name>', 'the profile for Deployments without one in their annotation or namespace', 'canary')
    .option('--plan', 'print no objects, only whether each Deployment can be converted, and what prevents it')
    .option('--cluster', 'with --plan: use the Deployments in the cluster of the current context')
    .option('--policy <file>', 'the policy file with the profiles (default: the built-in policy)')
    .option('-n, --namespace <name>', 'the namespace of objects without one; with --cluster: only this namespace')
    .option('--kubeconfig <file>', 'with --cluster: the kubeconfig (default: what kubectl uses)')
    .option('--context <name>', 'with --cluster: the context in the kubeconfig (default: the current one)')
    .addOption(new Option('-o, --output <format>', 'the format of the plan').choices(['text', 'json']).default('text'))
    .action(async (paths: string[], { filename = [], ...options }: Given) => {
      const all = [...paths, ...filename];
      if (all.length === 0 && options.cluster !== true) {
        io.stderr.write('rollgate convert: no path given: name files or directories, or use --plan --cluster\n');
        return exit(EXIT.failed);
      }
      exit(await runConvert({ ...options, paths: all }, io));
    });
}

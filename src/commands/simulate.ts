import { Command, Option } from 'commander';
import { DEFAULT_POLICY, worldUnder } from '../policy/policy.ts';
import { plain } from '../report/format.ts';
import { timelineText } from '../report/timeline/text.ts';
import { timelineSvg } from '../report/timeline/svg.ts';
import { replicaCounts } from '../timeline/replicas.ts';
import { TimelineError, type Timeline } from '../timeline/stage.ts';
import { timelineOf } from '../timeline/timeline.ts';
import { bundleWorld, placeObjects, type Manifests } from '../world/manifests.ts';
import { kindOf, type KubeObject } from '../world/object.ts';
import type { World } from '../world/world.ts';
import { readManifests } from './files.ts';
import { EXIT, type Io } from './io.ts';
import { withRolloutsVersion } from './lint.ts';

const FORMATS = ['text', 'json', 'svg'] as const;
const MOST_REPLICAS = 2 ** 31 - 1;

/** The options of `rollgate simulate`. */
export interface SimulateOptions {
  /** Files, directories, glob patterns, `-` for standard input. */
  readonly paths: readonly string[];
  /** The namespace of objects that name none. */
  readonly namespace?: string | undefined;
  /** The name of the only Rollout to show. */
  readonly rollout?: string | undefined;
  /** The number of pods, in place of that of the Rollout or its autoscaler. */
  readonly replicas?: string | undefined;
  /** The step at whose end the update is aborted, by its number from 1. */
  readonly abortAt?: string | undefined;
  readonly rolloutsVersion?: string | undefined;
  readonly output?: (typeof FORMATS)[number] | undefined;
  /** False where colours are off even on a terminal. */
  readonly color?: boolean | undefined;
}

/**
 * Runs `rollgate simulate`. The timelines go to `stdout`, everything else to `stderr`. Rejects only for a fault of Rollgate.
 *
 * @returns The exit code: 0 if every Rollout was shown, 2 if something could not be read or an option is wrong.
 */
export async function runSimulate(options: SimulateOptions, io: Io): Promise<number> {
  const say = (sentence: string): void => {
    io.stderr.write(`rollgate simulate: ${plain(sentence)}\n`);
  };
  const replicas = wholeNumber('--replicas', options.replicas, 0, say);
  const abortAt = wholeNumber('--abort-at', options.abortAt, 1, say);
  const policy = withRolloutsVersion(DEFAULT_POLICY, options.rolloutsVersion, say);
  if (replicas === null || abortAt === null || policy === undefined) return EXIT.failed;
  const { manifests, notes, problems } = await readManifests(options.paths, io);
  const errors = manifests.errors.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  for (const sentence of [...notes, ...problems, ...errors]) say(sentence);

  const objects = objectsOf(manifests, options.namespace);
  const rollouts = rolloutsIn(objects, options.rollout, say);
  if (rollouts.length === 0) return EXIT.failed;
  const world = worldUnder(policy, bundleWorld(objects));
  const timelines: Timeline[] = [];
  let isComplete = problems.length === 0 && errors.length === 0;
  for (const rollout of rollouts) {
    try {
      for (const timeline of timelinesOf(rollout, world, replicas, abortAt)) timelines.push(timeline);
    } catch (error) {
      if (!(error instanceof TimelineError)) throw error;
      say(`Rollout "${rollout.metadata.name}": ${error.message}`);
      isComplete = false;
    }
  }
  if (timelines.length > 0) io.stdout.write(written(timelines, options, io));
  return isComplete ? EXIT.clean : EXIT.failed;
}

function timelinesOf(
  rollout: KubeObject,
  world: World,
  replicas: number | undefined,
  abortAt: number | undefined,
): readonly Timeline[] {
  const counts = replicas === undefined ? replicaCounts(rollout, world) : [{ replicas, from: '--replicas' }];
  return counts.map((count) => timelineOf(rollout, world, count, abortAt));
}

function written(timelines: readonly Timeline[], { output, color }: SimulateOptions, io: Io): string {
  if (output === 'json') return `${JSON.stringify({ timelines }, undefined, 2)}\n`;
  if (output === 'svg') return timelineSvg(timelines);
  return timelineText(timelines, { color: io.isTTY && color !== false && (io.env['NO_COLOR'] ?? '') === '' });
}

function objectsOf(manifests: Manifests, namespace: string | undefined): readonly KubeObject[] {
  return placeObjects(manifests.objects, { namespace }).sources.map(({ object }) => object);
}

function rolloutsIn(
  objects: readonly KubeObject[],
  name: string | undefined,
  say: (sentence: string) => void,
): readonly KubeObject[] {
  const all = objects.filter((object) => kindOf(object) === 'Rollout.argoproj.io');
  const found = name === undefined ? all : all.filter(({ metadata }) => metadata.name === name);
  if (all.length === 0) say('there is no Rollout in the manifests');
  else if (found.length === 0)
    say(
      `--rollout: there is no Rollout "${name}": use ${all.map(({ metadata }) => `"${metadata.name}"`).join(' or ')}`,
    );
  return found;
}

// Undefined if it is not given, null after it has said that it is not a number.
function wholeNumber(
  option: string,
  text: string | undefined,
  least: number,
  say: (sentence: string) => void,
): number | undefined | null {
  if (text === undefined) return undefined;
  const number = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= MOST_REPLICAS) return number;
  say(`${option}: "${text}" is not a whole number from ${least} to ${MOST_REPLICAS}`);
  return null;
}

/**
 * Returns the command `rollgate simulate`.
 *
 * @param exit - Called with the exit code.
 */
export function simulateCommand(io: Io, exit: (code: number) => void): Command {
  return new Command('simulate')
    .description('show what an update of a Rollout will do, step by step')
    .argument('<path...>', 'files, directories, glob patterns, or - for standard input')
    .option('-n, --namespace <name>', 'the namespace of objects without one')
    .option('--rollout <name>', 'show only the Rollout with this name')
    .option('--replicas <number>', 'the number of pods (default: the bounds of the autoscaler, or spec.replicas)')
    .option('--abort-at <step>', 'also show an abort at the end of this step, counted from 1')
    .option('--rollouts-version <version>', 'as this version of Argo Rollouts does it, such as 1.10 or 1.10.2')
    .addOption(new Option('-o, --output <format>', 'the format').choices(FORMATS).default('text'))
    .option('--no-color', 'no colors, even on a terminal')
    .action(async (paths: string[], options: Omit<SimulateOptions, 'paths'>) => {
      exit(await runSimulate({ ...options, paths }, io));
    });
}

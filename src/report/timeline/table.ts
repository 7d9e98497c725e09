import { percent } from '../../timeline/notes.ts';
import type { Arrival, Stage, Timeline, Wait } from '../../timeline/stage.ts';
import { spanText } from '../../timeline/time-text.ts';

/** A stage in words, for every format. */
export interface StageRow {
  readonly step: string;
  readonly title: string;
  /** Empty without a router. */
  readonly weight: string;
  readonly traffic: string;
  readonly canary: string;
  readonly stable: string;
  readonly most: string;
  readonly wait: string;
}

/** Returns a stage in words. */
export function rowOf(stage: Stage, { arrival }: Timeline): StageRow {
  const { pods } = stage;
  return {
    step: stage.step === undefined ? '' : String(stage.step),
    title: stage.title,
    weight: arrival === 'router' && stage.weight !== undefined ? String(stage.weight) : '',
    traffic: percent(stage.traffic.canary),
    canary: pods.experiment === 0 ? String(pods.canary) : `${pods.canary}+${pods.experiment}`,
    stable: String(pods.stable),
    most: String(stage.mostPods),
    wait: waitText(stage.wait),
  };
}

function waitText(wait: Wait | undefined): string {
  if (wait === undefined) return '';
  if (wait.by === 'person') return 'a person';
  if (wait.by === 'plugin') return 'the plugin';
  if (wait.by === 'scale-down') return wait.shortest === undefined ? 'no scale-down' : `scale-down ${spanText(wait)}`;
  return wait.shortest === undefined && wait.longest === undefined ? wait.by : spanText(wait);
}

const ARRIVALS: Readonly<Record<Arrival, string>> = {
  router: 'A router sends requests by weight',
  pods: 'Requests are spread over all pods',
  'stable Service': 'Requests reach the stable pods only',
  'active Service': 'Requests go to the pods that the active Service selects',
};

/** Returns what a timeline is about, in one line. */
export function headingOf({ rollout, strategy, replicas, replicasFrom }: Timeline): string {
  const name = rollout.namespace === '' ? rollout.name : `${rollout.namespace}/${rollout.name}`;
  const kind = strategy === 'canary' ? 'canary' : 'blue-green';
  return `Rollout ${name}: ${kind}, ${replicas} ${replicas === 1 ? 'replica' : 'replicas'} (${replicasFrom})`;
}

/** Returns how requests reach the pods, as a sentence. */
function arrivalText({ arrival, maxWeight }: Timeline): string {
  return `${ARRIVALS[arrival]}${maxWeight === 100 ? '' : `, of ${maxWeight}`}.`;
}

/** Returns the most pods, the time of an update and who must act, a sentence each. */
function summaryOf({ stages, mostPods, time, abort }: Timeline): readonly string[] {
  const people = stages.flatMap(({ step, wait }) => (wait?.by === 'person' && step !== undefined ? [step] : []));
  // An abort may follow the stage that waits without end.
  const isStuck = stages.at(-1)?.notes.some(({ kind }) => kind === 'stuck') === true;
  const acts = people.length === 0 ? [] : [`A person must promote at ${named(people, ' and ')}.`];
  const most = `At most ${mostPods} ${mostPods === 1 ? 'pod' : 'pods'} at once.`;
  if (isStuck) return [most, 'The update never ends.'];
  const waits =
    time.longest === 0
      ? ['The update waits for pods only.']
      : time.longest === undefined && time.shortest === 0
        ? []
        : [`The steps take ${spanText(time)}, without the time in which pods become available.`];
  return [
    most,
    ...waits,
    ...acts,
    ...(abort === undefined ? [] : [`The second table shows an abort at the end of step ${abort.step}.`]),
  ];
}

function named(steps: readonly number[], last = ', '): string {
  return `${steps.length === 1 ? 'step' : 'steps'} ${rangesOf(steps).replace(/, (?=[^,]*$)/, last)}`;
}

// 1, 2, 3 and 5 are `1-3, 5`.
function rangesOf(steps: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const step of steps) {
    const range = ranges.at(-1);
    if (range?.[1] === step - 1) range[1] = step;
    else ranges.push([step, step]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
}

/** A line about stages. */
export interface NoteLine {
  readonly about: string;
  readonly text: string;
  readonly isProblem: boolean;
}

/** Returns what to know about the stages. What is true of several stages is said once. */
function noteLines(stages: readonly Stage[]): readonly NoteLine[] {
  const groups = Map.groupBy(
    stages.flatMap((stage) => notesOf(stage).map((note) => ({ stage, ...note }))),
    ({ text }) => text,
  );
  return [...groups.values()].map((notes) => {
    const steps = notes.flatMap(({ stage: { step } }) => step ?? []);
    const others = notes.flatMap(({ stage: { step, title } }) => (step === undefined ? [title] : []));
    const [{ text, isProblem } = { text: '', isProblem: false }] = notes;
    return { about: [...(steps.length === 0 ? [] : [named(steps)]), ...others].join(', '), text, isProblem };
  });
}

function notesOf({ wait, notes }: Stage): readonly Omit<NoteLine, 'about'>[] {
  const says = wait !== undefined && ['analysis', 'experiment'].includes(wait.by) && wait.text !== waitText(wait);
  const stays = wait?.by === 'scale-down' && wait.shortest === undefined;
  return [
    ...(says ? [{ text: `${wait.by}: ${wait.text}`, isProblem: false }] : []),
    ...(stays ? [{ text: wait.text, isProblem: false }] : []),
    ...notes.map(({ kind, text }) => ({ text, isProblem: kind !== 'fact' })),
  ];
}

/** Returns what is true of the whole update: what runs in the background, and notes on the Rollout. */
function generalLines({ background, notes }: Timeline): readonly NoteLine[] {
  return [
    ...background.map(({ templates, from, text }) => ({
      about: 'background',
      text: `analysis ${templates.join(', ')} from step ${from}: ${text}`,
      isProblem: false,
    })),
    ...notes.map((text) => ({ about: 'note', text, isProblem: false })),
  ];
}

/** A table of stages, with what to know about them. */
export interface Section {
  /** Undefined for the update itself, which comes first. */
  readonly title: string | undefined;
  readonly stages: readonly Stage[];
  readonly notes: readonly NoteLine[];
}

/** What every format shows of a timeline, from top to bottom. */
export interface Content {
  readonly heading: string;
  /** Sentences. */
  readonly summary: readonly string[];
  readonly sections: readonly Section[];
}

/** Returns what every format shows of a timeline. */
export function contentOf(timeline: Timeline): Content {
  const { stages, abort } = timeline;
  const update = { title: undefined, stages, notes: [...noteLines(stages), ...generalLines(timeline)] };
  return {
    heading: headingOf(timeline),
    summary: [arrivalText(timeline), ...summaryOf(timeline)],
    sections: [
      update,
      ...(abort === undefined
        ? []
        : [{ title: `Abort at the end of step ${abort.step}`, stages: abort.stages, notes: noteLines(abort.stages) }]),
    ],
  };
}

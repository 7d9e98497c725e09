import { styleText } from 'node:util';
import type { Stage, StagePods, Timeline } from '../../timeline/stage.ts';
import { plain } from '../format.ts';
import { contentOf, rowOf, type NoteLine, type StageRow } from './table.ts';

const WIDTH = 80;
const TITLE = 24;
const WAIT = 15;
const BAR = 32;
const CANARY = '█';
const EXPERIMENT = '▒';
const STABLE = '░';

/** Returns timelines for a terminal of 80 columns: a table, a chart of requests and pods, and what to know. */
export function timelineText(timelines: readonly Timeline[], { color }: { readonly color: boolean }): string {
  return `${timelines.map((timeline) => textOf(timeline, color)).join('\n\n')}\n`;
}

function textOf(timeline: Timeline, color: boolean): string {
  const { heading, summary, sections } = contentOf(timeline);
  const bold = (text: string): string => (color ? styleText('bold', text, { validateStream: false }) : text);
  const blocks = [
    [...wrapped('', heading).map(bold), ...summary.flatMap((line) => wrapped('', line))],
    ...sections.flatMap(({ title, stages, notes }) => [
      title === undefined ? [] : [bold(`${title}:`)],
      tableOf(stages, timeline),
      chartOf(stages, timeline),
      notesText(notes, color),
    ]),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function tableOf(stages: readonly Stage[], timeline: Timeline): readonly string[] {
  const [fresh, old] = timeline.strategy === 'canary' ? ['canary', 'stable'] : ['new', 'old'];
  const head: StageRow = {
    step: '',
    title: 'step',
    weight: timeline.arrival === 'router' ? 'weight' : '',
    traffic: `to ${fresh}`,
    canary: fresh,
    stable: old,
    most: 'most',
    wait: 'waits for',
  };
  return [head, ...stages.map((stage) => rowOf(stage, timeline))].map((row) =>
    lineOf(row, timeline.arrival === 'router'),
  );
}

function lineOf({ step, title, weight, traffic, canary, stable, most, wait }: StageRow, hasRouter: boolean): string {
  return [
    step.padStart(2),
    short(plain(title), TITLE).padEnd(TITLE),
    ...(hasRouter ? [weight.padStart(6)] : []),
    traffic.padStart(9),
    canary.padStart(6),
    stable.padStart(6),
    most.padStart(4),
    ` ${short(wait, WAIT)}`,
  ]
    .join(' ')
    .trimEnd();
}

// A bar for the requests and one for the pods of each stage, as long as the most pods that there ever are.
function chartOf(stages: readonly Stage[], { strategy, ...timeline }: Timeline): readonly string[] {
  const mostPods = stages.reduce((most, stage) => Math.max(most, stage.mostPods), timeline.mostPods);
  const [fresh, old] = strategy === 'canary' ? ['canary', 'stable'] : ['new', 'old'];
  const hasExperiment = stages.some(({ pods }) => pods.experiment > 0);
  const key = `${CANARY} ${fresh}  ${STABLE} ${old}${hasExperiment ? `  ${EXPERIMENT} experiment` : ''}`;
  return [
    `   ${'requests'.padEnd(BAR)}   pods (${key})`,
    ...stages.map(({ step, title, traffic, pods }) => {
      const label = step === undefined ? (title === 'before' ? '' : '·') : String(step);
      return `${label.padStart(2)} ${bar(traffic, 1)}   ${bar(pods, mostPods)}`.trimEnd();
    }),
  ];
}

function bar({ canary, experiment, stable }: StagePods, whole: number): string {
  if (whole === 0) return ' '.repeat(BAR);
  const end = (value: number): number => Math.min(BAR, Math.round((value / whole) * BAR));
  // What is there at all is seen.
  const first = canary > 0 ? Math.max(1, end(canary)) : 0;
  const second = Math.max(first + (experiment > 0 ? 1 : 0), end(canary + experiment));
  const third = Math.max(second, end(canary + experiment + stable));
  const drawn = CANARY.repeat(first) + EXPERIMENT.repeat(second - first) + STABLE.repeat(third - second);
  return drawn.slice(0, BAR).padEnd(BAR);
}

function notesText(lines: readonly NoteLine[], color: boolean): readonly string[] {
  return lines.flatMap(({ about, text, isProblem }) => {
    const rows = wrapped(`${about}: `, plain(text));
    return isProblem && color ? rows.map((row) => styleText('yellow', row, { validateStream: false })) : rows;
  });
}

function wrapped(start: string, text: string): readonly string[] {
  const lines: string[] = [];
  let line = start;
  for (const word of text.split(' ')) {
    if (line.length + word.length > WIDTH && line.trim() !== '' && line !== start) {
      lines.push(line.trimEnd());
      line = '  ';
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}

function short(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

import type { Stage, StagePods, Timeline } from '../../timeline/stage.ts';
import {
  arrivalText,
  generalLines,
  headingOf,
  noteLines,
  rowOf,
  summaryOf,
  type NoteLine,
  type StageRow,
} from './table.ts';

const WIDTH = 1000;
const MARGIN = 24;
const ROW = 26;
const LINE = 20;
// Where the columns of the table begin, from the left.
const COLUMN = {
  title: 52,
  weight: 290,
  requests: 310,
  requestsText: 480,
  pods: 550,
  podsText: 770,
  wait: 868,
} as const;
const REQUESTS = 160;
const PODS = 210;
const CHARACTERS = 130;
const TITLE = 29;

// Colors of text and of the bars differ enough in both, also for people who do not see red and green apart.
const STYLE = `
    .timeline { --text: #1f2328; --dim: #59636e; --paper: #ffffff; --rule: #d1d9e0; --canary: #b35900; --stable: #a8c7e8; --experiment: #6f42c1; --problem: #a40e26; }
    @media (prefers-color-scheme: dark) {
      .timeline { --text: #f0f6fc; --dim: #9198a1; --paper: #0d1117; --rule: #3d444d; --canary: #f0983e; --stable: #3b5f85; --experiment: #b392f0; --problem: #ff9492; }
    }
    .timeline text { font: 13px system-ui, sans-serif; fill: var(--text); }
    .timeline .heading { font-size: 16px; font-weight: 600; }
    .timeline .dim { fill: var(--dim); }
    .timeline .problem { fill: var(--problem); }
    .timeline .end { text-anchor: end; }
    .timeline .paper { fill: var(--paper); }
    .timeline .rule { stroke: var(--rule); }
    .timeline .canary { fill: var(--canary); }
    .timeline .stable { fill: var(--stable); }
    .timeline .experiment { fill: var(--experiment); }
  `;

/**
 * Returns timelines as one SVG image, with a row for each stage. Its text can be selected, and its description says the
 * same without bars.
 */
export function timelineSvg(timelines: readonly Timeline[]): string {
  const parts: string[] = [];
  let y = MARGIN;
  for (const timeline of timelines) {
    const drawn = drawTimeline(timeline, y);
    parts.push(drawn.text);
    y = drawn.y + MARGIN;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="timeline" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-labelledby="title description">`,
    `  <title id="title">${escaped(timelines.map(headingOf).join('; '))}</title>`,
    `  <desc id="description">${escaped(timelines.map(descriptionOf).join(' '))}</desc>`,
    `  <style>${STYLE}</style>`,
    `  <rect class="paper" width="${WIDTH}" height="${y}"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

interface Drawn {
  readonly text: string;
  /** Where the next part begins. */
  readonly y: number;
}

function drawTimeline(timeline: Timeline, top: number): Drawn {
  const lines: string[] = [];
  let y = top + 16;
  const say = (text: string, kind: string): void => {
    for (const row of folded(text)) {
      lines.push(textAt(MARGIN, y, row, kind));
      y += LINE;
    }
  };
  const tableOf = (stages: readonly Stage[]): void => {
    const drawn = drawTable(stages, timeline, y);
    lines.push(drawn.text);
    y = drawn.y + LINE;
  };
  const notes = (all: readonly NoteLine[]): void => {
    for (const { about, text, isProblem } of all) say(`${about}: ${text}`, isProblem ? 'problem' : 'dim');
  };
  say(headingOf(timeline), 'heading');
  say([arrivalText(timeline), ...summaryOf(timeline)].join(' '), 'dim');
  tableOf(timeline.stages);
  notes([...noteLines(timeline.stages), ...generalLines(timeline)]);
  if (timeline.abort !== undefined) {
    y += LINE;
    say(`Abort at the end of step ${timeline.abort.step}`, 'heading');
    tableOf(timeline.abort.stages);
    notes(noteLines(timeline.abort.stages));
  }
  return { text: lines.join('\n'), y };
}

function drawTable(stages: readonly Stage[], timeline: Timeline, top: number): Drawn {
  const [fresh, old] = timeline.strategy === 'canary' ? ['canary', 'stable'] : ['new', 'old'];
  const hasExperiment = stages.some(({ pods }) => pods.experiment > 0);
  const kinds = `${fresh}, ${hasExperiment ? 'experiment, ' : ''}${old}`;
  const head = [
    textAt(COLUMN.title, top, 'step', 'dim'),
    ...(timeline.arrival === 'router' ? [textAt(COLUMN.weight, top, 'weight', 'dim end')] : []),
    textAt(COLUMN.requests, top, `requests (${kinds})`, 'dim'),
    textAt(COLUMN.pods, top, `pods (${kinds}); most at once`, 'dim'),
    textAt(COLUMN.wait, top, 'waits for', 'dim'),
    `  <line class="rule" x1="${MARGIN}" x2="${WIDTH - MARGIN}" y1="${top + 8}" y2="${top + 8}"/>`,
  ];
  const rows = stages.map((stage, index) => drawRow(stage, timeline, top + (index + 1) * ROW));
  return { text: [...head, ...rows].join('\n'), y: top + (stages.length + 1) * ROW };
}

function drawRow(stage: Stage, timeline: Timeline, y: number): string {
  const row: StageRow = rowOf(stage, timeline);
  const pods = `${row.canary} / ${row.stable}; ${row.most}`;
  return [
    '  <g>',
    textAt(COLUMN.title - 8, y, row.step, 'dim end'),
    textAt(COLUMN.title, y, short(row.title), ''),
    ...(row.weight === '' ? [] : [textAt(COLUMN.weight, y, row.weight, 'end')]),
    ...bars(COLUMN.requests, y, REQUESTS, stage.traffic, 1),
    textAt(COLUMN.requestsText, y, row.traffic, ''),
    ...bars(COLUMN.pods, y, PODS, stage.pods, timeline.mostPods),
    textAt(COLUMN.podsText, y, pods, ''),
    textAt(COLUMN.wait, y, row.wait, ''),
    '  </g>',
  ].join('\n');
}

function bars(x: number, y: number, width: number, values: StagePods, whole: number): readonly string[] {
  let start = x;
  const drawn: string[] = [];
  for (const kind of ['canary', 'experiment', 'stable'] as const) {
    // A weight may be higher than the whole, by mistake.
    const length = whole === 0 ? 0 : Math.min((values[kind] / whole) * width, x + width - start);
    if (length <= 0) continue;
    drawn.push(`  <rect class="${kind}" x="${rounded(start)}" y="${y - 12}" width="${rounded(length)}" height="14"/>`);
    start += length;
  }
  return drawn;
}

function descriptionOf(timeline: Timeline): string {
  const rows = (stages: readonly Stage[]): string =>
    stages
      .map((stage) => {
        const { step, title, traffic, canary, stable, wait } = rowOf(stage, timeline);
        const name = step === '' ? title : `Step ${step}, ${title}`;
        const [fresh, old] = timeline.strategy === 'canary' ? ['canary', 'stable'] : ['new', 'old'];
        return `${name}: ${traffic} of the requests to ${fresh}, ${canary} ${fresh} and ${stable} ${old} pods${wait === '' ? '' : `, waits for ${wait}`}.`;
      })
      .join(' ');
  const abort =
    timeline.abort === undefined
      ? ''
      : ` After an abort at step ${timeline.abort.step}: ${rows(timeline.abort.stages)}`;
  return `${headingOf(timeline)}. ${rows(timeline.stages)}${abort}`;
}

function textAt(x: number, y: number, text: string, kind: string): string {
  return text === '' ? '' : `  <text x="${x}" y="${y}"${kind === '' ? '' : ` class="${kind}"`}>${escaped(text)}</text>`;
}

function folded(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length > CHARACTERS) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function short(text: string): string {
  return text.length <= TITLE ? text : `${text.slice(0, TITLE - 1)}…`;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

// XML has no way to write control characters.
function escaped(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, '�')
    .replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '');
}

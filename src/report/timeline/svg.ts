import type { Stage, StagePods, Timeline } from '../../timeline/stage.ts';
import { contentOf, headingOf, rowOf, type StageRow } from './table.ts';

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
  podsText: 720,
  wait: 868,
} as const;
const REQUESTS = 160;
const PODS = 160;
// As many as there is room for, in the wider of the usual fonts.
const CHARACTERS = 115;
const HEADING_CHARACTERS = 85;
const TITLE = 29;
const KEY = 105;

// Colors of text and of the bars differ enough in both, also for people who do not see red and green apart.
const LIGHT = {
  text: '#1f2328',
  dim: '#59636e',
  paper: '#ffffff',
  rule: '#d1d9e0',
  canary: '#b35900',
  stable: '#a8c7e8',
  experiment: '#6f42c1',
  problem: '#a40e26',
};
const DARK: typeof LIGHT = {
  text: '#f0f6fc',
  dim: '#9198a1',
  paper: '#0d1117',
  rule: '#3d444d',
  canary: '#f0983e',
  stable: '#3b5f85',
  experiment: '#b392f0',
  problem: '#ff9492',
};
// Without CSS variables, because what is not a browser draws all of them black.
const STYLE = `
    .timeline text { font: 13px system-ui, sans-serif; }
    .timeline .heading { font-size: 16px; font-weight: 600; }
    .timeline .end { text-anchor: end; }
${colors(LIGHT, '    ')}
    @media (prefers-color-scheme: dark) {
${colors(DARK, '      ')}
    }
  `;

function colors({ text, rule, ...fills }: typeof LIGHT, indent: string): string {
  return [
    `.timeline text { fill: ${text}; }`,
    `.timeline .rule { stroke: ${rule}; }`,
    ...Object.entries(fills).map(([name, color]) => `.timeline .${name} { fill: ${color}; }`),
  ]
    .map((line) => `${indent}${line}`)
    .join('\n');
}

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
    for (const row of folded(text, kind === 'heading' ? HEADING_CHARACTERS : CHARACTERS)) {
      lines.push(textAt(MARGIN, y, row, kind));
      y += LINE;
    }
  };
  const { heading, summary, sections } = contentOf(timeline);
  say(heading, 'heading');
  say(summary.join(' '), 'dim');
  for (const { title, stages, notes } of sections) {
    if (title !== undefined) {
      y += LINE;
      say(title, 'heading');
    }
    const drawn = drawTable(stages, timeline, y);
    lines.push(drawn.text);
    y = drawn.y + LINE;
    for (const { about, text, isProblem } of notes) say(`${about}: ${text}`, isProblem ? 'problem' : 'dim');
  }
  return { text: lines.join('\n'), y };
}

function drawTable(stages: readonly Stage[], timeline: Timeline, top: number): Drawn {
  const [fresh, old] = timeline.strategy === 'canary' ? ['canary', 'stable'] : ['new', 'old'];
  const hasExperiment = stages.some(({ pods }) => pods.experiment > 0);
  const y = top + LINE;
  const head = [
    keyAt(COLUMN.requests, top, [
      ['canary', fresh],
      ...(hasExperiment ? ([['experiment', 'experiment']] as const) : []),
      ['stable', old],
    ]),
    textAt(COLUMN.title, y, 'step', 'dim'),
    ...(timeline.arrival === 'router' ? [textAt(COLUMN.weight, y, 'weight', 'dim end')] : []),
    textAt(COLUMN.requests, y, 'requests', 'dim'),
    textAt(COLUMN.requestsText, y, `to ${fresh}`, 'dim'),
    textAt(COLUMN.pods, y, 'pods', 'dim'),
    textAt(COLUMN.podsText, y, `${fresh} / ${old}; most`, 'dim'),
    textAt(COLUMN.wait, y, 'waits for', 'dim'),
    `  <line class="rule" x1="${MARGIN}" x2="${WIDTH - MARGIN}" y1="${y + 8}" y2="${y + 8}"/>`,
  ];
  const rows = stages.map((stage, index) => drawRow(stage, timeline, y + (index + 1) * ROW));
  return { text: [...head, ...rows].join('\n'), y: y + (stages.length + 1) * ROW };
}

// What the colors of the bars mean.
function keyAt(x: number, y: number, kinds: readonly (readonly [kind: keyof StagePods, name: string])[]): string {
  return kinds
    .flatMap(([kind, name], index) => {
      const left = x + index * KEY;
      return [
        `  <rect class="${kind}" x="${left}" y="${y - 10}" width="11" height="11"/>`,
        textAt(left + 17, y, name, 'dim'),
      ];
    })
    .join('\n');
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

function folded(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  // A long name has no place to break.
  const words = text.split(' ').flatMap((word) => word.match(new RegExp(`.{1,${width}}`, 'gsu')) ?? [word]);
  for (const word of words) {
    if (line !== '' && line.length + word.length > width) {
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

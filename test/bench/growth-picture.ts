import type { GrowthFigure } from './growth.ts';

const WIDTH = 640;
const HEIGHT = 300;
const LEFT = 72;
const RIGHT = 16;
const TOP = 28;
const BOTTOM = 36;
const LEAST = 0.1;
const MOST = 10_000;

/**
 * Draws how times grow, both axes logarithmic: a line for each figure, and a dashed one for time that grows as the size
 * does.
 *
 * @param sizes - The sizes of the times, in ascending order.
 */
export function growthPicture(sizes: readonly number[], figures: readonly GrowthFigure[]): string {
  const [first = 1, last = 1] = [sizes[0], sizes.at(-1)];
  const x = (size: number): number => scale(size, first, last, LEFT, WIDTH - RIGHT);
  const y = (milliseconds: number): number => scale(milliseconds, LEAST, MOST, HEIGHT - BOTTOM, TOP);
  const line = (points: readonly (readonly [size: number, milliseconds: number])[], style: string): string =>
    `<polyline fill="none" ${style} points="${points.map(([size, ms]) => `${x(size)},${y(ms)}`).join(' ')}"/>`;
  const text = (at: readonly [number, number], content: string, anchor = 'middle'): string =>
    `<text x="${at[0]}" y="${at[1]}" text-anchor="${anchor}">${content}</text>`;
  const decades = Array.from({ length: Math.log10(MOST / LEAST) + 1 }, (_, index) => LEAST * 10 ** index);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    '<title>Time of one evaluation by size</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...decades.flatMap((ms) => [
      line(
        [
          [first, ms],
          [last, ms],
        ],
        'stroke="#ddd"',
      ),
      text([LEFT - 6, y(ms) + 4], `${ms.toLocaleString('en')} ms`, 'end'),
    ]),
    ...sizes.map((size) => text([x(size), HEIGHT - BOTTOM + 20], size.toLocaleString('en'))),
    ...figures.map(({ milliseconds }) =>
      line(
        sizes.flatMap((size, index) => [[size, Math.max(milliseconds[index] ?? LEAST, LEAST)] as const]),
        'stroke="#326ce5" stroke-opacity="0.6" stroke-width="1.5"',
      ),
    ),
    line(
      [
        [first, 10],
        [last, (10 * last) / first],
      ],
      'stroke="#c33" stroke-width="2" stroke-dasharray="6 4"',
    ),
    text([LEFT, 16], 'each line: one row of the table; dashed: as steep as the size itself', 'start'),
    '</svg>',
    '',
  ].join('\n');
}

function scale(value: number, least: number, most: number, from: number, to: number): number {
  return Math.round(from + (Math.log(value / least) / Math.log(most / least)) * (to - from));
}

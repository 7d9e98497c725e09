import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { measureApiServer } from './api-server.ts';
import { measureBounds } from './bounds.ts';
import { measureCold } from './cold.ts';
import { count, QUICK } from './counts.ts';
import { machine, type Data } from './data.ts';
import { measureEngine } from './engine.ts';
import { growthPicture } from './growth-picture.ts';
import { measureGrowth, SIZES } from './growth.ts';
import { page, SECTIONS } from './page.ts';
import { measureSemiSpaces } from './semi-space.ts';
import { measureServers } from './server.ts';
import { NotQuietError } from './statistics.ts';
import { measureWhere } from './where.ts';

// Measures, stores the figures in docs/performance.json, and writes docs/performance.md from them. It takes about ten
// minutes on a machine that does nothing else; on one that does, it says so and writes nothing. The first run also builds
// Kyverno. Options name parts to measure alone; the figures of the other parts stay. `--render` only writes the page.
// BENCH_QUICK=1 tries it without writing anything.

const ROOT = join(import.meta.dirname, '..', '..');
const DATA = join(ROOT, 'docs', 'performance.json');
const PAGE = join(ROOT, 'docs', 'performance.md');
const PICTURE = join(ROOT, 'docs', 'images', 'growth.svg');

const ROLLOUTS = count(10_000, 200);

type Part = keyof typeof SECTIONS;

// The servers first: what they take turns with is this process, which is smallest at the beginning.
const PARTS: { readonly [P in Part]: { readonly option: string; measure(): Promise<Data[P]> } } = {
  server: { option: '--server', measure: () => measureServers(ROLLOUTS) },
  where: { option: '--where', measure: () => measureWhere(ROLLOUTS) },
  semiSpaces: { option: '--semi-space', measure: () => measureSemiSpaces(ROLLOUTS) },
  cold: { option: '--cold', measure: measureCold },
  engine: { option: '--engine', measure: () => measureEngine([10, ROLLOUTS]) },
  bounds: { option: '--bounds', measure: () => measureBounds() },
  growth: { option: '--growth', measure: () => Promise.resolve(measureGrowth()) },
  apiServer: { option: '--api-server', measure: measureApiServer },
};

async function measurePart<P extends Part>(part: P): Promise<Partial<Data>> {
  const begin = performance.now();
  const figures = await PARTS[part].measure();
  console.log(`${SECTIONS[part](figures)}\n(${Math.round((performance.now() - begin) / 1000)} s)\n`);
  return { [part]: figures };
}

function isWhole(data: Partial<Data>): data is Data {
  return (Object.keys(PARTS) as Part[]).every((part) => data[part] !== undefined);
}

async function writePage(data: Data): Promise<void> {
  mkdirSync(dirname(PICTURE), { recursive: true });
  writeFileSync(PICTURE, growthPicture(SIZES, data.growth));
  writeFileSync(PAGE, await format(page(data), { ...(await resolveConfig(PAGE)), filepath: PAGE }));
}

async function run(options: readonly string[]): Promise<void> {
  const known = ['--render', ...Object.values(PARTS).map(({ option }) => option)];
  const unknown = options.filter((option) => !known.includes(option));
  if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(' ')}; there are ${known.join(' ')}`);
  const parts = (Object.keys(PARTS) as Part[]).filter(
    (part) => options.length === 0 || options.includes(PARTS[part].option),
  );
  let fresh: Partial<Data> = {};
  for (const part of parts) fresh = { ...fresh, ...(await measurePart(part)) };
  if (QUICK) return;
  const stored = existsSync(DATA) ? (JSON.parse(readFileSync(DATA, 'utf8')) as Partial<Data>) : {};
  const data = { ...stored, ...(parts.length === 0 ? {} : machine()), ...fresh };
  if (!isWhole(data)) {
    console.log('no page is written: it needs the figures of all parts, which a run without options measures');
    return;
  }
  if (parts.length > 0) writeFileSync(DATA, `${JSON.stringify(data, undefined, 2)}\n`);
  await writePage(data);
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof NotQuietError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

import { Session } from 'node:inspector';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countingBuiltIns } from './built-ins.ts';

// V8 counts the blocks of a script only if it compiled the script after counting began, so this starts at import.
// Import this module before any source.
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

const SOURCES = join(import.meta.dirname, '..', '..', 'src') + sep;
/** Begins the names of functions that are not in the sources. */
export const BUILT_IN = 'built-in';

/** How often each part of the code was executed: blocks of the sources by function and place, and steps of built-ins. */
export interface Operations {
  readonly total: number;
  readonly parts: ReadonlyMap<string, number>;
  /** How often the most executed block of each function was, and each built-in. */
  readonly functions: ReadonlyMap<string, number>;
}

/**
 * Runs functions and counts the work of each without a clock: V8 counts every execution of every block of the sources. It
 * cannot see inside built-ins, so their steps are counted by wrappers. The count is the same on every machine.
 */
export function countOperations<const Runs extends readonly (() => void)[]>(
  ...runs: Runs
): { readonly [Index in keyof Runs]: Operations } {
  takeCoverage();
  return runs.map(countOne) as { readonly [Index in keyof Runs]: Operations };
}

function countOne(run: () => void): Operations {
  const builtIns = countingBuiltIns(run);
  const parts = new Map<string, number>();
  const inFunctions = new Map<string, number>();
  for (const { url, functions } of takeCoverage()) {
    const path = url.startsWith('file://') ? fileURLToPath(url) : url;
    if (!path.startsWith(SOURCES)) continue;
    for (const { functionName, ranges } of functions) {
      const start = ranges[0]?.startOffset ?? 0;
      for (const { startOffset, count } of ranges) {
        if (count === 0) continue;
        const name = `${path.slice(SOURCES.length)} ${functionName} @`;
        parts.set(`${name}${startOffset}`, (parts.get(`${name}${startOffset}`) ?? 0) + count);
        inFunctions.set(`${name}${start}`, Math.max(inFunctions.get(`${name}${start}`) ?? 0, count));
      }
    }
  }
  for (const [name, steps] of builtIns) {
    parts.set(`${BUILT_IN} ${name}`, steps);
    inFunctions.set(`${BUILT_IN} ${name}`, steps);
  }
  let total = 0;
  for (const count of parts.values()) total += count;
  return { total, parts, functions: inFunctions };
}

/** Returns the parts whose counts grew most from one run to another, as lines for a failed assertion. */
export function growthOf(few: Operations, many: Operations): string[] {
  return [...many.parts]
    .map(([part, count]) => ({ part, before: few.parts.get(part) ?? 0, count }))
    .toSorted((a, b) => b.count - b.before * 4 - (a.count - a.before * 4))
    .slice(0, 12)
    .map(({ part, before, count }) => `${before} -> ${count} ${part}`);
}

interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly functionName: string;
    readonly ranges: readonly { readonly startOffset: number; readonly count: number }[];
  }[];
}

// The session is in this thread, so it answers before `post` returns.
function takeCoverage(): readonly ScriptCoverage[] {
  let result: readonly ScriptCoverage[] | undefined;
  session.post('Profiler.takePreciseCoverage', (error, answer) => {
    if (error !== null) throw error;
    result = answer.result;
  });
  if (result === undefined) throw new Error('V8 did not answer');
  return result;
}

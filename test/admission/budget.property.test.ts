import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeOf, type Change } from '../../src/admission/change.ts';
import { decideFindings, decisionContextOf } from '../../src/admission/decisions.ts';
import { findIntroduced } from '../../src/admission/introduced.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { Budget } from '../../src/rules/budget.ts';
import { finish } from '../../src/rules/engine.ts';
import { identity } from '../../src/rules/finding.ts';
import { RULES } from '../../src/rules/index.ts';
import { keyOf, type KubeObject } from '../../src/world/object.ts';
import { isObject } from '../../src/world/read.ts';
import { storeOf } from '../../src/world/store.ts';
import { objectsIn } from '../support/gate.ts';
import { fixturesIn } from '../support/snapshots.ts';

const CASES = Number(process.env['BUDGET_CASES'] ?? 2_000);

const RULES_FOLDER = join(import.meta.dirname, '../../src/rules');
const GATE_RULES = RULES.filter(({ lintOnly }) => !lintOnly);

// Every set-up that a rule is documented with. All have their objects in few namespaces, so two of them mix well.
const FIXTURES: readonly (readonly KubeObject[])[] = readdirSync(RULES_FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => {
    const folder = join(RULES_FOLDER, name, 'fixtures');
    return fixturesIn(folder).map((file) => join(folder, file));
  })
  .filter((path) => readFileSync(path, 'utf8').length < 20_000)
  .map((path) => objectsIn(path));

/** What the world is like, what is changed in it, and what may be spent on that. All numbers pick from what there is. */
interface Case {
  readonly fixtures: readonly number[];
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly object: number;
  /** In the stored object, and then in the submitted one. */
  readonly stored: readonly Edit[];
  readonly submitted: readonly Edit[];
  readonly operations: number;
  readonly operationsOfCheck: number;
  readonly values: number;
  readonly subjects: number;
  /** How often the clock is read before the time is over. */
  readonly readings: number;
}

interface Edit {
  readonly place: number;
  readonly how: 'remove' | 'repeat' | 'other value';
}

const edit: fc.Arbitrary<Edit> = fc.record({
  place: fc.nat(),
  how: fc.constantFrom('remove', 'repeat', 'other value'),
});
const few = (most: number): fc.Arbitrary<number> => fc.oneof(fc.nat(most), fc.constant(Infinity));
const cases: fc.Arbitrary<Case> = fc.record({
  fixtures: fc.array(fc.nat(FIXTURES.length - 1), { minLength: 1, maxLength: 2 }),
  operation: fc.constantFrom('CREATE', 'UPDATE', 'UPDATE', 'UPDATE', 'DELETE'),
  object: fc.nat(),
  stored: fc.array(edit, { maxLength: 2 }),
  submitted: fc.array(edit, { maxLength: 3 }),
  operations: few(400),
  operationsOfCheck: few(12),
  values: fc.oneof(fc.nat(60), fc.constant(Infinity), fc.constant(Infinity)),
  subjects: few(4),
  readings: few(8),
});

type Place = readonly (string | number)[];

function placesIn(value: unknown, at: Place = []): Place[] {
  if (Array.isArray(value))
    return value.flatMap((item: unknown, index) => [[...at, index], ...placesIn(item, [...at, index])]);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...at, key], ...placesIn(inner, [...at, key])]);
}

function edited(object: KubeObject, edits: readonly Edit[]): KubeObject {
  const copy = structuredClone(object) as unknown as Record<string, unknown>;
  for (const { place, how } of edits) {
    const places = placesIn(copy['spec'], ['spec']);
    const path = places[place % Math.max(places.length, 1)];
    if (path !== undefined) change(copy, path, how, place);
  }
  return copy as unknown as KubeObject;
}

function change(root: unknown, path: Place, how: Edit['how'], seed: number): void {
  let holder = root as Record<string | number, unknown>;
  for (const part of path.slice(0, -1)) holder = holder[part] as Record<string | number, unknown>;
  const last = path.at(-1) as string | number;
  const value = holder[last];
  if (Array.isArray(holder)) {
    if (how === 'remove') holder.splice(Number(last), 1);
    else if (how === 'repeat') holder.splice(Number(last), 0, structuredClone(value));
    else holder[Number(last)] = other(value, seed);
  } else if (how === 'remove') delete holder[last];
  else
    holder[last] =
      how === 'repeat' && Array.isArray(value)
        ? [...(value as unknown[]), ...structuredClone(value as unknown[])]
        : other(value, seed);
}

function other(value: unknown, seed: number): unknown {
  if (typeof value === 'number') return [value + 1, 0, 120, -1][seed % 4];
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'string') return [`${value}-x`, '', `{{args.${value}}}`, 7][seed % 4];
  return [{}, [], null, 'text'][seed % 4];
}

interface SetUp {
  readonly world: readonly KubeObject[];
  readonly change: Change;
}

// New objects each time, so that nothing is cached on them.
function setUpOf({ fixtures, operation, object, stored, submitted }: Case): SetUp | undefined {
  const objects = structuredClone(fixtures.flatMap((index) => FIXTURES[index] ?? []));
  const chosen = objects[object % Math.max(objects.length, 1)];
  if (chosen === undefined) return undefined;
  const before = operation === 'CREATE' ? undefined : edited(chosen, stored);
  const after = operation === 'DELETE' ? undefined : edited(before ?? chosen, submitted);
  const others = objects.filter((other) => keyOf(other) !== keyOf(chosen));
  return {
    world: before === undefined ? others : [...others, before],
    change: changeOf({ object: after, oldObject: before }),
  };
}

interface Seen {
  readonly denied: readonly string[];
  readonly all: readonly string[];
  readonly unfinished: boolean;
}

function seen({ world, change }: SetUp, budget: Budget): Seen {
  const store = storeOf(world);
  const { findings, skipped } = finish(findIntroduced(store, [change], GATE_RULES, budget));
  const decided = decideFindings(findings, [change], decisionContextOf(DEFAULT_POLICY, store, false));
  return {
    denied: decided.filter(({ decision }) => decision === 'deny').map(({ finding }) => identity(finding)),
    all: findings.map(identity).sort(),
    // An object of another namespace that is too large is skipped without a word to the user.
    unfinished: skipped.some(
      ({ unfinished, reason }) => unfinished !== undefined || reason.startsWith('could not be checked'),
    ),
  };
}

function budgetOf({ operations, operationsOfCheck, values, subjects, readings }: Case): Budget {
  let read = 0;
  return new Budget({ operations, operationsOfCheck, values, subjects, expired: () => ++read > readings });
}

/** Returns the entries that are more often in the first list than in the second. */
function without(first: readonly string[], second: readonly string[]): string[] {
  const left = [...second];
  return first.filter((entry) => {
    const index = left.indexOf(entry);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

describe('for any budget and edit', () => {
  it(
    'what is denied is a part of what is denied without one',
    () => {
      const counts = { deniedWithout: 0, hidden: 0, deniedWithin: 0, finished: 0 };
      fc.assert(
        fc.property(cases, (drawn) => {
          const setUp = setUpOf(drawn);
          const fresh = setUpOf(drawn);
          if (setUp === undefined || fresh === undefined) return;
          const within = seen(setUp, budgetOf(drawn));
          const full = seen(fresh, new Budget());
          expect(without(within.denied, full.denied)).toEqual([]);
          // What was not finished is neither kept as if it were nor in the way of the next request.
          const again = seen(setUp, new Budget());
          expect(again.all).toEqual(full.all);
          if (!within.unfinished) expect(within.all).toEqual(full.all);
          if (full.denied.length > 0) counts.deniedWithout++;
          if (without(full.denied, within.denied).length > 0) counts.hidden++;
          if (within.denied.length > 0 && within.unfinished) counts.deniedWithin++;
          if (!within.unfinished) counts.finished++;
        }),
        { numRuns: CASES },
      );
      // Else the property would say little.
      for (const count of Object.values(counts)) expect(count).toBeGreaterThan(CASES / 100);
    },
    60_000 + CASES * 20,
  );
});

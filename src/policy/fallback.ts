import { isObject } from '../world/read.ts';
import { checkPolicy, readPolicy, type PolicyCatalog } from './load.ts';
import { DEFAULT_POLICY, type Policy } from './policy.ts';
import { POLICY_SCHEMA, SETTINGS } from './schema.ts';

/**
 * Returns the policy of a process that has not read a valid one yet. It denies nothing and converts nothing. What the
 * invalid policy says about exemptions, controllers, namespaces and keeps stays in force if all of that is valid.
 * Otherwise nothing is kept: a keep where the policy forbids it could change what a controller writes.
 *
 * @param text - The invalid policy. Undefined if there is none.
 */
export function fallbackPolicy(text: string | undefined, known: PolicyCatalog): Policy {
  const keeping = text === undefined ? undefined : whatDecidesKeeps(text, known);
  const keeps = Object.fromEntries(known.keeps.map((id) => [id, 'off'] as const));
  return { ...(keeping ?? { ...DEFAULT_POLICY, keeps }), mode: 'audit', conversion: 'off', isFallback: true };
}

/** Reports whether a fallback policy keeps anything. */
export function isKeeping({ keeps }: Policy, known: PolicyCatalog): boolean {
  return known.keeps.some((id) => keeps[id] !== 'off');
}

function whatDecidesKeeps(text: string, known: PolicyCatalog): Policy | undefined {
  const read = readPolicy(text);
  if (!read.ok || !isObject(read.value)) return undefined;
  // A key that is left may be a misspelt one of those that matter, so it is an error here too.
  if (hasMisplaced(read.value)) return undefined;
  const rest = withoutDecisions(read.value);
  const overrides = rest['overrides'];
  const checked = checkPolicy(
    Array.isArray(overrides) ? { ...rest, overrides: overrides.map(withoutDecisions) } : rest,
    known,
  );
  return checked.ok ? checked.policy : undefined;
}

// What is left decides where and for whom something is kept.
const DECISIONS: ReadonlySet<string> = new Set([
  ...SETTINGS.filter((key) => key !== 'keeps'),
  'profiles',
  'reconcilers',
]);

const DECIDES_KEEPS: ReadonlySet<string> = new Set(
  Object.keys(POLICY_SCHEMA.shape).filter((key) => !DECISIONS.has(key)),
);

/** Reports whether what is left out contains a part that matters, such as `keeps` with the indentation of a rule. */
function hasMisplaced(value: unknown, isLeftOut = false): boolean {
  if (Array.isArray(value)) return value.some((entry) => hasMisplaced(entry, isLeftOut));
  if (!isObject(value)) return false;
  return Object.entries(value).some(
    ([key, inner]) => (isLeftOut && DECIDES_KEEPS.has(key)) || hasMisplaced(inner, isLeftOut || DECISIONS.has(key)),
  );
}

function withoutDecisions<T>(value: T): T {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !DECISIONS.has(key))) as T;
}

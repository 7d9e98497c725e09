import { isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';
import type { z } from 'zod';
import { isDnsLabel } from '../world/names.ts';
import { nearest } from '../world/nearest.ts';
import { DEFAULT_POLICY, type Override, type Policy } from './policy.ts';
import type { Profile } from '../migration/profiles.ts';
import { messageOf } from '../world/error.ts';
import { issueMessage, shown } from './issue-message.ts';
import { PolicyErrors } from './policy-errors.ts';
import { RECONCILER_DEFAULTS, type Reconciler } from './reconcilers.ts';
import { POLICY_KEYS, POLICY_SCHEMA, type GivenPolicy, type GivenProfile } from './schema.ts';

// The most that a ConfigMap holds. YAML takes seconds and hundreds of bytes for each byte.
const MAX_LENGTH = 1024 * 1024;

/** The outcome of loading a policy. */
export type ParsedPolicy =
  { readonly ok: true; readonly policy: Policy } | { readonly ok: false; readonly errors: readonly string[] };

/** The rule and keep ids that a policy may name, and a check of its profiles. */
export interface PolicyCatalog {
  readonly rules: readonly string[];
  readonly keeps: readonly string[];
  /** The ids of rules that are gone. Policies may still name them, without effect. */
  readonly retiredRules: readonly string[];
  /** Returns the reasons why a profile cannot produce a valid Rollout, one line each; empty if it can. */
  readonly profileErrors: (profile: Profile) => readonly string[];
}

/**
 * Parses the text of a policy (`rollgate.yaml`) and fills in the defaults. Otherwise returns the first errors, each with
 * its path, and the number of the others. An unknown key or id is an error that names the nearest known one. Never
 * throws.
 */
export function parsePolicy(source: string, known: PolicyCatalog): ParsedPolicy {
  const read = readPolicy(source);
  return read.ok ? checkPolicy(read.value, known) : { ok: false, errors: [read.error] };
}

/** Reads the text of a policy, without a look at what it says. Never throws. */
export function readPolicy(
  source: string,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string } {
  const failed = (error: string): { readonly ok: false; readonly error: string } => ({ ok: false, error });
  if (source.length > MAX_LENGTH)
    return failed('the policy is larger than 1 MiB, the most that a ConfigMap holds: make it smaller');
  try {
    const lines = new LineCounter();
    // The parser would compare every key with all before it.
    const document = parseDocument(source, { uniqueKeys: false, lineCounter: lines });
    const yamlError = document.errors[0];
    if (yamlError !== undefined) return failed(`invalid YAML: ${firstLineOf(yamlError.message)}`);
    const repeated = repeatedKey(document, lines);
    if (repeated !== undefined) return failed(repeated);
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) ?? {} };
  } catch (error) {
    return failed(messageOf(error));
  }
}

// The rest is an excerpt of the file.
function firstLineOf(message: string): string {
  return message.split('\n', 1).join('').replace(/:$/, '');
}

function repeatedKey(document: Document.Parsed, lines: LineCounter): string | undefined {
  let found: string | undefined;
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          const { line, col } = lines.linePos(key.range?.[0] ?? 0);
          found = `duplicate key "${shown(String(key.value))}" at line ${line}, column ${col}: remove one of them`;
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return found;
}

/** Checks a policy that is already parsed. Returns the same as `parsePolicy`. */
export function checkPolicy(value: unknown, known: PolicyCatalog): ParsedPolicy {
  const parsed = POLICY_SCHEMA.safeParse(value, { reportInput: true });
  const errors = new PolicyErrors();
  if (!parsed.success) {
    for (const issue of parsed.error.issues) describe(issue, errors);
    return { ok: false, errors: errors.lines() };
  }
  const given = parsed.data;
  const overrides = given.overrides ?? [];
  const profiles = Object.fromEntries(
    Object.entries(given.profiles ?? {}).map(([name, entry]) => [name, profileOf(entry)]),
  );
  unknownRules('rules', given.rules, known, errors);
  unknownIds('keeps', given.keeps, known.keeps, 'keep', errors);
  for (const [index, entry] of overrides.entries()) {
    unknownRules(`overrides[${index}].rules`, entry.rules, known, errors);
    unknownIds(`overrides[${index}].keeps`, entry.keeps, known.keeps, 'keep', errors);
  }
  duplicateNames(overrides, errors);
  checkProfiles(profiles, known, errors);
  if (errors.count > 0) return { ok: false, errors: errors.lines() };
  const base = DEFAULT_POLICY;
  return {
    ok: true,
    policy: {
      ...base,
      ...defined(given),
      exemptions: { ...base.exemptions, ...defined(given.exemptions ?? {}) },
      controllers: { ...base.controllers, ...defined(given.controllers ?? {}) },
      breakGlass: { ...base.breakGlass, ...defined(given.breakGlass ?? {}) },
      trustedNamespaces: given.trustedNamespaces ?? base.trustedNamespaces,
      reconcilers: reconcilersOf(given.reconcilers ?? {}, base),
      profiles: { ...base.profiles, ...profiles },
      overrides: (given.overrides ?? []).map((entry): Override => ({
        ...defined(entry),
        namespaces: entry.namespaces ?? [],
      })),
    },
  };
}

// The annotation value that turns conversion off for a Deployment.
const OFF = 'off';

function profileOf({ rollout, metadata, ...rest }: GivenProfile): Profile {
  const { strategy, ...optional } = defined(rest);
  return {
    ...optional,
    strategy,
    rollout: rollout ?? '{name}',
    metadata: { labels: metadata?.labels ?? {}, annotations: metadata?.annotations ?? {} },
  };
}

// The policy's own come first: of two globs that match, the first decides.
function reconcilersOf(
  given: NonNullable<GivenPolicy['reconcilers']>,
  { reconcilers: base }: Policy,
): Policy['reconcilers'] {
  const named = Object.entries(given).map(([name, entry]): readonly [string, Reconciler] => {
    const usual = Object.hasOwn(base, name) ? base[name] : undefined;
    return [name, { ...RECONCILER_DEFAULTS, ...usual, ...defined(entry) }];
  });
  return {
    ...Object.fromEntries(named),
    ...Object.fromEntries(Object.entries(base).filter(([name]) => !Object.hasOwn(given, name))),
  };
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Defined<T>;
}

function describe(issue: z.core.$ZodIssue, errors: PolicyErrors): void {
  const path = issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
  if (issue.code !== 'unrecognized_keys')
    return errors.add(() => `${path === '' ? 'policy' : path}: ${issueMessage(issue)}`);
  for (const key of issue.keys)
    errors.add(() => `${path === '' ? '' : `${path}: `}unknown key "${shown(key)}"${suggestion(key, POLICY_KEYS)}`);
}

function unknownRules(
  path: string,
  given: Readonly<Record<string, unknown>> | undefined,
  { rules, retiredRules }: PolicyCatalog,
  errors: PolicyErrors,
): void {
  const there = Object.entries(given ?? {}).filter(([id]) => !retiredRules.includes(id));
  unknownIds(path, Object.fromEntries(there), rules, 'rule', errors);
}

function unknownIds(
  path: string,
  given: Readonly<Record<string, unknown>> | undefined,
  ids: readonly string[],
  what: string,
  errors: PolicyErrors,
): void {
  for (const id of Object.keys(given ?? {}))
    if (!ids.includes(id)) errors.add(() => `${path}: unknown ${what} "${shown(id)}"${suggestion(id, ids)}`);
}

function duplicateNames(overrides: readonly { name: string }[], errors: PolicyErrors): void {
  const counts = new Map<string, number>();
  for (const { name } of overrides) {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (count === 2) errors.add(() => `overrides: duplicate name "${shown(name)}": give each override its own name`);
  }
}

// A profile is checked by a rendered Rollout, which takes longer than all the rest.
function checkProfiles(profiles: Readonly<Record<string, Profile>>, known: PolicyCatalog, errors: PolicyErrors): void {
  for (const [name, entry] of Object.entries(profiles)) {
    if (errors.isFull) return;
    if (!isDnsLabel(name) || name === OFF)
      errors.add(
        () =>
          `profiles: invalid name ${JSON.stringify(shown(name))}: use lowercase letters, digits and hyphens, and not "${OFF}"`,
      );
    for (const reason of known.profileErrors(entry)) errors.add(() => `profiles.${shown(name)}: ${reason}`);
  }
}

function suggestion(wanted: string, candidates: readonly string[]): string {
  const found = nearest(wanted, candidates);
  return found === undefined ? '' : `; did you mean "${found}"?`;
}

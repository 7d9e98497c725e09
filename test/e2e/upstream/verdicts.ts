import { RULES } from '../../../src/rules/index.ts';
import { asArray, dig, asString } from '../../../src/world/read.ts';
import { keyOf, kindOf, type KubeObject } from '../../../src/world/object.ts';
import { references } from '../../../src/world/references.ts';
import type { Api } from '../harness/api.ts';
import type { Outcome, Stored } from './controller.ts';

/**
 * What Rollgate says of a Rollout: `denies`, `warns` of a contradiction with another namespace, `misses` something that
 * is not there, or `admits` it, with advice or without.
 */
export type Verdict = 'denies' | 'warns' | 'misses' | 'admits';

/** One Rollout of a fixture: what Rollgate says of it, by which rules, and what became of it. */
export interface Row {
  readonly rule: string;
  readonly file: string;
  readonly rollout: string;
  readonly verdict: Verdict;
  /** The rules that deny it, or miss something. */
  readonly rules: readonly string[];
  readonly outcome: Outcome | { readonly kind: 'refused'; readonly message: string };
}

/** A fixture that was stored, and the objects that were sent. */
export interface Run {
  readonly rule: string;
  readonly file: string;
  readonly sent: readonly KubeObject[];
  readonly stored: Stored;
}

/**
 * In: a fixture as it is stored, and the API of a cluster with Rollgate in which all of it is. Out: what Rollgate says
 * of its Rollouts, by key.
 */
export async function saidOf({ sent, stored }: Run, api: Api): Promise<ReadonlyMap<string, Said>> {
  const there = sent.filter((object) => !stored.refused.has(keyOf(object)));
  const said = new Map<string, Said>();
  for (const rollout of there.filter(isRollout)) said.set(keyOf(rollout), await saidOfOne(api, rollout, there));
  return said;
}

/**
 * In: a fixture as it was stored, what Rollgate says of its Rollouts, and what became of them. Out: a row for each.
 * Throws where nothing is known of one.
 */
export function rowsOf(
  { rule, file, sent, stored }: Run,
  said: ReadonlyMap<string, Said>,
  outcomes: ReadonlyMap<string, Outcome>,
): Row[] {
  return sent.filter(isRollout).map((rollout) => ({
    rule,
    file,
    rollout: rollout.metadata.name,
    outcome: outcomeFor(keyOf(rollout), stored, outcomes),
    ...(said.get(keyOf(rollout)) ?? NOTHING),
  }));
}

const isRollout = (object: KubeObject): boolean => kindOf(object) === 'Rollout.argoproj.io';

/** What Rollgate says of a Rollout. */
export type Said = Pick<Row, 'verdict' | 'rules'>;
const NOTHING: Said = { verdict: 'admits', rules: [] };
const OF_MISSING = new Set(
  RULES.filter(({ messages }) => Object.values(messages).every((message) => message.class === 'missing')).map(
    ({ id }) => id,
  ),
);

/**
 * What Rollgate says through the API server when a Rollout comes last, or one of the analysis templates that it uses:
 * what is wrong with them is wrong with it.
 */
async function saidOfOne(api: Api, rollout: KubeObject, objects: readonly KubeObject[]): Promise<Said> {
  const used = usedBy(rollout, objects);
  const denying: string[] = [];
  const warnings: string[] = [];
  for (const object of objects.filter((each) => used.has(keyOf(each)))) {
    const answer = await api.propose(object);
    warnings.push(...answer.warnings);
    // Let through, it is found to be there already.
    if (answer.code < 300 || answer.code === 409) continue;
    const causes = asArray(dig(answer.body, 'details', 'causes')).map((cause) => asString(dig(cause, 'message')));
    if (answer.code !== 422 || causes.length === 0) throw new Error(`${keyOf(object)}: ${JSON.stringify(answer)}`);
    denying.push(...causes.filter((cause) => object === rollout || !isOfOther(cause, rollout)));
  }
  const missing = rulesIn(warnings).filter((id) => OF_MISSING.has(id));
  const across = rulesIn(warnings.filter((warning) => warning.includes(' of another namespace: '))).filter(
    (id) => !OF_MISSING.has(id),
  );
  if (denying.length > 0) return { verdict: 'denies', rules: rulesIn(denying) };
  if (across.length > 0) return { verdict: 'warns', rules: across };
  return missing.length > 0 ? { verdict: 'misses', rules: missing } : NOTHING;
}

// A template may be wrong for others that use it.
function isOfOther(cause: string, { kind, metadata }: KubeObject): boolean {
  const [, subject, name] = /^(Rollout|Experiment) "([^"]+)"/.exec(cause) ?? [];
  return subject !== undefined && !(subject === kind && name === metadata.name);
}

function rulesIn(texts: readonly string[]): string[] {
  const ids = texts.map((text) => /\[([a-z0-9-]+)\]"?$/.exec(text)?.[1] ?? text);
  return [...new Set(ids)].sort();
}

function outcomeFor(key: string, { refused }: Stored, outcomes: ReadonlyMap<string, Outcome>): Row['outcome'] {
  const refusal = refused.get(key);
  if (refusal !== undefined) return { kind: 'refused', message: refusal };
  const outcome = outcomes.get(key);
  if (outcome === undefined) throw new Error(`nothing is known of ${key}`);
  return outcome;
}

/**
 * In: a Rollout, and the objects beside it. Out: the keys of it and of the analysis templates that it uses: what is
 * wrong with them is wrong with it.
 */
function usedBy(rollout: KubeObject, objects: readonly KubeObject[]): ReadonlySet<string> {
  const found = new Set([keyOf(rollout)]);
  for (const key of found) {
    const object = objects.find((each) => keyOf(each) === key);
    if (object !== undefined)
      for (const reference of references(object)) if (reference.role === 'template') found.add(reference.key);
  }
  return found;
}

/** How a verdict and an outcome go together. */
export type Agreement = 'same' | 'refused' | 'missing' | 'foreign' | 'unknown' | 'stricter' | 'wrong';

/**
 * In: a row. Out: `same` where both refuse or both accept, `refused` where the API server itself refuses, `missing`
 * where what the controller calls InvalidSpec is warned about because it may still come, `foreign` where it is because
 * another namespace is concerned, `unknown` where what it refers to is of a kind that this cluster does not have,
 * `stricter` where Rollgate denies what the controller runs, `wrong` where it admits what the controller does not run.
 */
export function agreementOf({ verdict, outcome }: Row): Agreement {
  if (outcome.kind === 'refused') return 'refused';
  if (outcome.kind === 'runs') return verdict === 'denies' ? 'stricter' : 'same';
  if (verdict === 'admits' && outcome.message.includes('the server could not find the requested resource'))
    return 'unknown';
  return ({ denies: 'same', misses: 'missing', warns: 'foreign', admits: 'wrong' } as const)[verdict];
}

import { RULES } from '../../../src/rules/index.ts';
import { asArray, dig, asString } from '../../../src/world/read.ts';
import { keyOf, kindOf, type KubeObject } from '../../../src/world/object.ts';
import { references } from '../../../src/world/references.ts';
import type { Api } from '../harness/api.ts';
import type { Outcome, Stored } from './controller.ts';

/**
 * The verdict of Rollgate on a Rollout: it `denies`, it `warns` about a conflict with another namespace, it `misses` an
 * object, or it `admits`, possibly with advice.
 */
export type Verdict = 'denies' | 'warns' | 'misses' | 'admits';

/** A Rollout of a fixture, with the verdict of Rollgate and the outcome on the real controller. */
export interface Row {
  readonly rule: string;
  readonly file: string;
  readonly rollout: string;
  readonly verdict: Verdict;
  /** The rules that deny it or report a missing object. */
  readonly rules: readonly string[];
  readonly outcome: Outcome | { readonly kind: 'refused'; readonly message: string };
}

/** A stored fixture, and the objects that were sent. */
export interface Run {
  readonly rule: string;
  readonly file: string;
  readonly sent: readonly KubeObject[];
  readonly stored: Stored;
}

/**
 * Returns the verdicts of Rollgate on the Rollouts of a stored fixture, by key.
 *
 * @param api - The API of a cluster that has Rollgate and all objects of the fixture.
 */
export async function saidOf({ sent, stored }: Run, api: Api): Promise<ReadonlyMap<string, Said>> {
  const there = sent.filter((object) => !stored.refused.has(keyOf(object)));
  const said = new Map<string, Said>();
  for (const rollout of there.filter(isRollout)) said.set(keyOf(rollout), await saidOfOne(api, rollout, there));
  return said;
}

/**
 * Returns a row for each Rollout of a fixture.
 *
 * @throws Error - If the outcome of a Rollout is unknown.
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

/** The verdict of Rollgate on a Rollout, and the rules behind it. */
export type Said = Pick<Row, 'verdict' | 'rules'>;
const NOTHING: Said = { verdict: 'admits', rules: [] };
const OF_MISSING = new Set(
  RULES.filter(({ messages }) => {
    const classes = new Set(Object.values(messages).map((message) => message.class));
    return classes.has('missing') && !classes.has('invalid');
  }).map(({ id }) => id),
);

/**
 * Returns the verdict of Rollgate through the API server when a Rollout or one of its analysis templates comes last. A
 * problem of a template is a problem of the Rollout.
 */
async function saidOfOne(api: Api, rollout: KubeObject, objects: readonly KubeObject[]): Promise<Said> {
  const used = usedBy(rollout, objects);
  const denying: string[] = [];
  const warnings: string[] = [];
  for (const object of objects.filter((each) => used.has(keyOf(each)))) {
    const answer = await api.propose(object);
    warnings.push(...answer.warnings);
    // If Rollgate admits it, the API server reports that it already exists.
    if (answer.code < 300 || answer.code === 409) continue;
    const causes = asArray(dig(answer.body, 'details', 'causes')).map((cause) => asString(dig(cause, 'message')));
    if (answer.code !== 422 || causes.length === 0) throw new Error(`${keyOf(object)}: ${JSON.stringify(answer)}`);
    denying.push(...causes.filter((cause) => object === rollout || !isOfOther(cause, rollout)));
  }
  const missing = rulesIn(warnings).filter((id) => OF_MISSING.has(id));
  const across = rulesIn(warnings.filter((warning) => warning.includes(' of another namespace ('))).filter(
    (id) => !OF_MISSING.has(id),
  );
  if (denying.length > 0) return { verdict: 'denies', rules: rulesIn(denying) };
  if (across.length > 0) return { verdict: 'warns', rules: across };
  return missing.length > 0 ? { verdict: 'misses', rules: missing } : NOTHING;
}

// A template may be invalid for other objects that use it.
function isOfOther(cause: string, { kind, metadata }: KubeObject): boolean {
  const [, subject, name] = /^(Rollout|Experiment) "([^"]+)"/.exec(cause) ?? [];
  return subject !== undefined && !(subject === kind && name === metadata.name);
}

function rulesIn(texts: readonly string[]): string[] {
  const ids = texts.map((text) => /\[rollgate\/([a-z0-9-]+)\]"?$/.exec(text)?.[1] ?? text);
  return [...new Set(ids)].sort();
}

function outcomeFor(key: string, { refused }: Stored, outcomes: ReadonlyMap<string, Outcome>): Row['outcome'] {
  const refusal = refused.get(key);
  if (refusal !== undefined) return { kind: 'refused', message: refusal };
  const outcome = outcomes.get(key);
  if (outcome === undefined) throw new Error(`nothing is known of ${key}`);
  return outcome;
}

/** Returns the keys of a Rollout and of the analysis templates that it uses. */
function usedBy(rollout: KubeObject, objects: readonly KubeObject[]): ReadonlySet<string> {
  const found = new Set([keyOf(rollout)]);
  for (const key of found) {
    const object = objects.find((each) => keyOf(each) === key);
    if (object !== undefined)
      for (const reference of references(object)) if (reference.role === 'template') found.add(reference.key);
  }
  return found;
}

// In a backup, the Ingress of the canary does not say who has created it.
const ADVISED: ReadonlySet<string> = new Set(['ingress-backend/bad-nginx-canary-exists.yaml']);

/** How a verdict and an outcome relate. */
export type Agreement = 'same' | 'refused' | 'missing' | 'foreign' | 'unknown' | 'stricter' | 'advised' | 'wrong';

/**
 * Compares a verdict with an outcome:
 * - `same`: both reject, or both accept.
 * - `refused`: the API server itself rejects the Rollout.
 * - `missing`: InvalidSpec for the controller, but Rollgate warns, because the missing object may still come.
 * - `foreign`: InvalidSpec for the controller, but Rollgate warns, because another namespace is involved.
 * - `unknown`: it refers to a kind that this cluster does not have.
 * - `stricter`: Rollgate denies what the controller runs.
 * - `advised`: the first pods start, and nothing else: Rollgate only warns, so that what was restored from a backup runs.
 * - `wrong`: Rollgate admits what the controller does not run.
 */
export function agreementOf({ rule, file, verdict, outcome }: Row): Agreement {
  if (outcome.kind === 'refused') return 'refused';
  if (outcome.kind === 'runs') return verdict === 'denies' ? 'stricter' : 'same';
  if (verdict === 'admits' && outcome.message.includes('the server could not find the requested resource'))
    return 'unknown';
  if (verdict === 'admits' && ADVISED.has(`${rule}/${file}`)) return 'advised';
  return ({ denies: 'same', misses: 'missing', warns: 'foreign', admits: 'wrong' } as const)[verdict];
}

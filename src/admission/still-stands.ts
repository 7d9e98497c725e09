import type { Policy } from '../policy/policy.ts';
import type { Budget } from '../rules/budget.ts';
import type { Rule } from '../rules/define.ts';
import { Checker, isUnfinished, type Work } from '../rules/engine.ts';
import type { Finding } from '../rules/finding.ts';
import { namespaceOf, refOf, type KubeObject } from '../world/object.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import type { World } from '../world/world.ts';
import { worldUnder } from '../policy/policy.ts';
import { crossesNamespaces, decisionContextOf } from './decisions.ts';
import { renderFinding, warningText } from './rendered-finding.ts';

/**
 * Returns which of some contradictions of a subject still stand, or undefined if that is not known: a rule was skipped,
 * or exceeded the budget.
 *
 * @param isKnown - Returns whether a finding is one of them.
 */
export function* stillStanding(
  subject: KubeObject,
  isKnown: (finding: Finding) => boolean,
  rules: readonly Rule[],
  { world, policy, budget }: { readonly world: World; readonly policy: Policy; readonly budget: Budget },
): Work<readonly Finding[] | undefined> {
  if (isBeingDeleted(subject)) return [];
  const checker = new Checker(worldUnder(policy, world), budget);
  const { settings } = decisionContextOf(policy, world, false);
  const own = settings(namespaceOf(subject)).rules;
  const standing: Finding[] = [];
  for (const rule of rules) {
    if (own[rule.id] === 'off' || own[rule.id] === 'warn') continue;
    const outcome = checker.check(rule, subject);
    yield;
    if (outcome === undefined) continue;
    if (isUnfinished(outcome)) return undefined;
    const found = outcome.findings.filter(isKnown);
    if (found.length === 0 && outcome.skipped.length > 0) return undefined;
    for (const finding of found) standing.push(finding);
  }
  return standing;
}

/** Returns a finding as everybody may read it who can read its subject: of other namespaces it tells existence only. */
export function publicText(finding: Finding, policy: Policy, world: World): string {
  const { subject } = finding;
  const foreign = crossesNamespaces(finding, subject, decisionContextOf(policy, world, false));
  return warningText(renderFinding(finding, subject, { foreign, operation: 'UPDATE', denied: false }), finding);
}

/** Returns what identifies an object and its life: another one of the same name is not the same. */
export function incarnationOf(object: KubeObject): string {
  const { kind, namespace, name } = refOf(object);
  const uid = object.metadata['uid'];
  return `${kind}/${namespace}/${name}/${typeof uid === 'string' ? uid : ''}`;
}

import {
  decisionFor,
  decisionOnTooLarge,
  isTrusted,
  POLICY_LABEL,
  settingsFor,
  type Policy,
  type Settings,
  type Situation,
} from '../policy/policy.ts';
import { INTERNAL_ERROR, TOO_LARGE, type Work } from '../rules/engine.ts';
import type { Finding } from '../rules/finding.ts';
import { keyOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { dig, optionalString } from '../world/read.ts';
import { isMidUpdate } from '../world/rollout.ts';
import type { World } from '../world/world.ts';
import type { Change } from './change.ts';

/** A finding, and what the policy decides about it. */
export interface DecidedFinding {
  readonly finding: Finding;
  readonly decision: 'deny' | 'warn';
}

/** The context of a decision about findings. */
export interface DecisionContext {
  /** Whether a missing reference counts as a contradiction. */
  readonly requireReferences: boolean;
  /** Returns whether a Rollout of the first namespace may block an object of the second. */
  trusted(rolloutNamespace: string, objectNamespace: string): boolean;
  /** Returns the settings of a namespace. */
  settings(namespace: string): Settings;
}

/**
 * Returns the context of decisions under a policy.
 *
 * @param world - Has the labels of namespaces.
 */
export function decisionContextOf(policy: Policy, world: World, requireReferences: boolean): DecisionContext {
  return {
    requireReferences,
    trusted: (rolloutNamespace, objectNamespace) => isTrusted(policy, rolloutNamespace, objectNamespace),
    settings: (namespace) => settingsIn(policy, world, namespace),
  };
}

/** Returns a context that decides as if its policy enforced, even where the policy only audits. */
export function enforced(context: DecisionContext): DecisionContext {
  return { ...context, settings: (namespace) => ({ ...context.settings(namespace), mode: 'enforce' }) };
}

/** Returns the settings of a namespace, with the override that its label picks. */
export function settingsIn(policy: Policy, world: World, namespace: string): Settings {
  if (policy.overrides.length === 0) return policy;
  const found = world.get('Namespace', '', namespace);
  const label =
    found.state === 'present' ? optionalString(dig(found.object.metadata, 'labels', POLICY_LABEL)) : undefined;
  return settingsFor(policy, namespace, label);
}

/**
 * Decides about findings that changes introduced, and leaves out those that the policy has switched off. A finding
 * counts against the changed object it is about: the subject if that was changed, else the one it names. The settings
 * of that object's namespace decide.
 */
export function decideFindings(
  findings: readonly Finding[],
  changes: readonly Change[],
  context: DecisionContext,
): DecidedFinding[] {
  const changed = new Map<ObjectKey, Change>();
  for (const change of changes) {
    const object = change.after ?? change.before;
    if (object !== undefined) changed.set(keyOf(object), change);
  }
  return findings.flatMap((finding): DecidedFinding[] => {
    const subjectKey = keyOf(finding.subject);
    const blamed = [subjectKey, keyOf(finding.object), ...finding.related.map(({ object }) => keyOf(object))].find(
      (key) => changed.has(key),
    );
    const change = (blamed === undefined ? undefined : changed.get(blamed)) ?? changes[0];
    const object = change?.after ?? change?.before ?? finding.subject;
    const settings = context.settings(namespaceOf(object));
    if (finding.rule === INTERNAL_ERROR) {
      return [{ finding, decision: settings.mode === 'enforce' ? settings.onInternalError : 'warn' }];
    }
    const operation = change?.after === undefined ? 'DELETE' : change.before === undefined ? 'CREATE' : 'UPDATE';
    if (finding.rule === TOO_LARGE) return [{ finding, decision: decisionOnTooLarge(operation, settings) }];
    const situation: Situation = {
      operation,
      subjectAdmitted: changed.has(subjectKey),
      midUpdate: isMidUpdate(finding.subject),
      foreign: crossesNamespaces(finding, object, context),
      requireReferences: context.requireReferences,
    };
    const decision = decisionFor(finding.rule, finding.class, situation, settings);
    if (decision === 'off') return [];
    // Whatever the policy says about the rule: what some of the controllers accept is not denied.
    return [{ finding, decision: finding.versions === undefined ? decision : 'warn' }];
  });
}

// So many decisions take less than a millisecond.
const DECISIONS_OF_SLICE = 200;

/** Does the work of `decideFindings` in slices. */
export function* decideInSlices(
  findings: readonly Finding[],
  changes: readonly Change[],
  context: DecisionContext,
): Work<DecidedFinding[]> {
  const decided: DecidedFinding[] = [];
  for (let start = 0; start < findings.length; start += DECISIONS_OF_SLICE) {
    yield;
    for (const entry of decideFindings(findings.slice(start, start + DECISIONS_OF_SLICE), changes, context))
      decided.push(entry);
  }
  return decided;
}

/** Returns whether a finding spans namespaces that do not trust each other. */
export function crossesNamespaces(
  finding: Finding,
  admitted: KubeObject,
  context: Pick<DecisionContext, 'trusted'>,
): boolean {
  const home = namespaceOf(finding.subject);
  return [admitted, finding.object, ...finding.related.map(({ object }) => object)].some((object) => {
    const namespace = namespaceOf(object);
    return (
      namespace !== home && (namespace !== '' || keyOf(object) === keyOf(admitted)) && !context.trusted(home, namespace)
    );
  });
}

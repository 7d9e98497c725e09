import {
  decisionFor,
  decisionOnTooLarge,
  isTrusted,
  POLICY_LABEL,
  settingsFor,
  type Policy,
  type ReconcilerSituation,
  type Settings,
  type Situation,
} from '../policy/policy.ts';
import { reconcilerOf } from '../policy/reconcilers.ts';
import { INTERNAL_ERROR, TOO_LARGE, type Work } from '../rules/engine.ts';
import type { Finding } from '../rules/finding.ts';
import { keyOf, namespaceOf, type KubeObject, type ObjectKey } from '../world/object.ts';
import { dig, optionalString } from '../world/read.ts';
import { isMidUpdate } from '../world/rollout.ts';
import type { World } from '../world/world.ts';
import type { Change } from './change.ts';
import type { Request } from './review.ts';

/** A finding, and what the policy decides about it. */
export interface DecidedFinding {
  readonly finding: Finding;
  readonly decision: 'deny' | 'warn';
  /** Set if it is a warning only because the policy audits. */
  readonly wouldDeny?: true;
  /** Set if it is a warning only because a reconciler writes, which may bring the other object next. */
  readonly tolerated?: true;
}

/** The context of a decision about findings. */
export interface DecisionContext {
  /** Whether a missing reference counts as a contradiction. */
  readonly requireReferences: boolean;
  /** Returns whether a Rollout of the first namespace may block an object of the second. */
  trusted(rolloutNamespace: string, objectNamespace: string): boolean;
  /** Returns the settings of a namespace. */
  settings(namespace: string): Settings;
  /** The objects whose content the author of the changes may know: those between them count as of one namespace. */
  readonly known?: ReadonlySet<ObjectKey>;
  /** The reconciler that asks, and whether only for a dry run. */
  readonly reconciler?: Pick<ReconcilerSituation, 'settings' | 'dryRun'> | undefined;
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

/** Returns the context of decisions about a request: that of the policy, for the reconciler that asks, if one does. */
export function requestContextOf(
  policy: Policy,
  world: World,
  { fieldManager, dryRun }: Pick<Request, 'fieldManager' | 'dryRun'>,
): DecisionContext {
  const settings = reconcilerOf(policy.reconcilers, fieldManager);
  const context = decisionContextOf(policy, world, false);
  return settings === undefined ? context : { ...context, reconciler: { settings, dryRun } };
}

/**
 * Returns a context that decides as if its policy enforced, even where the policy only audits or a reconciler asks. What a
 * reconciler is only warned about must not become a Rollout that cannot work.
 */
export function enforced(context: DecisionContext): DecisionContext {
  return {
    ...context,
    reconciler: undefined,
    settings: (namespace) => ({ ...context.settings(namespace), mode: 'enforce' }),
  };
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
    const operation = change?.after === undefined ? 'DELETE' : change.before === undefined ? 'CREATE' : 'UPDATE';
    const situation = situationOf(finding, { operation, object, isSubject: changed.has(subjectKey) }, context);
    const settings = context.settings(namespaceOf(object));
    const decision = decisionOn(finding, situation, settings);
    if (decision === 'off') return [];
    return [{ finding, decision, ...(decision === 'warn' ? leniencyOn(finding, situation, settings) : {}) }];
  });
}

/** Returns a finding that is only a warning, whatever the policy says. */
export function asWarning({ finding }: DecidedFinding): DecidedFinding {
  return { finding, decision: 'warn' };
}

/** Returns whether a finding is denied, or would be if the policy enforced. */
export function isDenial({ decision, wouldDeny }: DecidedFinding): boolean {
  return decision === 'deny' || wouldDeny === true;
}

/** The changed object that a finding counts against. */
interface Blamed {
  readonly operation: Situation['operation'];
  readonly object: KubeObject;
  /** Whether the subject of the finding was changed itself. */
  readonly isSubject: boolean;
}

function situationOf(finding: Finding, { operation, object, isSubject }: Blamed, context: DecisionContext): Situation {
  const { reconciler, requireReferences } = context;
  return {
    operation,
    subjectAdmitted: isSubject,
    midUpdate: isMidUpdate(finding.subject),
    foreign: crossesNamespaces(finding, object, context),
    requireReferences,
    ...(reconciler === undefined
      ? {}
      : {
          reconciler: {
            ...reconciler,
            acrossObjects: isAcrossObjects(finding),
            subjectUpdates: UPDATED_STEPWISE.has(finding.subject.kind),
            acrossRollouts: isAcrossRollouts(finding),
          },
        }),
  };
}

function decisionOn(finding: Finding, situation: Situation, settings: Settings): 'deny' | 'warn' | 'off' {
  const { reconciler, operation } = situation;
  const onlyWarns = reconciler?.dryRun === true && reconciler.settings.dryRun === 'warn';
  if (finding.rule === INTERNAL_ERROR)
    return settings.mode === 'enforce' && !onlyWarns ? settings.onInternalError : 'warn';
  if (finding.rule === TOO_LARGE) return onlyWarns ? 'warn' : decisionOnTooLarge(operation, settings);
  const decision = decisionFor(finding.rule, finding.class, situation, settings);
  // Whatever the policy says about the rule: what some of the controllers accept is not denied.
  return finding.versions === undefined || decision === 'off' ? decision : 'warn';
}

/** Returns why a finding is only a warning, if others would be denied it, or everybody in enforce mode. */
function leniencyOn(
  finding: Finding,
  { reconciler, ...situation }: Situation,
  settings: Settings,
): Pick<DecidedFinding, 'wouldDeny' | 'tolerated'> {
  if (settings.mode === 'enforce' && reconciler === undefined) return NO_LENIENCY;
  const enforcing: Settings = { ...settings, mode: 'enforce' };
  if (decisionOn(finding, { ...situation, reconciler }, enforcing) === 'deny') return { wouldDeny: true };
  if (reconciler === undefined || reconciler.dryRun) return NO_LENIENCY;
  return decisionOn(finding, situation, enforcing) === 'deny' ? { tolerated: true } : NO_LENIENCY;
}

const NO_LENIENCY = {};

const UPDATED_STEPWISE: ReadonlySet<string> = new Set(['Rollout', 'Experiment']);

/** Returns whether a finding needs another object than its subject, rather than being a mistake in that one alone. */
export function isAcrossObjects({ subject, object, related, dependsOn }: Finding): boolean {
  const key = keyOf(subject);
  const isOther = (other: ObjectKey): boolean => other !== key;
  return (
    isOther(keyOf(object)) ||
    related.some((place) => isOther(keyOf(place.object))) ||
    dependsOn.some((keys) => keys.size > 1 || (keys.size === 1 && !keys.has(key)))
  );
}

function isAcrossRollouts({ subject, object, related }: Finding): boolean {
  const key = keyOf(subject);
  return [object, ...related.map((place) => place.object)].some(
    (other) => keyOf(other) !== key && UPDATED_STEPWISE.has(other.kind),
  );
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
  context: Pick<DecisionContext, 'trusted' | 'known'>,
): boolean {
  const home = namespaceOf(finding.subject);
  const { known = NOTHING_KNOWN } = context;
  const mayKnow = (object: KubeObject): boolean => known.has(keyOf(object));
  const isKnownSubject = known.size > 0 && mayKnow(finding.subject);
  return [admitted, finding.object, ...finding.related.map(({ object }) => object)].some((object) => {
    const namespace = namespaceOf(object);
    return (
      namespace !== home &&
      (namespace !== '' || keyOf(object) === keyOf(admitted)) &&
      !context.trusted(home, namespace) &&
      !(isKnownSubject && mayKnow(object))
    );
  });
}

const NOTHING_KNOWN: ReadonlySet<ObjectKey> = new Set();

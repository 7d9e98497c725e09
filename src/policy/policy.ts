import type { FindingClass } from '../world/finding-class.ts';
import { SHIPPED_PROFILES, type Profile } from '../migration/profiles.ts';

/**
 * What a policy makes of a rule: `deny` treats what it finds as a contradiction, `warn` never denies, `off` is not
 * reported.
 */
export type RuleSetting = 'deny' | 'warn' | 'off';

/** The settings that an override may change. */
export interface Settings {
  /** `audit` makes every denial a warning. */
  readonly mode: 'enforce' | 'audit';
  /** By rule id; a rule that is not here is decided by the class of what it finds. */
  readonly rules: Readonly<Record<string, RuleSetting>>;
  /** By keep id; a keep that is not here is on. */
  readonly keeps: Readonly<Record<string, 'on' | 'off'>>;
  /**
   * What becomes of a contradiction when the object that is referred to is updated and no update of the Rollout is
   * under way.
   */
  readonly crossObjectUpdates: 'warn' | 'deny';
  /** What becomes of deleting an object that a Rollout needs. */
  readonly onDelete: 'warn' | 'deny';
  /** What becomes of a rule that failed. */
  readonly onInternalError: 'warn' | 'deny';
  /** Whether Deployments may become Rollouts; those that are one already stay so. */
  readonly conversion: 'on' | 'off';
}

/** Settings for some namespaces: by glob, or by the namespace's label `rollgate.io/policy`. */
export interface Override extends Partial<Settings> {
  readonly name: string;
  readonly namespaces: readonly string[];
}

/** What a platform team says about how Rollgate decides. */
export interface Policy extends Settings {
  readonly exemptions: {
    /** Accounts, by exact name, that are never judged and whose objects are never touched. */
    readonly accounts: readonly string[];
    /** Namespaces, by glob, likewise. */
    readonly namespaces: readonly string[];
  };
  readonly controllers: {
    /** The accounts of Argo Rollouts controllers, by exact name, beside those that are discovered. */
    readonly accounts: readonly string[];
    /** Whether Deployments labelled `app.kubernetes.io/name: argo-rollouts` are searched for more. */
    readonly discover: boolean;
    /** Where they are searched for; empty: everywhere. */
    readonly namespaces: readonly string[];
  };
  /** Pairs of namespaces, by glob, between which Rollouts of the first may drive objects of the second. */
  readonly trustedNamespaces: readonly { readonly rollouts: string; readonly objects: string }[];
  readonly overrides: readonly Override[];
  /** How Deployments become Rollouts, by the name that `rollgate.io/convert` picks. */
  readonly profiles: Readonly<Record<string, Profile>>;
}

/** The label on a namespace that picks an override by name. */
export const POLICY_LABEL = 'rollgate.io/policy';

/** Accounts of Kubernetes itself that only finish what somebody else began. */
export const SYSTEM_ACCOUNTS: readonly string[] = [
  'system:serviceaccount:kube-system:generic-garbage-collector',
  'system:serviceaccount:kube-system:namespace-controller',
];

/** What holds where the policy is silent. */
export const DEFAULT_POLICY: Policy = {
  mode: 'enforce',
  rules: {},
  keeps: {},
  crossObjectUpdates: 'warn',
  onDelete: 'warn',
  onInternalError: 'warn',
  conversion: 'on',
  exemptions: { accounts: [], namespaces: ['kube-system', 'kube-public', 'kube-node-lease'] },
  controllers: { accounts: [], discover: true, namespaces: [] },
  trustedNamespaces: [],
  overrides: [],
  profiles: SHIPPED_PROFILES,
};

/**
 * In: a policy, a namespace (empty for cluster-scoped objects) and the value of its label `rollgate.io/policy`. Out:
 * the settings there: the policy's, changed by every override that matches, the later one winning; an override that the
 * label names comes last.
 */
export function settingsFor(policy: Policy, namespace: string, label: string | undefined): Settings {
  const matching = policy.overrides.filter(
    (override) => override.name !== label && override.namespaces.some((glob) => matchesGlob(glob, namespace)),
  );
  const chosen = policy.overrides.filter((override) => label !== undefined && override.name === label);
  let settings: Settings = policy;
  for (const override of [...matching, ...chosen]) {
    settings = {
      ...settings,
      ...override,
      rules: { ...settings.rules, ...override.rules },
      keeps: { ...settings.keeps, ...override.keeps },
    };
  }
  return settings;
}

/** In: a policy and two namespaces. Out: whether a Rollout of the first may drive and block objects of the second. */
export function isTrusted(policy: Policy, rolloutNamespace: string, objectNamespace: string): boolean {
  if (rolloutNamespace === objectNamespace) return true;
  return policy.trustedNamespaces.some(
    (pair) => matchesGlob(pair.rollouts, rolloutNamespace) && matchesGlob(pair.objects, objectNamespace),
  );
}

/**
 * In: a glob in which `*` stands for any run of characters and `?` for one, and a text. Out: whether it matches, in
 * time linear in both.
 */
export function matchesGlob(glob: string, text: string): boolean {
  let g = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (glob[g] === '*') {
      star = g++;
      mark = t;
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === text[t])) {
      g++;
      t++;
    } else if (star >= 0) {
      g = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}

/** The circumstances in which a finding was introduced. */
export interface Situation {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  /** Whether the object that is admitted is the subject itself: then whoever wrote it can mend it at once. */
  readonly subjectAdmitted: boolean;
  /** Whether an update of the subject is under way. */
  readonly midUpdate: boolean;
  /** Whether subject and admitted object are in namespaces that do not trust each other. */
  readonly foreign: boolean;
  /** Whether what is missing counts as a contradiction (`--require-references`). */
  readonly requireReferences: boolean;
}

/**
 * In: the rule, class of a finding, where and when it was introduced, and the settings. Out: what becomes of it; `off`
 * is not reported. This is the table of decisions: a contradiction is denied, unless the object that is referred to is
 * updated while nothing is under way: then a warning lets one commit change both sides. What is missing, and advice,
 * warn.
 */
export function decisionFor(
  rule: string,
  findingClass: FindingClass,
  situation: Situation,
  settings: Settings,
): 'deny' | 'warn' | 'off' {
  const setting = settings.rules[rule];
  if (setting === 'off') return 'off';
  const raised = setting === 'deny' || (findingClass === 'missing' && situation.requireReferences);
  const effective: FindingClass = raised ? 'invalid' : findingClass;
  if (situation.operation === 'DELETE') {
    if (findingClass !== 'missing') return 'off';
    return capped(settings.onDelete === 'deny' ? 'deny' : 'warn', setting, situation, settings);
  }
  if (effective !== 'invalid') return 'warn';
  const convergence =
    !situation.subjectAdmitted &&
    situation.operation === 'UPDATE' &&
    !situation.midUpdate &&
    settings.crossObjectUpdates === 'warn';
  return capped(convergence ? 'warn' : 'deny', setting, situation, settings);
}

function capped(
  decision: 'deny' | 'warn',
  setting: RuleSetting | undefined,
  situation: Situation,
  settings: Settings,
): 'deny' | 'warn' {
  return setting === 'warn' || situation.foreign || settings.mode === 'audit' ? 'warn' : decision;
}

import type { FindingClass } from '../world/finding-class.ts';
import { SHIPPED_PROFILES, type Profile } from '../migration/profiles.ts';
import { parseVersion, supportedRange, type ReleaseRange, type SupportedRange } from '../world/rollouts-versions.ts';
import { withVersions } from '../world/store.ts';
import type { World } from '../world/world.ts';
import { matchesGlob } from './glob.ts';
import { SHIPPED_RECONCILERS, type Reconciler } from './reconcilers.ts';

/** The setting of one rule: `deny` treats its findings as invalid, `warn` never denies, `off` reports nothing. */
export type RuleSetting = 'deny' | 'warn' | 'off';

/** The settings that an override may change. */
export interface Settings {
  /** `audit` turns every denial into a warning. */
  readonly mode: 'enforce' | 'audit';
  /** By rule id. The class of a finding decides for rules that are not listed. */
  readonly rules: Readonly<Record<string, RuleSetting>>;
  /** By keep id. Keeps that are not listed are on. */
  readonly keeps: Readonly<Record<string, 'on' | 'off'>>;
  /**
   * The decision on an update of a referenced object that makes a Rollout invalid while no update of the Rollout is in
   * progress.
   */
  readonly crossObjectUpdates: 'warn' | 'deny';
  /** The decision on deleting an object that a Rollout needs. */
  readonly onDelete: 'warn' | 'deny';
  /** The decision when a rule fails with an internal error. */
  readonly onInternalError: 'warn' | 'deny';
  /** The decision on a request that is too large to be checked completely. */
  readonly onTooLarge: 'warn' | 'deny';
  /** Whether Deployments may become Rollouts. Deployments that were converted before stay converted. */
  readonly conversion: 'on' | 'off';
}

/** Settings for some namespaces, selected by glob or by the namespace's label `rollgate.io/policy`. */
export interface Override extends Partial<Settings> {
  readonly name: string;
  readonly namespaces: readonly string[];
  /**
   * What the label may change: `strict` only makes settings stricter, `any` changes whatever the override sets. By
   * default `strict`, because users who may not change the policy may be able to label namespaces.
   */
  readonly byLabel?: 'strict' | 'any';
}

/** Rollgate policy. */
export interface Policy extends Settings {
  readonly exemptions: {
    /** Accounts, by exact name, whose requests are not checked and whose objects are not changed. */
    readonly accounts: readonly string[];
    /** Namespaces, by glob, in which requests are not checked and objects are not changed. */
    readonly namespaces: readonly string[];
  };
  readonly controllers: {
    /** The accounts of Argo Rollouts controllers, by exact name, in addition to the discovered ones. */
    readonly accounts: readonly string[];
    /** Whether to discover controllers by Deployments labelled `app.kubernetes.io/name: argo-rollouts`. */
    readonly discover: boolean;
    /**
     * The namespaces in which the label makes an account exempt, by exact name; empty means none. Elsewhere it only
     * makes Rollgate keep nothing in requests of the account.
     */
    readonly namespaces: readonly string[];
    /**
     * The version of Argo Rollouts that requests are judged for, such as `1.10` or `1.10.2`. Left out, the versions in the
     * images of the controllers, or all supported ones.
     */
    readonly version?: string;
    /**
     * The version of the Gateway API plugin, such as `0.15.0`. Left out, that in the ConfigMap `argo-rollouts-config` of the
     * controllers, or unknown.
     */
    readonly gatewayPluginVersion?: string;
  };
  /**
   * The namespaces, by exact name, in which Rollgate may write to convert Deployments; empty means all. The chart grants
   * these rights by the same list.
   */
  readonly conversionNamespaces: readonly string[];
  readonly breakGlass: {
    /** How long after a write a break-glass may end at most, as a Go duration. */
    readonly maxDuration: string;
  };
  /** Pairs of namespace globs: Rollouts in the first may control objects in the second. */
  readonly trustedNamespaces: readonly { readonly rollouts: string; readonly objects: string }[];
  /** The clients that apply many objects by themselves, by field manager: an exact name, or a glob. */
  readonly reconcilers: Readonly<Record<string, Reconciler>>;
  readonly overrides: readonly Override[];
  /** The profiles for converting Deployments to Rollouts, by the name that `rollgate.io/convert` selects. */
  readonly profiles: Readonly<Record<string, Profile>>;
  /** Set in place of a policy that is not known: no conversion is begun or carried on. */
  readonly isFallback?: true;
}

/** The label on a namespace that selects an override by name. */
export const POLICY_LABEL = 'rollgate.io/policy';

/** Accounts of Kubernetes itself that only complete an operation that another account started. */
export const SYSTEM_ACCOUNTS: readonly string[] = [
  'system:serviceaccount:kube-system:generic-garbage-collector',
  'system:serviceaccount:kube-system:namespace-controller',
];

/** The defaults for everything that a policy does not set. */
export const DEFAULT_POLICY: Policy = {
  mode: 'enforce',
  rules: {},
  keeps: {},
  crossObjectUpdates: 'warn',
  onDelete: 'warn',
  onInternalError: 'warn',
  onTooLarge: 'warn',
  conversion: 'on',
  exemptions: { accounts: [], namespaces: ['kube-system', 'kube-public', 'kube-node-lease'] },
  controllers: { accounts: [], discover: true, namespaces: ['argo-rollouts'] },
  conversionNamespaces: [],
  breakGlass: { maxDuration: '24h' },
  trustedNamespaces: [],
  reconcilers: SHIPPED_RECONCILERS,
  overrides: [],
  profiles: SHIPPED_PROFILES,
};

/**
 * Returns the namespaces of the Argo Rollouts controllers that a policy trusts: those that it names, and those of the
 * service accounts that it names.
 */
export function controllerNamespaces({ controllers }: Policy): readonly string[] {
  const { accounts, discover, namespaces } = controllers;
  const ofAccounts = accounts.flatMap((account) => /^system:serviceaccount:([^:]+):[^:]+$/.exec(account)?.[1] ?? []);
  return [...new Set([...(discover ? namespaces : []), ...ofAccounts])];
}

/** Returns the releases of Argo Rollouts that a policy names, within what is supported; undefined if it names none. */
export function namedVersions({ controllers: { version } }: Policy): SupportedRange | undefined {
  const named = version === undefined ? undefined : parseVersion(version);
  return named === undefined ? undefined : supportedRange([named]);
}

/** Returns the releases of the Gateway API plugin that a policy names; undefined if it names none. */
export function namedPluginVersions({ controllers }: Policy): ReleaseRange | undefined {
  const { gatewayPluginVersion: version } = controllers;
  return version === undefined ? undefined : parseVersion(version);
}

/** Returns the same world, judged for the releases of Argo Rollouts that a policy names, if it names any. */
export function worldUnder(policy: Policy, world: World): World {
  const [named, plugin] = [namedVersions(policy)?.versions, namedPluginVersions(policy)];
  if (named === undefined && plugin === undefined) return world;
  const gatewayPlugin = plugin ?? world.versions.gatewayPlugin;
  const { min, max } = named ?? world.versions;
  return withVersions(world, { min, max, ...(gatewayPlugin === undefined ? {} : { gatewayPlugin }) });
}

/**
 * Returns the settings for a namespace. Every override that matches by glob changes the settings of the policy, and a
 * later one wins. The override that the namespace selects by its label only makes stricter what it sets, and changes
 * neither keeps nor conversion; with `byLabel: any` it applies last and wins.
 * @param namespace - Empty for cluster-scoped objects.
 * @param label - The value of the namespace's label `rollgate.io/policy`.
 */
export function settingsFor(policy: Policy, namespace: string, label: string | undefined): Settings {
  const named = label === undefined ? undefined : policy.overrides.find(({ name }) => name === label);
  const matching = policy.overrides.filter(({ namespaces }) => namespaces.some((glob) => matchesGlob(glob, namespace)));
  if (named?.byLabel === 'any')
    return [...matching.filter((override) => override !== named), named].reduce<Settings>(withOverride, policy);
  const byGlob = matching.reduce<Settings>(withOverride, policy);
  return named === undefined ? byGlob : stricter(byGlob, withOverride(byGlob, named));
}

function withOverride(settings: Settings, override: Override): Settings {
  return {
    ...settings,
    ...override,
    rules: { ...settings.rules, ...override.rules },
    keeps: { ...settings.keeps, ...override.keeps },
  };
}

/** Returns settings, each replaced by that of the others where that one is stricter. */
function stricter(settings: Settings, others: Settings): Settings {
  const either = (key: 'crossObjectUpdates' | 'onDelete' | 'onInternalError' | 'onTooLarge'): 'warn' | 'deny' =>
    settings[key] === 'deny' ? 'deny' : others[key];
  return {
    ...settings,
    mode: settings.mode === 'enforce' ? 'enforce' : others.mode,
    rules: stricterRules(settings.rules, others.rules),
    crossObjectUpdates: either('crossObjectUpdates'),
    onDelete: either('onDelete'),
    onInternalError: either('onInternalError'),
    onTooLarge: either('onTooLarge'),
  };
}

// From lax to strict. Without a setting the class of a finding decides: it is never laxer than `warn`, and never
// stricter than `deny`.
const RULE_SETTINGS: readonly (RuleSetting | undefined)[] = ['off', 'warn', undefined, 'deny'];

function stricterRules(a: Settings['rules'], b: Settings['rules']): Settings['rules'] {
  const rank = (setting: RuleSetting | undefined): number => RULE_SETTINGS.indexOf(setting);
  return Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((id) => {
      const setting = rank(a[id]) >= rank(b[id]) ? a[id] : b[id];
      return setting === undefined ? [] : [[id, setting] as const];
    }),
  );
}

/** Reports whether a Rollout in the first namespace may control objects in the second, and block changes to them. */
export function isTrusted(policy: Policy, rolloutNamespace: string, objectNamespace: string): boolean {
  if (rolloutNamespace === objectNamespace) return true;
  return policy.trustedNamespaces.some(
    (pair) => matchesGlob(pair.rollouts, rolloutNamespace) && matchesGlob(pair.objects, objectNamespace),
  );
}

/** Reports whether Rollgate may write in a namespace to convert Deployments. */
export function isConversionNamespace({ conversionNamespaces }: Policy, namespace: string): boolean {
  return conversionNamespaces.length === 0 || conversionNamespaces.includes(namespace);
}

/** The circumstances in which a finding was introduced. */
export interface Situation {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  /** Whether the admitted object is the subject itself, so that its author can fix the finding in the same object. */
  readonly subjectAdmitted: boolean;
  /** Whether an update of the subject is in progress. */
  readonly midUpdate: boolean;
  /** Whether subject and admitted object are in namespaces that do not trust each other. */
  readonly foreign: boolean;
  /** Whether a missing object counts as invalid (`--require-references`). */
  readonly requireReferences: boolean;
  /** Set if a reconciler asks. */
  readonly reconciler?: ReconcilerSituation | undefined;
}

/** What decides whether a reconciler is denied what others are. */
export interface ReconcilerSituation {
  readonly settings: Reconciler;
  readonly dryRun: boolean;
  /** Whether the finding is a contradiction between objects, rather than a mistake in one alone. */
  readonly acrossObjects: boolean;
  /** Whether the subject is of a kind that the controller updates step by step: a Rollout or an Experiment. */
  readonly subjectUpdates: boolean;
  /** Whether another Rollout or Experiment is involved: no object that comes next can make that right. */
  readonly acrossRollouts: boolean;
}

/**
 * Returns the decision on a finding; `off` means that it is not reported. Invalid state is denied. The exception is an
 * update of a referenced object while no update of the Rollout is in progress: a warning lets one commit change both
 * sides. Missing objects and advice are warnings.
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
  const mayFixRolloutNext =
    !situation.subjectAdmitted &&
    situation.operation === 'UPDATE' &&
    !situation.midUpdate &&
    settings.crossObjectUpdates === 'warn';
  return capped(mayFixRolloutNext ? 'warn' : 'deny', setting, situation, settings);
}

/**
 * Returns the decision on a request that is too large to be checked completely. A deletion is not denied where the
 * policy lets users delete what a Rollout needs.
 */
export function decisionOnTooLarge(operation: Situation['operation'], settings: Settings): 'deny' | 'warn' {
  const mayDelete = operation === 'DELETE' && settings.onDelete === 'warn';
  return settings.mode === 'audit' || mayDelete ? 'warn' : settings.onTooLarge;
}

function capped(
  decision: 'deny' | 'warn',
  setting: RuleSetting | undefined,
  situation: Situation,
  settings: Settings,
): 'deny' | 'warn' {
  if (setting === 'warn' || situation.foreign || settings.mode === 'audit') return 'warn';
  return decision === 'deny' && isTolerated(situation, settings) ? 'warn' : decision;
}

/**
 * Reports whether a reconciler is only warned about what others are denied. A mistake in one object alone is still denied,
 * and so is everything while an update of the Rollout is in progress.
 */
function isTolerated(situation: Situation, { crossObjectUpdates }: Settings): boolean {
  const { reconciler, operation, midUpdate, subjectAdmitted } = situation;
  if (reconciler === undefined) return false;
  const { settings, dryRun, acrossObjects, subjectUpdates, acrossRollouts } = reconciler;
  if (dryRun) return settings.dryRun === 'warn' || (settings.dryRun === 'warnAcrossObjects' && acrossObjects);
  return (
    settings.writes === 'warnAcrossObjects' &&
    acrossObjects &&
    !acrossRollouts &&
    crossObjectUpdates === 'warn' &&
    operation === 'UPDATE' &&
    subjectAdmitted &&
    subjectUpdates &&
    !midUpdate
  );
}

import { isDeepStrictEqual } from 'node:util';
import type { Profile } from './profiles.ts';
import { namespaceOf, type KubeObject } from '../world/object.ts';
import { nearest } from '../world/nearest.ts';
import { dig, optionalString } from '../world/read.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import type { World } from '../world/world.ts';
import { submittedCount } from './count.ts';
import {
  CONVERT,
  isConverting,
  migrationAnnotationsOf,
  OFF,
  ownershipOf,
  replicasOf,
  type MigrationAnnotations,
} from './annotations.ts';
import { boundaryProblem } from './boundaries.ts';
import { blockersOf } from './blockers.ts';
import type { Protection } from './conversion-policy.ts';
import { renderRollout, rolloutName } from './render.ts';
import { leastReplicas } from './scalers.ts';
import { isBetweenRevisions, isTemplateObserved, isTrafficStable } from './state.ts';

/** The settings of conversion in a namespace. */
export interface MigrationSettings {
  readonly profiles: Readonly<Record<string, Profile>>;
  /** Whether new conversions are allowed. */
  readonly on: boolean;
  /** Whether an Argo Rollouts controller is known. */
  readonly controllers: boolean;
  /** Whether a Rollgate process converts Deployments, and reverts that. */
  readonly converts: boolean;
  /** Whether that process may write in the namespace: `conversionNamespaces` of the policy does not leave it out. */
  readonly covered: boolean;
  /** Whether no policy is known: perhaps no process converts until there is one. */
  readonly isFallback?: boolean | undefined;
  /** What protects the annotations of conversion. Undefined where nothing has to. */
  readonly protection?: Protection | undefined;
  /** Returns whether Rollouts of the first namespace may control objects of the second. */
  trusted(rollouts: string, objects: string): boolean;
}

/** A write of a Deployment; `before` is undefined on CREATE. */
export interface DeploymentChange {
  readonly before: KubeObject | undefined;
  readonly after: KubeObject;
}

/** What a write of a Deployment means for its conversion. */
export type MigrationPlan =
  /** It does not concern conversion. */
  | { readonly kind: 'none' }
  /**
   * It is converted, or on its way there or back, and asks for nothing new. `because` says why nobody changes its
   * Rollout, if so.
   */
  | { readonly kind: 'continues'; readonly because?: string }
  /** It is converted, no process converts here any more, and it is to be reverted, or its Rollout is gone. */
  | { readonly kind: 'abandoned'; readonly because: string }
  /** It asks for conversion and cannot be converted: the Deployment stays one. */
  | { readonly kind: 'stays'; readonly profile: string; readonly reasons: readonly string[] }
  /** It asks for conversion in a way that the user has to fix. */
  | { readonly kind: 'refused'; readonly profile: string; readonly message: string; readonly fix: string }
  | Migration;

/** A Deployment that becomes a Rollout, or whose Rollout changes its profile. */
export interface Migration {
  readonly kind: 'converts';
  readonly profile: string;
  /** Whether the label of the namespace asks for it, not the Deployment. */
  readonly byNamespace: boolean;
  /** The Rollout that exists already. */
  readonly existing: KubeObject | undefined;
  /** How many pods the Rollout will have. */
  readonly replicas: number;
  /** The Rollout as it would be applied, without a count. */
  readonly rollout: KubeObject;
  /** The uids of the conversion policy and its binding, which prove that this was accepted. */
  readonly policyUids: string | undefined;
}

/**
 * Returns what a write of a Deployment means for its conversion. It asks for something new when the profile that it
 * names changes, or when it is created in a namespace that names one. A Deployment that named its profile before, while
 * Rollgate was not running, counts as one that names it now, and so does one whose annotations prove nothing.
 *
 * @param world - The world after the write.
 */
export function planMigration(change: DeploymentChange, world: World, settings: MigrationSettings): MigrationPlan {
  const { before, after } = change;
  const old = before === undefined ? undefined : migrationAnnotationsOf(before);
  const byNamespace = before === undefined && optionalString(dig(after.metadata, 'annotations', CONVERT)) === undefined;
  const asked = byNamespace ? namespaceProfile(world, namespaceOf(after)) : migrationAnnotationsOf(after).profile;
  if (isForgotten(before, world, settings)) return { kind: 'abandoned', because: 'Rollgate has no valid policy' };
  const converting = old !== undefined && isConverting(old);
  // Where nothing is converted, nothing has to be proven.
  const continues = converting && (asked === undefined || !settings.covered || isProven(old, after, world, settings));
  if (continues) {
    const plan = going({ before: before ?? after, after }, { asked, old: old.profile }, world, settings);
    if (plan !== undefined) return plan;
  }
  if (asked === undefined) return { kind: 'none' };
  // No other reason matters there, and no mistake is worth a denial.
  if (!settings.covered) return stays(asked, [`${uncovered(namespaceOf(after))}: ${HOW_TO_COVER}`]);

  const profile = Object.hasOwn(settings.profiles, asked) ? settings.profiles[asked] : undefined;
  if (profile === undefined) return unknownProfile(asked, byNamespace, settings);
  return planFor(change, { profile, asked, byNamespace, continues }, world, settings);
}

/**
 * Returns whether a Deployment has no pods because a Rollout will be made of it, and perhaps no process does that. One
 * that does know the policy makes it nevertheless, and then scales the Deployment down.
 */
function isForgotten(deployment: KubeObject | undefined, world: World, { isFallback }: MigrationSettings): boolean {
  if (isFallback !== true || deployment === undefined) return false;
  const annotations = migrationAnnotationsOf(deployment);
  const wanted = annotations.replicas ?? 0;
  return (
    isConverting(annotations) &&
    annotations.suspended === undefined &&
    replicasOf(deployment) === 0 &&
    wanted > 0 &&
    rolloutOf(deployment, '', world) === undefined &&
    // Among Rollouts that are not known there may be the one that runs its pods.
    world.get('Rollout.argoproj.io', namespaceOf(deployment), deployment.metadata.name).state !== 'unknown'
  );
}

/** Returns whether a write may need `MigrationSettings.protection`. */
export function needsProtection({ before, after }: DeploymentChange): boolean {
  if (before === undefined) return true;
  return migrationAnnotationsOf(after).profile !== undefined && migrationAnnotationsOf(before).rolloutUid === undefined;
}

// Once there is a Rollout, the reconciler decides what it proves.
function isProven(
  { rolloutUid, policyUids }: MigrationAnnotations,
  after: KubeObject,
  world: World,
  { protection }: MigrationSettings,
): boolean {
  if (rolloutUid !== undefined || protection === undefined || 'why' in protection) return true;
  if (policyUids === protection.uids) return true;
  const existing = rolloutOf(after, '', world);
  return existing !== undefined && ownershipOf(existing, after) === 'ours';
}

/** Returns the plan of a Deployment that is converted already; undefined if it asks for another profile. */
function going(
  { before, after }: { readonly before: KubeObject; readonly after: KubeObject },
  { asked, old }: { readonly asked: string | undefined; readonly old: string | undefined },
  world: World,
  settings: MigrationSettings,
): MigrationPlan | undefined {
  const changes = asked !== undefined && asked !== old;
  const because = whyUnattended(settings, after);
  if (because === undefined) return changes ? undefined : { kind: 'continues' };
  const rollout = rolloutOf(before, '', world);
  if (rollout === undefined) return { kind: 'abandoned', because };
  if (changes) return undefined;
  const stays = asked !== undefined || (old !== undefined && isKeptByNamespace(after, world));
  return stays || !isReplaceable(rollout, before, after)
    ? { kind: 'continues', because }
    : { kind: 'abandoned', because };
}

function whyUnattended({ converts, covered }: MigrationSettings, deployment: KubeObject): string | undefined {
  if (!converts) return IS_OFF;
  return covered ? undefined : uncovered(namespaceOf(deployment));
}

// In a labelled namespace, a manifest without the annotation does not ask to convert back.
function isKeptByNamespace(after: KubeObject, world: World): boolean {
  return (
    dig(after.metadata, 'annotations', CONVERT) === undefined &&
    namespaceProfile(world, namespaceOf(after)) !== undefined
  );
}

/**
 * Returns whether a Deployment that is scaled up at once starts what its Rollout serves. Otherwise it would start
 * another version, and a Service that selects both would send traffic there.
 */
function isReplaceable(rollout: KubeObject, before: KubeObject, after: KubeObject): boolean {
  return (
    !isBetweenRevisions(rollout) &&
    isTrafficStable(rollout) &&
    isTemplateObserved(rollout, before) &&
    isDeepStrictEqual(dig(before, 'spec', 'template'), dig(after, 'spec', 'template'))
  );
}

function uncovered(namespace: string): string {
  return `Rollgate may not convert in namespace "${namespace}", which conversion.namespaces does not name`;
}

const IS_OFF = 'conversion is off here';
const HOW_TO_COVER = `ask for it to be added, or set ${CONVERT}: "${OFF}"`;

interface Asked {
  readonly profile: Profile;
  readonly asked: string;
  readonly byNamespace: boolean;
  readonly continues: boolean;
}

function planFor(change: DeploymentChange, asked: Asked, world: World, settings: MigrationSettings): MigrationPlan {
  const { after } = change;
  const existing = rolloutOf(after, rolloutName(asked.profile, after), world);
  const belonging = existing === undefined ? undefined : ownershipOf(existing, after);
  const reasons = [
    ...preventedBy(settings, after),
    ...(asked.continues || settings.protection === undefined || !('why' in settings.protection)
      ? []
      : [settings.protection.why]),
    ...(asked.continues || belonging === 'foreign' ? [] : blockersOf(after, world)),
  ];
  if (reasons.length > 0) return stays(asked.asked, reasons);
  if (belonging === 'foreign') return nameTaken(asked.asked, existing?.metadata.name ?? '', asked.byNamespace);
  const { protection } = settings;
  const policyUids = protection !== undefined && 'uids' in protection ? protection.uids : undefined;
  const migration = conversionOf(change, { ...asked, policyUids }, belonging === 'ours' ? existing : undefined, world);
  const named = { name: asked.asked, profile: asked.profile };
  const problem = boundaryProblem(named, after, migration.rollout, (from, to) => settings.trusted(from, to));
  if (problem === undefined) return migration;
  return asked.byNamespace
    ? stays(asked.asked, [`${problem.message}: ${problem.fix}`])
    : { kind: 'refused', profile: asked.asked, ...problem };
}

function conversionOf(
  { before, after }: DeploymentChange,
  { profile, asked, byNamespace, continues, policyUids }: Asked & Pick<Migration, 'policyUids'>,
  existing: KubeObject | undefined,
  world: World,
): Migration {
  const noted = before === undefined ? undefined : migrationAnnotationsOf(before).replicas;
  // A write while Rollgate was not running may have removed the notes, and set the count to the default of the API
  // server.
  const wanted = submittedCount({ submitted: after, old: before }) ?? noted ?? replicasOf(existing ?? before ?? after);
  const name = existing?.metadata.name ?? rolloutName(profile, after);
  const replicas = continues || wanted === 0 ? wanted : Math.max(wanted, leastReplicas(world, after, name));
  return {
    kind: 'converts',
    profile: asked,
    byNamespace,
    existing,
    replicas,
    rollout: renderRollout(after, profile, { replicas, name }),
    policyUids,
  };
}

function preventedBy(settings: MigrationSettings, after: KubeObject): string[] {
  if (!settings.on || !settings.converts) return [IS_OFF];
  if (!settings.controllers) return ['no Argo Rollouts controller is known to run here'];
  return isUnnamed(after) ? ['it has no name yet (generateName), and a Rollout is named after it'] : [];
}

function nameTaken(asked: string, name: string, byNamespace: boolean): MigrationPlan {
  if (byNamespace) return stays(asked, [`Rollout "${name}" exists and was not created for it`]);
  return {
    kind: 'refused',
    profile: asked,
    message: `Rollout "${name}" already exists and was not created for this Deployment`,
    fix: 'delete that Rollout, or use a profile that gives it another name',
  };
}

/** Returns the profile for Deployments that are created in a namespace, or undefined. */
export function namespaceProfile(world: World, namespace: string): string | undefined {
  const found = world.get('Namespace', '', namespace);
  const label = found.state === 'present' ? optionalString(dig(found.object.metadata, 'labels', CONVERT)) : undefined;
  return label === OFF ? undefined : label;
}

/**
 * Returns the Rollout that was made from a Deployment, or else the one with a given name. One that is being deleted
 * counts as absent.
 *
 * @param name - The name that its Rollout would get.
 */
export function rolloutOf(deployment: KubeObject, name: string, world: World): KubeObject | undefined {
  const ours = world
    .referrers(`Deployment.apps/${namespaceOf(deployment)}/${deployment.metadata.name}`)
    .find(
      (object) => object.kind === 'Rollout' && !isBeingDeleted(object) && ownershipOf(object, deployment) === 'ours',
    );
  if (ours !== undefined) return ours;
  const named = world.get('Rollout.argoproj.io', namespaceOf(deployment), name);
  return named.state === 'present' && !isBeingDeleted(named.object) ? named.object : undefined;
}

/**
 * Returns the plan of a Deployment that stays one.
 *
 * @param reasons - What prevents the conversion.
 */
export function stays(profile: string, reasons: readonly string[]): MigrationPlan {
  return { kind: 'stays', profile, reasons };
}

function unknownProfile(name: string, byNamespace: boolean, { profiles, on }: MigrationSettings): MigrationPlan {
  if (!on) return stays(name, [IS_OFF]);
  if (byNamespace) return stays(name, [`the label of the namespace names profile "${name}", which does not exist`]);
  const known = Object.keys(profiles).sort();
  const meant = nearest(name, known);
  return {
    kind: 'refused',
    profile: name,
    message: `conversion profile "${name}" not found (available: ${known.join(', ') || 'none'})`,
    fix: meant === undefined ? 'use one of them, or remove the annotation' : `use "${meant}", or remove the annotation`,
  };
}

// In a request, an object without a name has its generateName in place of it.
function isUnnamed({ metadata }: KubeObject): boolean {
  return metadata.name === '' || (metadata.name.endsWith('-') && metadata['generateName'] === metadata.name);
}

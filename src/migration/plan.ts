import type { Profile } from './profiles.ts';
import { namespaceOf, type KubeObject } from '../world/object.ts';
import { nearest } from '../world/nearest.ts';
import { dig, optionalString } from '../world/read.ts';
import { isBeingDeleted } from '../world/rollout.ts';
import type { World } from '../world/world.ts';
import { submittedCount } from './count.ts';
import { ownershipOf, CONVERT, isConverting, migrationAnnotationsOf, OFF, replicasOf } from './annotations.ts';
import { blockersOf } from './blockers.ts';
import { renderRollout, rolloutName } from './render.ts';
import { leastReplicas } from './scalers.ts';

/** What conversion has to know besides the world. */
export interface MigrationSettings {
  readonly profiles: Readonly<Record<string, Profile>>;
  /** Whether anything may be converted anew. */
  readonly on: boolean;
  /** Whether somebody is there who runs Rollouts. */
  readonly controllers: boolean;
  /** Whether somebody is there who makes Rollouts of Deployments, and Deployments of Rollouts. */
  readonly converts: boolean;
}

/** A write of a Deployment; `before` is undefined on CREATE. */
export interface DeploymentChange {
  readonly before: KubeObject | undefined;
  readonly after: KubeObject;
}

/** What a write of a Deployment means for its conversion. */
export type MigrationPlan =
  /** It has nothing to do with it. */
  | { readonly kind: 'none' }
  /** It is converted, or on its way there or back, and nothing new is asked for. */
  | { readonly kind: 'continues' }
  /** It is converted, nobody converts here any more, and it is to go back, or its Rollout is gone. */
  | { readonly kind: 'abandoned' }
  /** It is asked for and cannot be; the Deployment stays one. */
  | { readonly kind: 'stays'; readonly profile: string; readonly reasons: readonly string[] }
  /** It is asked for in a way that somebody has to mend. */
  | { readonly kind: 'refused'; readonly profile: string; readonly message: string; readonly fix: string }
  | Migration;

/** A Deployment that becomes a Rollout, or whose Rollout becomes another. */
export interface Migration {
  readonly kind: 'converts';
  readonly profile: string;
  /** Whether the label of the namespace asks for it, and not the Deployment. */
  readonly byNamespace: boolean;
  /** The Rollout that there is already. */
  readonly existing: KubeObject | undefined;
  /** How many pods the Rollout is to have. */
  readonly replicas: number;
  /** The Rollout as it would be applied. */
  readonly rollout: KubeObject;
}

/**
 * In: a write of a Deployment, the world once it is made, and the settings. Out: what it means. Something is asked for
 * when the profile that the Deployment names changes, or when it is created in a namespace that names one; a Deployment
 * that named it before and was not let in as one to be converted (Rollgate was not there) is taken as one that names it
 * now.
 */
export function planMigration(change: DeploymentChange, world: World, settings: MigrationSettings): MigrationPlan {
  const { before, after } = change;
  const old = before === undefined ? undefined : migrationAnnotationsOf(before);
  const byNamespace = before === undefined && optionalString(dig(after.metadata, 'annotations', CONVERT)) === undefined;
  const asked = byNamespace ? namespaceProfile(world, namespaceOf(after)) : migrationAnnotationsOf(after).profile;
  const continues = old !== undefined && isConverting(old);
  if (asked === undefined || (continues && asked === old.profile))
    return continues ? going(after, asked, world, settings) : { kind: 'none' };

  const profile = Object.hasOwn(settings.profiles, asked) ? settings.profiles[asked] : undefined;
  if (profile === undefined)
    return byNamespace
      ? stays(asked, [`the namespace asks for profile "${asked}", which there is not`])
      : unknownProfile(asked, settings);
  return planFor(change, { profile, asked, byNamespace, continues }, world, settings);
}

function going(
  after: KubeObject,
  asked: string | undefined,
  world: World,
  { converts }: MigrationSettings,
): MigrationPlan {
  return converts || (asked !== undefined && rolloutOf(after, '', world) !== undefined)
    ? { kind: 'continues' }
    : { kind: 'abandoned' };
}

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
    ...(asked.continues || belonging === 'foreign' ? [] : blockersOf(after, world)),
  ];
  if (reasons.length > 0) return stays(asked.asked, reasons);
  if (belonging === 'foreign') return nameTaken(asked.asked, existing?.metadata.name ?? '', asked.byNamespace);
  return conversion(change, asked, belonging === 'ours' ? existing : undefined, world);
}

function conversion(
  { before, after }: DeploymentChange,
  { profile, asked, byNamespace, continues }: Asked,
  existing: KubeObject | undefined,
  world: World,
): Migration {
  const noted = before === undefined ? undefined : migrationAnnotationsOf(before).replicas;
  // Written while Rollgate was not there, the Deployment may have lost its notes, and its count to the API server's
  // default.
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
  };
}

function preventedBy(settings: MigrationSettings, after: KubeObject): string[] {
  if (!settings.on || !settings.converts) return ['conversion is off here'];
  if (!settings.controllers) return ['no Argo Rollouts controller is known to run here'];
  return isUnnamed(after) ? ['it has no name yet (generateName), and a Rollout is named after it'] : [];
}

function nameTaken(asked: string, name: string, byNamespace: boolean): MigrationPlan {
  if (byNamespace) return stays(asked, [`there is a Rollout "${name}" that was not made of it`]);
  return {
    kind: 'refused',
    profile: asked,
    message: `there is a Rollout "${name}" already, which was not made of this Deployment`,
    fix: 'delete that Rollout, or name a profile that gives another name',
  };
}

/** In: a world and a namespace. Out: the profile for Deployments that are created there, or undefined. */
export function namespaceProfile(world: World, namespace: string): string | undefined {
  const found = world.get('Namespace', '', namespace);
  const label = found.state === 'present' ? optionalString(dig(found.object.metadata, 'labels', CONVERT)) : undefined;
  return label === OFF ? undefined : label;
}

/**
 * In: a Deployment, the name that its Rollout would get, and the world. Out: the Rollout that is made of it, or else
 * the one that has that name, being deleted or not there counting as none.
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

/** In: a profile, and what stands in the way. Out: the plan of a Deployment that stays one. */
export function stays(profile: string, reasons: readonly string[]): MigrationPlan {
  return { kind: 'stays', profile, reasons };
}

function unknownProfile(name: string, { profiles }: MigrationSettings): MigrationPlan {
  const known = Object.keys(profiles).sort();
  const meant = nearest(name, known);
  return {
    kind: 'refused',
    profile: name,
    message: `there is no conversion profile "${name}" (there is ${known.join(', ') || 'none'})`,
    fix:
      meant === undefined
        ? 'name one of them, or take the annotation away'
        : `write "${meant}", or take the annotation away`,
  };
}

// Read from a request, an object without a name has its generateName in the place of it.
function isUnnamed({ metadata }: KubeObject): boolean {
  return metadata.name === '' || (metadata.name.endsWith('-') && metadata['generateName'] === metadata.name);
}

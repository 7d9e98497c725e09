import type { Operation } from 'fast-json-patch';
import { isConverting, migrationAnnotationsOf, OFF, replicasOf } from '../../migration/annotations.ts';
import {
  namespaceProfile,
  rolloutOf,
  type DeploymentChange,
  type Migration,
  type MigrationPlan,
} from '../../migration/plan.ts';
import {
  abandonMigration,
  beginMigration,
  continueMigration,
  withoutForeignAnnotations,
} from '../../migration/replica-patch.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import type { World } from '../../world/world.ts';
import { beginningNotes, continuingNotes, note, pods, unattendedNotes } from './notes.ts';

/** What is made of a Deployment at admission. */
export interface MigratedDeployment {
  readonly operations: readonly Operation[];
  readonly patched: KubeObject;
  /** What the user is told, a line each. */
  readonly notes: readonly string[];
  /** Whether its replica count has been decided here, so that no keep may decide about it as well. */
  readonly decided: boolean;
}

/** What the evaluation of a conversion came to. */
export interface MigrationOutcome {
  /** Whether something prevents the conversion. */
  readonly refused: boolean;
  /** Whether the write will be denied for it. */
  readonly denied: boolean;
  /** What prevents it, a warning each. */
  readonly reasons: readonly string[];
  /** Whether the Rollout needs something that does not exist yet. */
  readonly incomplete: boolean;
}

/**
 * Carries a plan out on the submitted Deployment.
 *
 * @param world - The world after the write.
 */
export function migrate(
  change: DeploymentChange,
  plan: MigrationPlan,
  outcome: MigrationOutcome,
  world: World,
): MigratedDeployment {
  switch (plan.kind) {
    case 'converts':
      return outcome.refused ? refused(change, outcome, world) : begun(change, plan, outcome, world);
    case 'continues':
      return continued(change, world, false, plan.because);
    case 'abandoned':
      return abandoned(change, plan.because, world);
    case 'stays':
      return unchanged(change, plan, world);
    case 'refused':
      return refused(change, outcome, world);
    case 'none':
      return unconverted(change);
  }
}

// A Rollout that lacks something has no pods until that exists, however long it takes.
function begun(
  change: DeploymentChange,
  plan: Migration,
  { incomplete }: MigrationOutcome,
  world: World,
): MigratedDeployment {
  const patch = beginMigration(change, plan, incomplete);
  return { ...patch, notes: beginningNotes(change, plan, patch.atZero, world), decided: true };
}

function abandoned(change: DeploymentChange, because: string, world: World): MigratedDeployment {
  const { before, after } = change;
  if (before === undefined) return unconverted(change);
  const name = rolloutOf(before, '', world)?.metadata.name;
  const rest = name === undefined ? '' : `; delete Rollout "${name}" yourself`;
  return {
    ...abandonMigration(before, after, profileOfNamespace(before, after, world)),
    notes: [note(after, `${because}, so the Deployment runs its own pods again${rest}`)],
    decided: true,
  };
}

function unchanged(
  change: DeploymentChange,
  { profile, reasons }: Extract<MigrationPlan, { kind: 'stays' }>,
  world: World,
): MigratedDeployment {
  const result = continued(change, world, true);
  return {
    ...result,
    notes: [
      ...(result.decided ? [] : result.notes),
      ...reasons.map((reason) => note(change.after, `not converted (profile ${profile}): ${reason}`)),
    ],
  };
}

// If the mutating side restored the annotation of a write that is denied, the validating side would never see what was
// asked for, and could not say what is wrong with it.
function refused(change: DeploymentChange, { denied, reasons }: MigrationOutcome, world: World): MigratedDeployment {
  const result = continued(change, world, !denied);
  return { ...result, notes: [...result.notes, ...(result.decided && !denied ? reasons : [])] };
}

/**
 * Continues with what was asked for before, even if that was nothing.
 *
 * @param asBefore - Whether something else is asked for now, and is not done.
 * @param because - Why nobody changes its Rollout, if so.
 */
function continued(change: DeploymentChange, world: World, asBefore: boolean, because?: string): MigratedDeployment {
  const { before, after } = change;
  const old = before === undefined ? undefined : migrationAnnotationsOf(before);
  if (before === undefined || old?.replicas === undefined) return unconverted(change);
  const patch =
    asBefore && isConverting(old)
      ? continueMigration(before, after, old.profile ?? OFF, true)
      : continueMigration(before, after, profileOfNamespace(before, after, world));
  const notes =
    because === undefined
      ? continuingNotes(before, patch.patched, patch.atZero, world)
      : unattendedNotes(before, patch.patched, because, world);
  return { ...patch, notes, decided: true };
}

// In a labelled namespace, a manifest without the annotation keeps the profile.
function profileOfNamespace(before: KubeObject, after: KubeObject, world: World): string | undefined {
  return namespaceProfile(world, namespaceOf(after)) === undefined ? undefined : migrationAnnotationsOf(before).profile;
}

function unconverted({ before, after }: DeploymentChange): MigratedDeployment {
  const patch = withoutForeignAnnotations(before, after);
  const count = replicasOf(patch.patched);
  const notes =
    count === replicasOf(after)
      ? []
      : [
          note(
            after,
            `exported at 0 replicas while a Rollout ran its pods: it gets the ${pods(count)} recorded in its annotations`,
          ),
        ];
  return { ...patch, notes, decided: false };
}

import type { Operation } from 'fast-json-patch';
import {
  abandonMigration,
  beginMigration,
  continueMigration,
  withoutForeignAnnotations,
} from '../../migration/replica-patch.ts';
import {
  MIGRATION_RULE,
  CONVERT,
  hasMigrationAnnotations,
  isConverting,
  migrationAnnotationsOf,
  OFF,
  replicasOf,
} from '../../migration/annotations.ts';
import { adviceFor } from '../../migration/advice.ts';
import {
  namespaceProfile,
  planMigration,
  rolloutOf,
  type Migration,
  type MigrationPlan,
  type MigrationSettings,
  type DeploymentChange,
} from '../../migration/plan.ts';
import { rolloutName, withReplicas } from '../../migration/render.ts';
import type { Policy, Settings } from '../../policy/policy.ts';
import type { Finding, FindingClass } from '../../rules/finding.ts';
import { keyFor, keyOf, kindOf, namespaceOf, type KubeObject, type ObjectKey } from '../../world/object.ts';
import { asArray, dig, asObject, optionalString } from '../../world/read.ts';
import type { World } from '../../world/world.ts';
import { decideFindings, type Change, type DecisionContext } from '../judge.ts';

/** In: a policy, the settings of a namespace, and who is there to act. Out: what conversion goes by there. */
export function migrationSettings(
  policy: Policy,
  settings: Settings,
  there: Pick<MigrationSettings, 'controllers' | 'converts'>,
): MigrationSettings {
  return { profiles: policy.profiles, on: settings.conversion === 'on', ...there };
}

/**
 * In: an object before and after a write, and the world. Out: the write, where it may have to do with conversion; it
 * costs next to nothing where it does not.
 */
export function deploymentChange(
  before: KubeObject | undefined,
  after: KubeObject | undefined,
  world: World,
): DeploymentChange | undefined {
  if (after === undefined || kindOf(after) !== 'Deployment.apps') return undefined;
  if (hasMigrationAnnotations(after) || (before !== undefined && hasMigrationAnnotations(before)))
    return { before, after };
  return before === undefined && namespaceProfile(world, namespaceOf(after)) !== undefined
    ? { before, after }
    : undefined;
}

/**
 * In: a write of a Deployment, and the policy. Out: the objects that decide whether it can be converted, to be read
 * anew before it is.
 */
export function decisiveObjects({ after }: DeploymentChange, world: World, policy: Policy): ObjectKey[] {
  const namespace = namespaceOf(after);
  const name = migrationAnnotationsOf(after).profile ?? namespaceProfile(world, namespace) ?? '';
  const profile = Object.hasOwn(policy.profiles, name) ? policy.profiles[name] : undefined;
  const claims = asArray(dig(after, 'spec', 'template', 'spec', 'volumes')).flatMap(
    (volume) => optionalString(dig(volume, 'persistentVolumeClaim', 'claimName')) ?? [],
  );
  return [
    keyFor('Namespace', '', namespace),
    ...(profile === undefined ? [] : [keyFor('Rollout.argoproj.io', namespace, rolloutName(profile, after))]),
    ...claims.map((claim) => keyFor('PersistentVolumeClaim', namespace, claim)),
  ];
}

/** In: a Deployment that becomes a Rollout. Out: the changes that come of it: its own, and that of the Rollout. */
export function changesOf({ before, after }: DeploymentChange, { existing, rollout, replicas }: Migration): Change[] {
  if (existing === undefined)
    return [
      { before, after },
      { before: undefined, after: withReplicas(rollout, replicas) },
    ];
  const merged: KubeObject = {
    ...existing,
    metadata: { ...existing.metadata, ...rollout.metadata },
    spec: { ...asObject(existing['spec']), ...asObject(rollout['spec']) },
  };
  return [
    { before, after },
    { before: existing, after: merged },
  ];
}

const PATH = ['metadata', 'annotations', CONVERT];

/**
 * In: findings, a Deployment and the Rollout that it becomes. Out: the findings; those about the Rollout, which its
 * owner has not written, are told of the annotation that asks for it, with the profile.
 */
export function attributedToDeployment(
  findings: readonly Finding[],
  deployment: KubeObject,
  { profile, rollout }: Migration,
): Finding[] {
  const key = keyOf(rollout);
  return findings.map((finding) => {
    if (keyOf(finding.subject) !== key) return finding;
    const message = `profile "${profile}" makes Rollout "${rollout.metadata.name}": ${finding.message}`;
    return {
      ...finding,
      subject: deployment,
      object: deployment,
      path: PATH,
      related: [],
      message,
      anchor: `${finding.messageId} ${finding.anchor}`,
    };
  });
}

/** What is found in the Deployment and the Rollout that it would become, and what follows. */
export interface EvaluatedMigration {
  readonly findings: readonly Finding[];
  /** Whether anything stands against it, be it only a warning by the policy's mode: then it is not done. */
  readonly refused: boolean;
  /** Whether the Rollout needs something that is not there yet: its pods may be long in coming. */
  readonly incomplete: boolean;
}

/** In: what decides about findings. Out: the same where the policy does more than warn. */
export function enforced(circumstances: DecisionContext): DecisionContext {
  return { ...circumstances, settings: (namespace) => ({ ...circumstances.settings(namespace), mode: 'enforce' }) };
}

/**
 * In: findings, a Deployment that becomes a Rollout, and what decides about findings. Out: those findings as its owner
 * is told of them, and what follows.
 */
export function evaluateMigration(
  findings: readonly Finding[],
  { before, after }: DeploymentChange,
  plan: Migration,
  circumstances: DecisionContext,
): EvaluatedMigration {
  const rollout = keyOf(plan.rollout);
  const incomplete = findings.some(({ class: found, subject }) => found === 'missing' && keyOf(subject) === rollout);
  const told = attributedToDeployment(findings, after, plan);
  // Where the policy only warns, the Deployment passes; a Rollout that cannot work is not made all the same.
  const refused = decideFindings(told, [{ before, after }], enforced(circumstances)).some(
    ({ decision, finding }) => decision === 'deny' && keyOf(finding.subject) === keyOf(after),
  );
  // Who writes an ordinary Deployment has not asked for anything.
  return {
    findings:
      refused && plan.byNamespace
        ? told.map((finding) => (isAsked(finding, after) ? unasked(finding) : finding))
        : told,
    refused,
    incomplete,
  };
}

function isAsked({ class: found, subject, path }: Finding, deployment: KubeObject): boolean {
  return found === 'invalid' && path === PATH && keyOf(subject) === keyOf(deployment);
}

function unasked(finding: Finding): Finding {
  return { ...finding, class: 'advice', message: `not converted: ${finding.message}` };
}

/** In: a Deployment, and why it is refused. Out: that as a finding. */
export function refusal(
  deployment: KubeObject,
  message: string,
  fix: string,
  found: FindingClass = 'invalid',
): Finding {
  return {
    rule: MIGRATION_RULE,
    messageId: 'refused',
    class: found,
    subject: deployment,
    object: deployment,
    path: PATH,
    related: [],
    anchor: message,
    message,
    fix,
    dependsOn: new Set([keyOf(deployment)]),
  };
}

/** A Deployment of a bundle, and what it means for its conversion. */
export interface BundlePlan {
  readonly change: DeploymentChange;
  readonly plan: MigrationPlan;
}

/** Likewise, once it was judged. */
export interface EvaluatedPlan extends BundlePlan {
  readonly refused: boolean;
  readonly incomplete: boolean;
}

/**
 * In: changes, the world once they are made, and what conversion goes by in a namespace. Out: those of Deployments that
 * have to do with conversion; nobody's rights are asked for.
 */
export function plansIn(
  changes: readonly Change[],
  after: World,
  settings: (namespace: string) => MigrationSettings,
): BundlePlan[] {
  return changes.flatMap(({ before, after: object }) => {
    const change = deploymentChange(before, object, after);
    return change === undefined
      ? []
      : [{ change, plan: planMigration(change, after, settings(namespaceOf(change.after))) }];
  });
}

/** What is made of a Deployment on its way in. */
export interface MigratedDeployment {
  readonly operations: readonly Operation[];
  readonly patched: KubeObject;
  readonly notes: readonly string[];
  /** Whether its count has been decided here, so that no keep decides about it as well. */
  readonly decided: boolean;
}

/** How what a write means for a conversion was judged. */
export interface MigrationOutcome {
  /** Whether something stands against it, so that it is not done. */
  readonly refused: boolean;
  /** Whether the write will be denied for it. */
  readonly denied: boolean;
  /** What stands against it. */
  readonly reasons: readonly string[];
  /** Whether the Rollout needs something that is not there yet. */
  readonly incomplete: boolean;
}

/**
 * In: a write of a Deployment, what it means, how that was judged, and the world once it is made. Out: what is made of
 * it, and what its author is told.
 */
export function migrate(
  change: DeploymentChange,
  plan: MigrationPlan,
  outcome: MigrationOutcome,
  world: World,
): MigratedDeployment {
  switch (plan.kind) {
    case 'converts':
      if (outcome.refused) return unfulfilled(change, outcome, world);
      return begun(change, plan, outcome, world);
    case 'continues':
      return continued(change, world, false);
    case 'abandoned':
      return abandoned(change, world);
    case 'stays':
      return unchanged(change, plan, world);
    case 'refused':
      return unfulfilled(change, outcome, world);
    case 'none':
      return unconverted(change);
  }
}

// A Rollout that lacks something has no pods until that is there, however long it takes.
function begun(
  change: DeploymentChange,
  plan: Migration,
  { incomplete }: MigrationOutcome,
  world: World,
): MigratedDeployment {
  const held = beginMigration(change, plan, incomplete);
  return { ...held, notes: beginning(change, plan, held.atZero, world), decided: true };
}

function abandoned(change: DeploymentChange, world: World): MigratedDeployment {
  const { before, after } = change;
  if (before === undefined) return unconverted(change);
  const name = rolloutOf(after, '', world)?.metadata.name;
  const rest = name === undefined ? '' : `; Rollout "${name}" stays until somebody deletes it`;
  return {
    ...abandonMigration(before, after),
    notes: [note(`no Rollgate converts here any more: it gets its own pods${rest}`)],
    decided: true,
  };
}

function unchanged(
  change: DeploymentChange,
  { profile, reasons }: Extract<MigrationPlan, { kind: 'stays' }>,
  world: World,
): MigratedDeployment {
  const kept = continued(change, world, true);
  return {
    ...kept,
    notes: [
      ...(kept.decided ? [] : kept.notes),
      ...reasons.map((reason) => note(`not converted by profile "${profile}": ${reason}`)),
    ],
  };
}

// Put back by the mutating side, what was asked for would never come before the validating side, which tells a denial
// better.
function unfulfilled(
  change: DeploymentChange,
  { denied, reasons }: MigrationOutcome,
  world: World,
): MigratedDeployment {
  const kept = continued(change, world, !denied);
  return { ...kept, notes: [...kept.notes, ...(kept.decided && !denied ? reasons : [])] };
}

// Where something new is asked for and not done, what was asked for before goes on, be it that nothing was.
function continued(change: DeploymentChange, world: World, asBefore: boolean): MigratedDeployment {
  const { before, after } = change;
  const old = before === undefined ? undefined : migrationAnnotationsOf(before);
  if (before === undefined || old?.replicas === undefined) return unconverted(change);
  const byNamespace = namespaceProfile(world, namespaceOf(after)) === undefined ? undefined : old.profile;
  const held =
    asBefore && isConverting(old)
      ? continueMigration(before, after, old.profile ?? OFF, true)
      : continueMigration(before, after, byNamespace);
  return { ...held, notes: continuing(before, held.patched, held.atZero, world), decided: true };
}

function unconverted({ before, after }: DeploymentChange): MigratedDeployment {
  const held = withoutForeignAnnotations(before, after);
  const count = replicasOf(held.patched);
  const notes =
    count === replicasOf(after)
      ? []
      : [note(`is at 0 and was exported where a Rollout ran its pods: it gets as many as are noted on it, ${count}`)];
  return { ...held, notes, decided: false };
}

function beginning(
  { before, after }: DeploymentChange,
  { rollout, profile, replicas, existing }: Migration,
  atZero: boolean,
  world: World,
): string[] {
  const { name } = rollout.metadata;
  const pods = replicas === 1 ? '1 pod' : `${replicas} pods`;
  const what =
    existing === undefined
      ? `Rollout "${name}" will be made of it (profile "${profile}") and run its ${pods}`
      : `Rollout "${name}" takes up profile "${profile}"`;
  const healthy = atZero ? [`a Deployment at 0 counts as Healthy: look at Rollout "${name}" for its pods`] : [];
  const waiting =
    before === undefined && !atZero
      ? [`it runs its pods itself until Rollout "${name}" is healthy, which needs something that is not there yet`]
      : [];
  return [what, ...healthy, ...waiting, ...adviceFor(after, name, world, { besides: 'rules' })].map(note);
}

function continuing(before: KubeObject, after: KubeObject, atZero: boolean, world: World): string[] {
  const marks = migrationAnnotationsOf(after);
  const name = rolloutOf(after, '', world)?.metadata.name;
  if (marks.profile === undefined)
    return migrationAnnotationsOf(before).profile === undefined
      ? []
      : [
          note(
            `goes back to being a Deployment: ${name === undefined ? 'its Rollout' : `Rollout "${name}"`} goes once its own pods serve`,
          ),
        ];
  if (marks.suspended !== undefined) return [note(`its conversion is suspended: ${marks.suspended}`)];
  const known = new Set(adviceFor(before, name ?? '', world, { besides: 'rules' }));
  const news = adviceFor(after, name ?? '', world, { besides: 'rules' }).filter((line) => !known.has(line));
  const healthy = atZero
    ? [`stays at 0, which counts as Healthy: ${name === undefined ? 'its Rollout' : `Rollout "${name}"`} runs its pods`]
    : [];
  return [...healthy, ...news].map(note);
}

function note(text: string): string {
  return `${text} [${MIGRATION_RULE}]`;
}

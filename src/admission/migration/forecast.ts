import { adviceFor } from '../../migration/advice.ts';
import {
  CONVERT,
  migrationAnnotationsOf,
  OFF,
  ROLLOUT_UID,
  SUSPENDED,
  type MigrationAnnotations,
} from '../../migration/annotations.ts';
import { namespaceProfile, planMigration, type DeploymentChange, type MigrationPlan } from '../../migration/plan.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Rule } from '../../rules/define.ts';
import { sortFindings, renderText } from '../../rules/finding.ts';
import { keyOf, namespaceOf, type KubeObject } from '../../world/object.ts';
import { asObject, dig } from '../../world/read.ts';
import type { World } from '../../world/world.ts';
import { worldAfter } from '../change.ts';
import { decideFindings, decisionContextOf, enforced } from '../decisions.ts';
import { introducedBy } from '../introduced.ts';
import { migrationSettings } from './deployment-change.ts';
import { attributedToDeployment, changesOf } from './evaluate.ts';
import { migrate, type MigratedDeployment } from './migrate.ts';

/** By what Deployments are evaluated. */
export interface ForecastOptions {
  readonly world: World;
  readonly rules: readonly Rule[];
  readonly policy: Policy;
  /** The profile for Deployments that name none and whose namespace names none. */
  readonly profile: string;
  /** Whether an Argo Rollouts controller is known. */
  readonly controllers: boolean;
  /** Whether the Deployments are stored already, so that their pods run. */
  readonly stored: boolean;
}

/** What one Deployment would become. */
export interface Forecast {
  readonly namespace: string;
  readonly name: string;
  readonly profile: string;
  /**
   * - `converted`: it is converted already;
   * - `suspended`: it asks to be, and Rollgate has suspended that;
   * - `back`: it is becoming a plain Deployment again;
   * - `yes`: it can be converted;
   * - `no`: something about it prevents it;
   * - `mistake`: something must be fixed first;
   * - `off`: it asks not to be converted.
   */
  readonly verdict: 'converted' | 'suspended' | 'back' | 'yes' | 'no' | 'mistake' | 'off';
  /** What prevents the conversion. */
  readonly reasons: readonly string[];
  /** What has to be changed elsewhere, and what is worth knowing. */
  readonly advice: readonly string[];
  readonly rollout: string;
  readonly replicas: number | undefined;
}

/** A forecast, and the objects it is about. */
export interface Foreseen {
  readonly forecast: Forecast;
  readonly plan: MigrationPlan;
  /** What would be stored of the Deployment. */
  readonly converted: MigratedDeployment;
}

/**
 * Returns what would become of a Deployment if it asked to be converted. It does not ask whether a user may create
 * Rollouts.
 */
export function foresee(deployment: KubeObject, options: ForecastOptions): Foreseen {
  const { world, policy, controllers, stored } = options;
  const annotations = migrationAnnotationsOf(deployment);
  const profile = annotations.profile ?? namespaceProfile(world, namespaceOf(deployment)) ?? options.profile;
  const asking = withAnnotations(deployment, { [CONVERT]: profile });
  const change = { before: stored ? withoutConversion(deployment) : undefined, after: asking };
  const after = worldAfter(world, [change]);
  const namespace = namespaceOf(deployment);
  const settings = decisionContextOf(policy, world, false).settings(namespace);
  const running = { controllers, converts: true };
  const plan = planMigration(change, after, migrationSettings(policy, namespace, settings, running));
  const outcome =
    alreadyDecided(deployment, annotations) ??
    plannedOutcome(plan) ??
    evaluatedOutcome(deployment, change, plan, after, options);
  const refused = outcome.verdict === 'mistake';
  return {
    forecast: {
      namespace,
      name: deployment.metadata.name,
      profile,
      reasons: [],
      advice: [],
      rollout: '',
      replicas: undefined,
      ...outcome,
    },
    plan,
    converted: migrate(change, plan, { refused, denied: true, reasons: [], incomplete: false }, after),
  };
}

type Outcome = Pick<Forecast, 'verdict'> & Partial<Forecast>;

function alreadyDecided(
  deployment: KubeObject,
  { profile, rolloutUid, suspended }: MigrationAnnotations,
): Outcome | undefined {
  if (rolloutUid !== undefined) return { verdict: profile === undefined ? 'back' : 'converted' };
  if (profile !== undefined && suspended !== undefined) return { verdict: 'suspended', reasons: [suspended] };
  return dig(deployment.metadata, 'annotations', CONVERT) === OFF ? { verdict: 'off' } : undefined;
}

function plannedOutcome(plan: MigrationPlan): Outcome | undefined {
  if (plan.kind === 'converts') return undefined;
  if (plan.kind === 'refused') return { verdict: 'mistake', reasons: [`${plan.message}: ${plan.fix}`] };
  return { verdict: 'no', reasons: plan.kind === 'stays' ? plan.reasons : [] };
}

function evaluatedOutcome(
  deployment: KubeObject,
  change: DeploymentChange,
  plan: MigrationPlan,
  after: World,
  { world, rules, policy }: ForecastOptions,
): Outcome {
  if (plan.kind !== 'converts') return { verdict: 'no' };
  const changes = changesOf(change, plan);
  const findings = sortFindings(
    attributedToDeployment(introducedBy(world, changes, rules).findings, change.after, plan),
  ).filter(({ subject }) => keyOf(subject) === keyOf(change.after));
  const decided = decideFindings(findings, changes, enforced(decisionContextOf(policy, world, false)));
  const texts = (wanted: 'deny' | 'warn'): string[] =>
    decided.filter(({ decision }) => decision === wanted).map(({ finding }) => renderText(finding));
  const rollout = plan.rollout.metadata.name;
  const known = { rollout, replicas: plan.replicas };
  const denied = texts('deny');
  if (denied.length > 0) return { verdict: 'mistake', reasons: denied, ...known };
  const advice = [...adviceFor(deployment, rollout, after, { covered: 'nothing' }), ...texts('warn')];
  return { verdict: 'yes', advice, ...known };
}

function withAnnotations(deployment: KubeObject, annotations: Readonly<Record<string, string>>): KubeObject {
  const own = asObject(deployment.metadata['annotations']);
  return { ...deployment, metadata: { ...deployment.metadata, annotations: { ...own, ...annotations } } };
}

function withoutConversion(deployment: KubeObject): KubeObject {
  const {
    [CONVERT]: _,
    [ROLLOUT_UID]: __,
    [SUSPENDED]: ___,
    ...annotations
  } = asObject(deployment.metadata['annotations']);
  return { ...deployment, metadata: { ...deployment.metadata, annotations } };
}

import {
  migrate,
  changesOf,
  migrationSettings,
  enforced,
  attributedToDeployment,
  type MigratedDeployment,
} from './migrate.ts';
import { decisionContextOf } from '../gate.ts';
import { introducedBy, decideFindings, worldAfter } from '../judge.ts';
import { CONVERT, migrationAnnotationsOf, OFF, ROLLOUT_UID, SUSPENDED } from '../../migration/annotations.ts';
import { adviceFor } from '../../migration/advice.ts';
import { namespaceProfile, planMigration, type MigrationPlan } from '../../migration/plan.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Rule } from '../../rules/define.ts';
import { renderText, sortFindings } from '../../rules/finding.ts';
import { keyOf, namespaceOf, type KubeObject } from '../../world/object.ts';
import { dig, asObject } from '../../world/read.ts';
import type { World } from '../../world/world.ts';

/** By what Deployments are looked at. */
export interface ForecastOptions {
  readonly world: World;
  readonly rules: readonly Rule[];
  readonly policy: Policy;
  /** The profile for those that name none, and whose namespace names none. */
  readonly profile: string;
  /** Whether an Argo Rollouts controller is known. */
  readonly controllers: boolean;
  /** Whether the Deployments are stored already, so that their pods run. */
  readonly stored: boolean;
}

/** What would become of one Deployment. */
export interface Forecast {
  readonly namespace: string;
  readonly name: string;
  readonly profile: string;
  /**
   * `converted`: it is one already; `suspended`: it is to be, and Rollgate has put that off; `back`: it is on its way
   * back; `yes`: it can be; `no`: something about it stands in the way; `mistake`: something is to be mended first;
   * `off`: it says that it does not want to.
   */
  readonly verdict: 'converted' | 'suspended' | 'back' | 'yes' | 'no' | 'mistake' | 'off';
  /** What stands in the way. */
  readonly reasons: readonly string[];
  /** What has to be changed elsewhere, and what is to be known. */
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
 * In: a Deployment, and by what to look at it. Out: what would become of it if it asked to be converted; nobody's
 * rights are asked for.
 */
export function foresee(deployment: KubeObject, options: ForecastOptions): Foreseen {
  const { world, policy, rules, controllers, stored } = options;
  const own: unknown = dig(deployment.metadata, 'annotations', CONVERT);
  const marks = migrationAnnotationsOf(deployment);
  const profile = marks.profile ?? namespaceProfile(world, namespaceOf(deployment)) ?? options.profile;
  const asking: KubeObject = {
    ...deployment,
    metadata: {
      ...deployment.metadata,
      annotations: { ...asObject(deployment.metadata['annotations']), [CONVERT]: profile },
    },
  };
  const before = stored ? unasked(deployment) : undefined;
  const change = { before, after: asking };
  const after = worldAfter(world, [change]);
  const circumstances = decisionContextOf(policy, world, false);
  const plan = planMigration(
    change,
    after,
    migrationSettings(policy, circumstances.settings(namespaceOf(deployment)), { controllers, converts: true }),
  );
  const empty = {
    namespace: namespaceOf(deployment),
    name: deployment.metadata.name,
    profile,
    reasons: [],
    advice: [],
    rollout: '',
    replicas: undefined,
  };
  const seen = (more: Pick<Forecast, 'verdict'> & Partial<Forecast>): Foreseen => ({
    forecast: { ...empty, ...more },
    plan,
    converted: migrate(
      change,
      plan,
      { refused: more.verdict === 'mistake', denied: true, reasons: [], incomplete: false },
      after,
    ),
  });

  if (marks.rolloutUid !== undefined) return seen({ verdict: marks.profile === undefined ? 'back' : 'converted' });
  if (marks.profile !== undefined && marks.suspended !== undefined)
    return seen({ verdict: 'suspended', reasons: [marks.suspended] });
  if (own === OFF) return seen({ verdict: 'off' });
  if (plan.kind === 'refused') return seen({ verdict: 'mistake', reasons: [`${plan.message}: ${plan.fix}`] });
  if (plan.kind !== 'converts') return seen({ verdict: 'no', reasons: plan.kind === 'stays' ? plan.reasons : [] });
  const changes = changesOf(change, plan);
  const findings = sortFindings(
    attributedToDeployment(introducedBy(world, changes, rules).findings, asking, plan),
  ).filter(({ subject }) => keyOf(subject) === keyOf(asking));
  const judged = decideFindings(findings, changes, enforced(circumstances));
  const denied = judged.filter(({ decision }) => decision === 'deny').map(({ finding }) => renderText(finding));
  const warned = judged.filter(({ decision }) => decision === 'warn').map(({ finding }) => renderText(finding));
  const known = { rollout: plan.rollout.metadata.name, replicas: plan.replicas };
  if (denied.length > 0) return seen({ verdict: 'mistake', reasons: denied, ...known });
  return seen({
    verdict: 'yes',
    advice: [...adviceFor(deployment, known.rollout, after, { besides: 'nothing' }), ...warned],
    ...known,
  });
}

function unasked(deployment: KubeObject): KubeObject {
  const {
    [CONVERT]: _,
    [ROLLOUT_UID]: __,
    [SUSPENDED]: ___,
    ...annotations
  } = asObject(deployment.metadata['annotations']);
  return { ...deployment, metadata: { ...deployment.metadata, annotations } };
}

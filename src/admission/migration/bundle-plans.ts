import {
  planMigration,
  type DeploymentChange,
  type MigrationPlan,
  type MigrationSettings,
} from '../../migration/plan.ts';
import { DEFAULT_POLICY, type Policy } from '../../policy/policy.ts';
import { finish } from '../../rules/engine.ts';
import type { Finding } from '../../rules/finding.ts';
import { namespaceOf } from '../../world/object.ts';
import type { World } from '../../world/world.ts';
import type { Change } from '../change.ts';
import type { DecisionContext } from '../decisions.ts';
import { deploymentChange } from './deployment-change.ts';
import { changesOf, evaluateMigration, refusal } from './evaluate.ts';

/** A Deployment of a bundle, and what the bundle means for its conversion. */
export interface BundlePlan {
  readonly change: DeploymentChange;
  readonly plan: MigrationPlan;
}

/** The same after evaluation. */
export interface EvaluatedPlan extends BundlePlan {
  readonly refused: boolean;
  readonly incomplete: boolean;
}

/**
 * Returns the plans of all Deployments among changes that concern conversion. It does not ask whether a user may create
 * Rollouts: a bundle has no user.
 *
 * @param after - The world after the changes.
 * @param settings - Returns the settings of conversion in a namespace.
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

/** Returns changes, and those of the Rollouts that Deployments among them become. */
export function withRollouts(changes: readonly Change[], plans: readonly BundlePlan[]): Change[] {
  return [
    ...changes,
    ...plans.flatMap(({ change, plan }) => (plan.kind === 'converts' ? changesOf(change, plan).slice(1) : [])),
  ];
}

/** Returns the findings with those about conversions as users read them, and the plans with what follows from them. */
export function evaluatePlans(
  findings: readonly Finding[],
  plans: readonly BundlePlan[],
  policy: Policy,
  context: DecisionContext,
): { readonly findings: readonly Finding[]; readonly plans: readonly EvaluatedPlan[] } {
  let current = findings;
  const evaluated = plans.map((entry): EvaluatedPlan => {
    const { change, plan } = entry;
    if (plan.kind === 'refused') {
      // Without the policy of the cluster its profiles are unknown: that a profile is not a shipped one says little.
      const found = policy === DEFAULT_POLICY ? 'missing' : 'invalid';
      current = [...current, refusal(change.after, plan.message, plan.fix, found)];
    }
    if (plan.kind !== 'converts') return { ...entry, refused: plan.kind === 'refused', incomplete: false };
    const result = finish(evaluateMigration(current, change, plan, context));
    current = result.findings;
    return { ...entry, refused: result.refused, incomplete: result.incomplete };
  });
  return { findings: current, plans: evaluated };
}

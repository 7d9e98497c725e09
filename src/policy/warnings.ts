import type { PolicyCatalog } from './load.ts';
import type { Policy } from './policy.ts';

/** Says that no account is trusted as that of a controller. */
export const TRUSTS_NO_CONTROLLER =
  'controllers.namespaces of the policy is empty, so no Argo Rollouts controller is trusted: name the namespaces of your controllers';

/** Reports whether a policy looks for controllers, but names neither a namespace nor an account of one. */
export function trustsNoController({ controllers: { discover, namespaces, accounts } }: Policy): boolean {
  return discover && namespaces.length === 0 && accounts.length === 0;
}

/** Returns a line for each rule that a valid policy names and that no longer exists. */
export function retiredRuleWarnings(policy: Policy, { retiredRules }: Pick<PolicyCatalog, 'retiredRules'>): string[] {
  return [
    { at: 'rules', rules: policy.rules },
    ...policy.overrides.map(({ rules = {} }, index) => ({ at: `overrides[${index}].rules`, rules })),
  ].flatMap(({ at, rules }) =>
    Object.keys(rules)
      .filter((id) => retiredRules.includes(id))
      .map((id) => `${at}: rule "${id}" no longer exists: remove it from the policy`),
  );
}

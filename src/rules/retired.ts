/**
 * The ids of rules that are gone. Policies, reports and annotations of users may still name them, so no new rule takes
 * one of these.
 */
export const RETIRED_RULES: readonly string[] = [];

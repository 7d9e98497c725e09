/**
 * The severity of a finding: `invalid` is a contradiction (the controller rejects it, or traffic or analysis breaks),
 * `missing` is a reference to an object that does not exist (yet), `advice` works but is a known trap.
 */
export type FindingClass = 'invalid' | 'missing' | 'advice';

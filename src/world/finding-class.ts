/**
 * How serious a finding is: `invalid` is a contradiction (the controller rejects it, or traffic or analysis breaks),
 * `missing` refers to something that does not exist (yet), `advice` works but is a known trap. Rules assign it, the
 * policy decides by it.
 */
export type FindingClass = 'invalid' | 'missing' | 'advice';

import fc from 'fast-check';
import type { KubeObject } from '../../src/world/object.ts';
import { cases } from '../agreement/cases.ts';
import { setupsIn, type Setup } from './setups.ts';

const GENERATED = 200;

/** The set-ups of the rules' own fixtures. */
export const FIXTURES: readonly Setup[] = setupsIn('src/rules/*/fixtures/*.yaml');

/** Those, the examples, the set-ups that reach places that no fixture has, and generated bundles, always the same ones. */
export const RULE_SETUPS: readonly Setup[] = [
  ...FIXTURES,
  ...setupsIn('examples/**/*.yaml'),
  ...setupsIn('test/support/reads/*.yaml'),
  ...fc
    .sample(cases(), { numRuns: GENERATED, seed: 1 })
    .map(({ objects }, index) => ({ file: `bundle ${index}`, objects: objects as unknown as KubeObject[] })),
];

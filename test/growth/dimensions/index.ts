import { ANALYSES } from './analyses.ts';
import { PODS } from './pods.ts';
import { ROUTES } from './routes.ts';
import { SHARED_PARTS } from './shared-parts.ts';
import { SHARING } from './sharing.ts';
import type { Dimension } from '../setups.ts';

/** Everything that a user can make large. */
export const DIMENSIONS: readonly Dimension[] = [...ROUTES, ...ANALYSES, ...PODS, ...SHARING, ...SHARED_PARTS];

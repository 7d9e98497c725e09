import { ANALYSIS } from './mistakes/analysis.ts';
import type { Mistake } from './mistakes/mistake.ts';
import { PODS, SETTINGS } from './mistakes/pods.ts';
import { RARE } from './mistakes/rare.ts';
import { SECURITY } from './mistakes/security.ts';
import { SPEC, STEPS, STRATEGY } from './mistakes/spec.ts';
import { OBJECTS, ROUTERS } from './mistakes/traffic.ts';
import { VERSIONS } from './mistakes/versions.ts';

export type { Mistake } from './mistakes/mistake.ts';

const ALL = [
  ...SPEC,
  ...STRATEGY,
  ...STEPS,
  ...ROUTERS,
  ...OBJECTS,
  ...PODS,
  ...SETTINGS,
  ...SECURITY,
  ...ANALYSIS,
  ...VERSIONS,
  ...RARE,
].map((mistake) => ({ ...mistake, path: mistake.path.map((part) => part.replaceAll('~', '/')) }));

/** The mistakes that people make in Rollouts and the objects around them, by kind. Some of the values are still valid. */
export const MISTAKES: ReadonlyMap<string, readonly Mistake[]> = Map.groupBy(ALL, ({ kind }) => kind);

import type { JsonObject } from '../world/read.ts';

/**
 * A profile: the template for converting a Deployment to a Rollout. In every string, `{name}` and `{namespace}` stand
 * for those of the Deployment; everything else is used as written. What a profile does not set comes from the
 * Deployment.
 */
export interface Profile {
  /** The name of the Rollout. */
  readonly rollout: string;
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  /** `spec.strategy` of the Rollout. */
  readonly strategy: JsonObject;
  /** `spec.analysis`: how many finished AnalysisRuns to keep. */
  readonly analysis?: JsonObject;
  /** `spec.rollbackWindow`. */
  readonly rollbackWindow?: JsonObject;
  /** `spec.progressDeadlineAbort`. */
  readonly progressDeadlineAbort?: boolean;
}

const NO_METADATA = { labels: {}, annotations: {} } as const;

/**
 * The profiles that exist unless a policy replaces them. Every pause has a duration, because an indefinite pause waits
 * for somebody who may not know about it.
 */
export const SHIPPED_PROFILES: Readonly<Record<string, Profile>> = {
  canary: {
    rollout: '{name}',
    metadata: NO_METADATA,
    strategy: {
      canary: {
        steps: [{ setWeight: 20 }, { pause: { duration: '5m' } }, { setWeight: 50 }, { pause: { duration: '5m' } }],
      },
    },
  },
  'blue-green': {
    rollout: '{name}',
    metadata: NO_METADATA,
    strategy: { blueGreen: { activeService: '{name}' } },
  },
};

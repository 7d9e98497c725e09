import type { JsonObject } from '../world/read.ts';

/**
 * How a Deployment becomes a Rollout. In every text `{name}` and `{namespace}` stand for those of the Deployment;
 * everything else is copied as it is. What a profile does not say comes from the Deployment.
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
  /** `spec.analysis`: how many finished AnalysisRuns are kept. */
  readonly analysis?: JsonObject;
  /** `spec.rollbackWindow`. */
  readonly rollbackWindow?: JsonObject;
  /** `spec.progressDeadlineAbort`. */
  readonly progressDeadlineAbort?: boolean;
}

const NO_METADATA = { labels: {}, annotations: {} } as const;

/**
 * The built-in profiles. A policy may replace them. They have no pause without a duration: it would wait for a person
 * who may not know about it.
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

import jsonpatch, { type Operation } from 'fast-json-patch';
import { expect } from 'vitest';
import type { GateAnswer, Gate } from '../../src/admission/gate.ts';
import { SHIPPED_PROFILES, type Profile } from '../../src/migration/profiles.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { dig, asObject, type JsonObject } from '../../src/world/read.ts';
import { webRollout } from './converted.ts';
import { gateOver, NO_LIMITS, requestFor, validate } from './gate.ts';

const MESH: Profile = {
  rollout: '{name}-rollout',
  metadata: { labels: {}, annotations: {} },
  strategy: {
    canary: {
      trafficRouting: {
        istio: {
          virtualService: { name: '{name}', routes: ['primary'] },
          destinationRule: { name: '{name}', canarySubsetName: 'canary', stableSubsetName: 'stable' },
        },
      },
    },
  },
};

/** The default policy with a profile `mesh`. */
export const PROFILES = { ...DEFAULT_POLICY, profiles: { ...SHIPPED_PROFILES, mesh: MESH } };

/** What is special about a Deployment. */
export interface Given {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly replicas?: number;
  readonly metadata?: JsonObject;
  readonly spec?: JsonObject;
  readonly pod?: JsonObject;
}

/** Returns the Deployment `web`. Annotations without a prefix are those of Rollgate. */
export function web({ annotations = {}, replicas, metadata = {}, spec = {}, pod = {} }: Given = {}): KubeObject {
  const keys = Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [key.includes('/') ? key : `rollgate.io/${key}`, value]),
  );
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', uid: 'd-1', annotations: keys, ...metadata },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web:1' }], ...pod },
      },
      ...spec,
    },
  };
}

/** Returns the Rollout that the profile `canary` makes of it. */
export function rolloutOf(more: { readonly metadata?: JsonObject; readonly spec?: JsonObject } = {}): KubeObject {
  const rollout = webRollout(5, PROFILE_SPEC.strategy);
  return {
    ...rollout,
    metadata: { ...rollout.metadata, ...more.metadata },
    spec: { ...asObject(rollout['spec']), ...more.spec },
  };
}

const PROFILE_SPEC = { strategy: asObject(SHIPPED_PROFILES['canary']?.strategy) };
/** The annotations of a converted Deployment. */
export const CONVERTED = { convert: 'canary', replicas: '5', 'rollout-uid': 'r-1' };

interface Said {
  readonly stored: KubeObject;
  readonly warnings: string;
  readonly denied: string | undefined;
  readonly replicas: unknown;
  readonly marks: Readonly<Record<string, unknown>>;
}

/** Sends a write through the gate, and returns what is stored and what the user reads. */
export async function say(gate: Gate, after: KubeObject, before?: KubeObject, username?: string): Promise<Said> {
  const more = username === undefined ? {} : { username };
  const mutated: GateAnswer = await gate.mutate(requestFor(after, before, more), NO_LIMITS);
  const patch =
    mutated.response.patch === undefined
      ? []
      : (JSON.parse(Buffer.from(mutated.response.patch, 'base64').toString()) as Operation[]);
  const stored = jsonpatch.applyPatch(after, patch, true, false).newDocument;
  // A second pass over its own output and that of other webhooks must add nothing.
  const again = await gate.mutate(requestFor(stored, before, more), NO_LIMITS);
  expect(again.response.patch).toBeUndefined();
  const { response } = await validate(gate, requestFor(stored, before, more));
  const marks = Object.fromEntries(
    Object.entries(asObject(stored.metadata['annotations']))
      .filter(([key]) => key.startsWith('rollgate.io/'))
      .map(([key, value]) => [key.slice('rollgate.io/'.length), value]),
  );
  return {
    stored,
    warnings: [...(mutated.response.warnings ?? []), ...(response.warnings ?? [])].join('\n'),
    denied: response.status?.message,
    replicas: dig(stored, 'spec', 'replicas'),
    marks,
  };
}

/** Returns a gate over a world. */
export const gate = (world: readonly KubeObject[] = [], parts: Parameters<typeof gateOver>[1] = {}): Gate =>
  gateOver(world, { policyChange: { profiles: PROFILES.profiles }, ...parts });

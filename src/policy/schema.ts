import { z } from 'zod';
import { parseGoDuration } from '../world/duration.ts';
import { isDnsLabel } from '../world/names.ts';
import { parseVersion } from '../world/rollouts-versions.ts';

const text = z.string().min(1);
const settings = {
  mode: z.enum(['enforce', 'audit']).optional(),
  rules: z.record(text, z.enum(['deny', 'warn', 'off'])).optional(),
  keeps: z.record(text, z.enum(['on', 'off'])).optional(),
  crossObjectUpdates: z.enum(['warn', 'deny']).optional(),
  onDelete: z.enum(['warn', 'deny']).optional(),
  onInternalError: z.enum(['warn', 'deny']).optional(),
  onTooLarge: z.enum(['warn', 'deny']).optional(),
  conversion: z.enum(['on', 'off']).optional(),
};
const duration = z
  .string()
  .refine((given) => (parseGoDuration(given) ?? 0) > 0, 'use a duration of more than 0, such as 30m or 24h');
const rolloutsVersion = z
  .string()
  .refine((given) => parseVersion(given) !== undefined, 'use a version such as "1.10" or "1.10.2"');
const pluginVersion = z
  .string()
  .refine((given) => parseVersion(given) !== undefined, 'use a version such as "0.15" or "0.15.0"');
// Rights are granted by name, so a glob would name nothing.
const namespace = z.string().refine(isDnsLabel, 'use the exact name of a namespace');
const anyObject = z.record(z.string(), z.unknown());
const profile = z.strictObject({
  rollout: text.optional(),
  metadata: z
    .strictObject({ labels: z.record(text, z.string()).optional(), annotations: z.record(text, z.string()).optional() })
    .optional(),
  strategy: anyObject,
  analysis: anyObject.optional(),
  rollbackWindow: anyObject.optional(),
  progressDeadlineAbort: z.boolean().optional(),
});
const reconciler = z.strictObject({
  dryRun: z.enum(['deny', 'warnAcrossObjects', 'warn']).optional(),
  writes: z.enum(['deny', 'warnAcrossObjects']).optional(),
  tool: z.enum(['argo-cd', 'flux']).optional(),
});
const override = z.strictObject({
  name: text,
  namespaces: z.array(text).optional(),
  byLabel: z.enum(['strict', 'any']).optional(),
  ...settings,
});
/** The keys and values of a policy. It does not know the ids of rules and keeps, and renders no profile. */
export const POLICY_SCHEMA = z.strictObject({
  ...settings,
  exemptions: z.strictObject({ accounts: z.array(text).optional(), namespaces: z.array(text).optional() }).optional(),
  controllers: z
    .strictObject({
      accounts: z.array(text).optional(),
      discover: z.boolean().optional(),
      namespaces: z.array(text).optional(),
      version: rolloutsVersion.optional(),
      gatewayPluginVersion: pluginVersion.optional(),
    })
    .optional(),
  conversionNamespaces: z.array(namespace).optional(),
  breakGlass: z.strictObject({ maxDuration: duration.optional() }).optional(),
  trustedNamespaces: z.array(z.strictObject({ rollouts: text, objects: text })).optional(),
  reconcilers: z.record(text, reconciler).optional(),
  overrides: z.array(override).optional(),
  profiles: z.record(text, profile).optional(),
});

/** A policy as it is written. */
export type GivenPolicy = z.infer<typeof POLICY_SCHEMA>;

/** A profile as it is written in a policy. */
export type GivenProfile = z.infer<typeof profile>;

/** The settings of a policy, and of an override, that decide about findings and conversion. */
export const SETTINGS: readonly string[] = Object.keys(settings);

/** All keys that a policy may have anywhere. */
export const POLICY_KEYS: readonly string[] = [...new Set(keysOf(POLICY_SCHEMA))];

function keysOf(schema: unknown): readonly string[] {
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).flatMap(([key, value]) => [key, ...keysOf(value)]);
  if (schema instanceof z.ZodOptional) return keysOf(schema.unwrap());
  if (schema instanceof z.ZodArray) return keysOf(schema.element);
  return schema instanceof z.ZodRecord ? keysOf(schema.valueType) : [];
}

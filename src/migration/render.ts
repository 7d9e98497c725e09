import type { Profile } from './profiles.ts';
import { namespaceOf, type KubeObject } from '../world/object.ts';
import { dig, isObject, asObject, optionalNumber, type JsonObject } from '../world/read.ts';
import { CONVERTED_FROM, REPLICAS, uidOf } from './annotations.ts';

/** How a Rollout is rendered. */
export interface Rendering {
  /** How many pods are wanted. Written to an annotation. */
  readonly replicas: number;
  /** The name of the existing Rollout, which it keeps whatever the profile says. */
  readonly name?: string | undefined;
}

// Where both controllers have the same default, the Rollout says nothing (Argo Rollouts v1.9.1, utils/defaults;
// Kubernetes v1.34, pkg/apis/apps/v1).
const SAME_DEFAULTS: Readonly<Record<string, number>> = {
  minReadySeconds: 0,
  progressDeadlineSeconds: 600,
  revisionHistoryLimit: 10,
};
const DEFAULT_SURGE = '25%';

/** Returns the name of the Rollout that a Deployment becomes. */
export function rolloutName(profile: Profile, deployment: KubeObject): string {
  return filler(deployment)(profile.rollout);
}

/**
 * Renders the Rollout that a Deployment becomes, for server-side apply: everything but its count, which belongs to
 * whatever scales it. Selector, deadlines and the limits of a rolling update come from the Deployment. Its labels and
 * annotations do not: those of Argo CD and Helm would make the Rollout part of an application or release.
 */
export function renderRollout(deployment: KubeObject, profile: Profile, { replicas, name }: Rendering): KubeObject {
  const filled = fillAll(profile, filler(deployment));
  const uid = uidOf(deployment);
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment.metadata.name, uid, controller: true };
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: {
      name: name ?? filled.rollout,
      namespace: namespaceOf(deployment),
      ...(Object.keys(filled.metadata.labels).length === 0 ? {} : { labels: filled.metadata.labels }),
      annotations: {
        ...filled.metadata.annotations,
        [CONVERTED_FROM]: deployment.metadata.name,
        [REPLICAS]: String(replicas),
      },
      ...(uid === '' ? {} : { ownerReferences: [owner] }),
    },
    spec: {
      ...(isObject(dig(deployment, 'spec', 'selector')) ? { selector: dig(deployment, 'spec', 'selector') } : {}),
      workloadRef: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        name: deployment.metadata.name,
        scaleDown: 'onsuccess',
      },
      ...fromDeployment(deployment),
      strategy: strategyOf(deployment, filled.strategy),
      ...(filled.analysis === undefined ? {} : { analysis: filled.analysis }),
      ...(filled.rollbackWindow === undefined ? {} : { rollbackWindow: filled.rollbackWindow }),
      ...(filled.progressDeadlineAbort === undefined ? {} : { progressDeadlineAbort: filled.progressDeadlineAbort }),
    },
  };
}

/** Returns a rendered Rollout with a count, as it is created. */
export function withReplicas(rollout: KubeObject, replicas: number): KubeObject {
  return { ...rollout, spec: { replicas, ...asObject(rollout['spec']) } };
}

function fromDeployment(deployment: KubeObject): JsonObject {
  const kept = Object.keys(SAME_DEFAULTS).flatMap((field) => {
    const value = optionalNumber(dig(deployment, 'spec', field));
    return value === undefined || value === SAME_DEFAULTS[field] ? [] : [[field, value] as const];
  });
  return { ...Object.fromEntries(kept), ...(dig(deployment, 'spec', 'paused') === true ? { paused: true } : {}) };
}

function strategyOf(deployment: KubeObject, strategy: JsonObject): JsonObject {
  const canary = strategy['canary'];
  if (!isObject(canary) || 'maxSurge' in canary || 'maxUnavailable' in canary) return strategy;
  const update = dig(deployment, 'spec', 'strategy', 'rollingUpdate');
  const limits = ['maxSurge', 'maxUnavailable'].flatMap((field) => {
    const value = dig(update, field);
    return value === undefined || value === DEFAULT_SURGE ? [] : [[field, value] as const];
  });
  return limits.length === 0 ? strategy : { ...strategy, canary: { ...canary, ...Object.fromEntries(limits) } };
}

type Fill = (text: string) => string;

// `{{args.name}}` belongs to the analysis.
const PATTERN = /(?<!\{)\{(name|namespace)\}(?!\})/g;

function filler(deployment: KubeObject): Fill {
  return (text) => text.replaceAll(PATTERN, (_, key: string) => valueOf(key, deployment));
}

function valueOf(key: string, deployment: KubeObject): string {
  return key === 'name' ? deployment.metadata.name : namespaceOf(deployment);
}

/** Returns the first value with a dot that a placeholder in a text of a profile stands for, or undefined. */
export function dottedPlaceholder(text: string, deployment: KubeObject): string | undefined {
  return [...text.matchAll(PATTERN)]
    .map(([, key = '']) => valueOf(key, deployment))
    .find((value) => value.includes('.'));
}

function fillAll<T>(value: T, fill: Fill): T {
  if (typeof value === 'string') return fill(value) as T;
  if (Array.isArray(value)) return value.map((entry: unknown) => fillAll(entry, fill)) as T;
  return isObject(value)
    ? (Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, fillAll(entry, fill)])) as T)
    : value;
}

import { parseAllDocuments } from 'yaml';
import { driftsOf } from '../../src/preserve/drift.ts';
import { isKubeObject, type KubeObject } from '../../src/world/object.ts';
import { renderPath } from '../../src/world/path.ts';
import { storeOf } from '../../src/world/store.ts';
import { deepFreeze } from './freeze.ts';

/** Returns what has drifted of the Rollouts among some objects, as `what path: has`. */
export function drifts(text: string, most = Infinity): string[] {
  const objects = read(text);
  const world = storeOf(objects);
  return objects
    .filter(({ kind }) => kind === 'Rollout')
    .flatMap((rollout) => driftsOf(rollout, world, most).drifts)
    .map(({ what, object, path, has }) => `${what} ${object.kind} ${renderPath(path)}: ${has}`);
}

/** Returns the objects in a YAML text. */
export function read(text: string): KubeObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as unknown)
    .filter(isKubeObject)
    .map(deepFreeze);
}

/** What differs from a canary at 20 % with Istio. */
export interface Options {
  readonly canary?: string;
  readonly routing?: string;
  readonly status?: string;
  readonly weights?: string;
}

/** A status in the middle of an update. */
export const MID = 'currentPodHash: new, stableRS: old, replicas: 5, updatedReplicas: 1, availableReplicas: 5';
/** The weights in a status. */
export const AT_20 = 'canary: {weight: 20, podTemplateHash: new}, stable: {weight: 80, podTemplateHash: old}';
const ISTIO = 'istio: {virtualService: {name: web, routes: [primary]}}';

/** Returns a Rollout as YAML. */
export function rollout({ canary = '', routing = ISTIO, status = MID, weights = AT_20 }: Options = {}): string {
  return `
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec: {replicas: 5, strategy: {canary: {stableService: stable, canaryService: canary, ${canary} trafficRouting: {${routing}}}}}
status: {${status}, canary: {weights: {${weights}}}}
`;
}

/** Returns a Service as YAML. */
export const service = (name: string, hash: string, more = ''): string => `
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop${more}}
spec: {selector: {app: web${hash === '' ? '' : `, rollouts-pod-template-hash: ${hash}`}}}
`;
/** The metadata of an object that is managed by the Rollout. */
export const MANAGED = ', annotations: {argo-rollouts.argoproj.io/managed-by-rollouts: web}';
/** The Services of the Rollout, as its status says. */
export const SERVICES = service('stable', 'old') + service('canary', 'new');

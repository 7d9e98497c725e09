import { LARGE } from '../../../src/server/body-lanes.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { container, destinations, istio, rollout, times, virtualService } from '../../growth/objects.ts';

// In `{},` are two marks for each three bytes, and each counts 64 bytes.
const WEIGHT_OF_BYTE = 1 + (2 * 64) / 3;

/** The most bytes of empty objects in one review that are parsed, with some room for the rest of the review. */
export const MOST_PARSED = Math.floor((LARGE.weight / WEIGHT_OF_BYTE) * 0.99);

/** Returns a Rollout that is small as text and large in memory: empty objects of that many bytes. */
export function denseRollout(namespace: string, name: string, bytes: number): KubeObject {
  const plugins = { 'example/plugin': { items: times(Math.floor(bytes / 3), () => ({})) } };
  const object = rollout(name, { canary: { trafficRouting: { plugins } }, spec: { replicas: 0 } });
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/**
 * Returns manifests of exactly that many bytes: as many Rollouts with one VirtualService as fit. A dry run of more values
 * than this is refused by their number.
 */
export function largeManifests(bytes: number): string {
  const objects: KubeObject[] = [virtualService('vs', { http: [{ name: 'main', route: destinations('app-0') }] })];
  const list = (): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  const steps = times(10, (step) => ({ setWeight: step }));
  const pod = { containers: [container('app', { args: ['x'.repeat(400)] })] };
  let length = list().length;
  for (let index = 0; ; index++) {
    const next = rollout(`app-${index}`, { canary: { ...istio('vs', ['main']), steps }, pod });
    length += JSON.stringify(next).length + 1;
    if (length > bytes) return list().padEnd(bytes);
    objects.push(next);
  }
}

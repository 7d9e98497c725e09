import type { KubeObject } from '../../../src/world/object.ts';
import type { Api } from '../harness/api.ts';
import { deployment } from '../harness/conversion.ts';
import { bounded } from '../support.ts';
import { at } from './transitions.ts';

const DEPLOYMENTS = 20;

/** What 1,000 writes of Deployments change. */
export const WRITES = {
  /** The conversion policy leaves these out by its match condition. */
  'an annotation of others': (n: number) => ({ 'example.com/written': String(n) }),
  /** The conversion policy evaluates these. */
  'rollgate.io/convert': (n: number) => ({ 'rollgate.io/convert': n % 2 === 0 ? 'canary' : 'off' }),
  /** For these it also asks whether the user may create Rollouts. */
  'rollgate.io/rollout-uid': (n: number) => ({ 'rollgate.io/rollout-uid': String(n) }),
} as const;

/** Creates the Deployments that are written, without pods. */
export async function writable(api: Api, namespace: string): Promise<void> {
  await bounded(Array.from({ length: DEPLOYMENTS }), 4, (_, index) =>
    api.create(deployment(namespace, `web-${index}`, { replicas: 0 })),
  );
}

/** Writes these Deployments, each in turn. Rejects with the first refusal. */
export async function write(
  api: Api,
  namespace: string,
  annotations: (n: number) => object,
  { times = 1000, offset = 0 }: { times?: number; offset?: number } = {},
): Promise<KubeObject[]> {
  return bounded(Array.from({ length: times }), 4, (_, index) =>
    api.patch(at(namespace, `web-${index % DEPLOYMENTS}`), {
      metadata: { annotations: annotations(offset + Math.floor(index / DEPLOYMENTS)) },
    }),
  );
}

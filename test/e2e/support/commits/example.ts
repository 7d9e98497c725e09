import { asArray, asString, dig } from '../../../../src/world/read.ts';
import type { KubeObject } from '../../../../src/world/object.ts';
import type { Api } from '../../harness/api.ts';
import { Recorder } from '../../harness/recorder.ts';
import { CANARIES, type Canary } from '../canaries.ts';

/** The Istio subset-level example. In its manifest the canary has all the traffic, as people write it. */
export const CANARY = CANARIES.find(({ name }) => name === 'istio-subset-level') as Canary;

const VIRTUAL_SERVICE = {
  apiVersion: 'networking.istio.io/v1beta1',
  kind: 'VirtualService',
  name: 'virtservice-app07',
};

// Commits of the tests rename them so.
const ROUTES = ['primary', 'main'];
const CANARY_SUBSETS = ['version-v2', 'next'];

/** Records the VirtualService of the example in a namespace, which need not exist yet. */
export function recordVirtualService(api: Api, namespace: string): Promise<Recorder> {
  return Recorder.start(api, { ...VIRTUAL_SERVICE, namespace });
}

/** Returns the weights of the canary in the recorded VirtualService so far, oldest first, repetitions left out. */
export function canaryWeights({ versions }: Recorder): number[] {
  return versions
    .map(canaryWeight)
    .filter((weight) => weight !== undefined)
    .filter((weight, index, all) => weight !== all[index - 1]);
}

function canaryWeight(virtualService: KubeObject): number | undefined {
  const found = asArray(dig(virtualService, 'spec', 'http'))
    .filter((route) => ROUTES.includes(asString(dig(route, 'name'))))
    .flatMap((route) => asArray(dig(route, 'route')))
    .find((entry) => CANARY_SUBSETS.includes(asString(dig(entry, 'destination', 'subset'))));
  const weight = dig(found, 'weight');
  return found === undefined ? undefined : Number(weight ?? 0);
}

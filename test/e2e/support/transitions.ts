import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { asObject, asString, dig } from '../../../src/world/read.ts';
import type { KubeObject } from '../../../src/world/object.ts';
import { Refused, type Api } from '../harness/api.ts';
import { nudge } from '../harness/controller-reacts.ts';
import { deployment } from '../harness/conversion.ts';
import { until } from '../harness/program.ts';
import { bounded } from '../support.ts';

/** The states of docs/conversion.md from which transitions start. */
export type State =
  | 'absent'
  /** A Deployment that does not ask for conversion. */
  | 'plain'
  /** One that asks, and was not admitted for conversion. */
  | 'wish'
  /** Admitted; its Rollout is not healthy yet, and it keeps its own pods. */
  | 'converting'
  | 'converted'
  /** Converted, after a canary with image web:2 that ended by itself. */
  | 'updated'
  /** Converted, in the middle of a canary. */
  | 'updating'
  /** Converted, in the middle of a canary, and `off`: it waits for the end of the canary. */
  | 'leaving'
  /** Its Rollout was deleted by hand. */
  | 'suspended';

/**
 * Who runs the pods in the end, and so whether there is a Rollout; `both` for a Rollout and a Deployment with pods of
 * its own.
 */
export type Outcome = 'Deployment' | 'Rollout' | 'both' | 'nobody';

/** The end of each state if nobody does anything. */
export const UNTOUCHED: Readonly<Record<State, Outcome>> = {
  absent: 'nobody',
  plain: 'Deployment',
  wish: 'Deployment',
  converting: 'Rollout',
  converted: 'Rollout',
  updated: 'Rollout',
  updating: 'Rollout',
  leaving: 'Rollout',
  suspended: 'Deployment',
};

/** How long the pods of a Deployment take that is to be found converting, in milliseconds. */
const SLOW = 15_000;

// What these wait for is done for all of many Deployments, on machines that are several times slower too.
const PATIENCE = 240_000;
const LOOKS_BEFORE_A_NUDGE = 8;

/** A Deployment in a state. Its name is the label `app` of its pods. */
export interface Start {
  readonly name: string;
  readonly from: State;
}

/** Returns the coordinates of a Deployment. */
export function at(
  namespace: string,
  name: string,
): { apiVersion: string; kind: string; namespace: string; name: string } {
  return { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name };
}

/** Returns the manifest of a Deployment in a state. */
export function manifestOf(namespace: string, { name, from }: Start, convert?: string): KubeObject {
  return deployment(namespace, name, {
    replicas: 1,
    readyAfter: from === 'converting' ? SLOW : 0,
    ...(convert === undefined ? {} : { convert }),
  });
}

/** Brings Deployments of one namespace into states, and observes what becomes of them. */
export class Transitions {
  readonly #admin: Api;
  readonly namespace: string;

  constructor(admin: Api, namespace: string) {
    this.#admin = admin;
    this.namespace = namespace;
  }

  /** Brings Deployments that exist and run into their states. Those of `converting` come last: they do not stay so. */
  async reach(starts: readonly Start[]): Promise<void> {
    const converted = starts.filter(({ from }) =>
      ['converted', 'updated', 'updating', 'leaving', 'suspended'].includes(from),
    );
    const of = (...states: State[]): readonly Start[] => starts.filter(({ from }) => states.includes(from));
    await this.#until('the first pods', of('plain', 'wish', 'converting'), 'Deployment');
    await this.#each(of('wish'), (name) => this.#annotate(name, { 'rollgate.io/convert': 'canary' }, 'status'));
    await this.#each(converted, (name) => this.#annotate(name, { 'rollgate.io/convert': 'canary' }));
    await this.#until('the Rollouts', converted, 'Rollout');
    await this.#untilAll(
      'the Rollouts healthy',
      converted,
      // One that is not noted yet would be created again after its deletion.
      (found) => dig(found.rollout, 'status', 'phase') === 'Healthy' && isNoted(found),
    );
    await this.#each(of('suspended'), (name) =>
      this.#admin.call('DELETE', `/apis/argoproj.io/v1alpha1/namespaces/${this.namespace}/rollouts/${name}`),
    );
    const updating = of('updating', 'leaving');
    await this.#each(of('updated', 'updating', 'leaving'), (name) =>
      this.#admin.patch(at(this.namespace, name), imageOf('web:2')),
    );
    await this.#untilAll('the canaries', updating, ({ rollout }) => dig(rollout, 'status', 'phase') === 'Paused');
    await this.#untilAll(
      'the canaries ended',
      of('updated'),
      ({ deployment: found, rollout }) =>
        dig(rollout, 'status', 'phase') === 'Healthy' &&
        dig(rollout, 'status', 'workloadObservedGeneration') === String(found?.metadata['generation']),
    );
    await this.#each(of('leaving'), (name) => this.#annotate(name, { 'rollgate.io/convert': 'off' }));
    await this.#until('the suspensions', of('suspended'), 'Deployment');
    await this.#each(of('converting'), (name) => this.#annotate(name, { 'rollgate.io/convert': 'canary' }));
    await this.#until('the conversions begun', of('converting'), 'both');
  }

  /** Returns what became of Deployments once it is what is expected, or after a while. */
  async outcomes(expected: ReadonlyMap<string, Outcome>): Promise<Map<string, Outcome>> {
    const deadline = Date.now() + PATIENCE;
    for (let looks = 1; ; looks++) {
      const reached = await this.#reached(expected);
      if (isDeepStrictEqual(reached, expected)) {
        // Nothing may become of it later either.
        await sleep(2_500);
        return this.#reached(expected);
      }
      if (Date.now() > deadline) return reached;
      await sleep(1_500);
      if (looks % LOOKS_BEFORE_A_NUDGE === 0)
        await this.#nudged([...expected.keys()].filter((name) => reached.get(name) !== expected.get(name)));
    }
  }

  async #reached(expected: ReadonlyMap<string, Outcome>): Promise<Map<string, Outcome>> {
    const found = await this.#found();
    return new Map([...expected.keys()].map((name) => [name, outcomeOf(found.get(name) ?? {})]));
  }

  #until(what: string, starts: readonly Start[], outcome: Outcome): Promise<void> {
    return this.#untilAll(what, starts, (found) => outcomeOf(found) === outcome);
  }

  async #untilAll(what: string, starts: readonly Start[], holds: (found: Found) => boolean): Promise<void> {
    let looks = 0;
    const look = async (): Promise<boolean> => {
      const found = await this.#found();
      const lacking = starts.filter(({ name }) => !holds(found.get(name) ?? {})).map(({ name }) => name);
      if (lacking.length === 0) return true;
      if (++looks % LOOKS_BEFORE_A_NUDGE === 0) await this.#nudged(lacking);
      throw new Error(`not yet: ${lacking.join(', ')}`);
    };
    if (starts.length > 0) await until(what, look, { within: PATIENCE, every: 1_000 });
  }

  /** Makes the controller reconcile the Rollouts of these names. */
  async #nudged(names: readonly string[]): Promise<void> {
    const found = await this.#found();
    const rollouts = names.filter((name) => found.get(name)?.rollout !== undefined);
    // It may be gone by now.
    await bounded(rollouts, 4, (name) => nudge(this.#admin, this.namespace, name).catch(unless(404)));
  }

  async #found(): Promise<Map<string, Found>> {
    const [deployments, rollouts] = await Promise.all([
      this.#admin.list('apps/v1', 'Deployment', this.namespace),
      this.#admin.list('argoproj.io/v1alpha1', 'Rollout', this.namespace),
    ]);
    const found = new Map<string, Found>(deployments.map((each) => [each.metadata.name, { deployment: each }]));
    for (const rollout of rollouts) found.set(rollout.metadata.name, { ...found.get(rollout.metadata.name), rollout });
    return found;
  }

  async #each(starts: readonly Start[], each: (name: string) => Promise<unknown>): Promise<void> {
    await bounded(starts, 6, ({ name }) => each(name));
  }

  #annotate(name: string, annotations: object, subresource = ''): Promise<KubeObject> {
    return this.#admin.patch(at(this.namespace, name), { metadata: { annotations } }, subresource);
  }
}

interface Found {
  readonly deployment?: KubeObject;
  readonly rollout?: KubeObject;
}

/** Returns whether the Deployment says which Rollout runs its pods. */
function isNoted({ deployment: found, rollout }: Found): boolean {
  return ownAnnotations(found)['rollgate.io/rollout-uid'] === rollout?.metadata['uid'];
}

function unless(code: number): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof Refused && error.code === code)) throw error;
  };
}

function outcomeOf({ deployment: found, rollout }: Found): Outcome {
  const status = dig(found, 'status', 'availableReplicas');
  const runs = dig(found, 'spec', 'replicas') !== 0;
  if (rollout !== undefined) return runs ? 'both' : 'Rollout';
  return runs && typeof status === 'number' && status > 0 ? 'Deployment' : 'nobody';
}

/** Returns the merge patch for another image. */
export function imageOf(image: string): object {
  return { spec: { template: { spec: { containers: [{ name: 'web', image, ports: [{ containerPort: 8080 }] }] } } } };
}

/** Returns the annotations of Rollgate on an object. */
export function ownAnnotations(object: KubeObject | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(asObject(dig(object?.metadata, 'annotations')))
      .filter(([key]) => key.startsWith('rollgate.io/'))
      .map(([key, value]) => [key, asString(value)]),
  );
}

import fc from 'fast-check';
import jsonpatch from 'fast-json-patch';
import { describe, expect, it } from 'vitest';
import { SHIPPED_PROFILES, type Profile } from './profiles.ts';
import type { KubeObject } from '../world/object.ts';
import { dig, asObject } from '../world/read.ts';
import { nextAction, CREATE_TIMEOUT, type Observation } from './next-action.ts';
import { differs } from './apply-diff.ts';
import {
  CONVERT,
  migrationAnnotationsOf,
  POLICY_UIDS,
  replicasOf,
  REPLICAS,
  ROLLOUT_UID,
  SUSPENDED,
} from './annotations.ts';
import { renderRollout } from './render.ts';
import { isReleased } from './state.ts';

const PROFILE: Profile = { ...(SHIPPED_PROFILES['blue-green'] as Profile) };
const WANTED = 5;

/** A cluster of one Deployment behind one Service, with controllers that act when they are given their turn. */
class Toy {
  deployment: KubeObject;
  rollout: KubeObject | undefined;
  refusing = false;
  /** Whether the policy has the profile. */
  known = true;
  refusedFor = 0;
  hash = false;
  /** The uids of the conversion policy and its binding. */
  policyUids: string | undefined = 'p-1/b-1';
  deploymentPods: number;
  rolloutPods = 0;
  #uids = 0;
  /** Whether somebody deleted the Rollout, which takes pods away whatever anybody does. */
  forced = false;
  /** Whether a Rollout was made of annotations that prove nothing. */
  unproven = false;
  readonly #seen: (observation: Observation) => Observation;

  /** In: whether the Deployment runs at first, and what the reconciler sees of what there is. */
  constructor(running: boolean, seen: (observation: Observation) => Observation = (observation) => observation) {
    this.#seen = seen;
    const replicas = running ? WANTED : 0;
    this.deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: 'd-1',
        generation: 1,
        annotations: { [CONVERT]: 'p', [REPLICAS]: String(WANTED), [POLICY_UIDS]: 'p-1/b-1' },
      },
      spec: { replicas, selector: { matchLabels: { app: 'web' } } },
    };
    this.deploymentPods = replicas;
  }

  get endpoints(): number {
    return this.hash ? this.rolloutPods : this.rolloutPods + this.deploymentPods;
  }

  observe(): Observation {
    const profile = migrationAnnotationsOf(this.deployment).profile === undefined || !this.known ? undefined : PROFILE;
    const status = {
      observedGeneration: this.deployment.metadata['generation'],
      availableReplicas: this.deploymentPods,
      updatedReplicas: this.deploymentPods,
    };
    return {
      deployment: { ...this.deployment, status },
      rollout: this.rollout,
      rendered:
        profile === undefined
          ? undefined
          : renderRollout(this.deployment, profile, {
              replicas: migrationAnnotationsOf(this.deployment).replicas ?? 0,
            }),
      age: CREATE_TIMEOUT,
      autoscaled: false,
      least: 0,
      notAllowed: undefined,
      leftBehind: [],
      hashesLeft: this.hash ? ['Service "web"'] : [],
      appliedInVain: false,
      refusal: this.refusedFor > 0 ? { reason: 'quota', since: this.refusedFor, pause: 0 } : undefined,
      policyUids: this.policyUids,
    };
  }

  /** The reconciler takes one step. Out: what it did. */
  step(): string {
    const action = nextAction(this.#seen(this.observe()));
    switch (action.do) {
      case 'create':
        // The guard refuses it where nothing protects the annotations.
        if (this.refusing || this.policyUids === undefined) this.refusedFor += CREATE_TIMEOUT;
        else this.#create(action.rollout);
        break;
      case 'record':
        this.annotate({
          [ROLLOUT_UID]: action.uid,
          [SUSPENDED]: undefined,
          ...(action.policyUids === undefined ? {} : { [POLICY_UIDS]: action.policyUids }),
        });
        break;
      case 'note':
        this.annotate({ [REPLICAS]: String(action.replicas) });
        break;
      case 'suspend':
        this.annotate({
          [SUSPENDED]: `${action.code}: ${action.reason}`,
          ...(action.code === 'rollout-deleted' ? { [ROLLOUT_UID]: undefined } : {}),
        });
        break;
      case 'scale-deployment':
        this.deployment = {
          ...this.deployment,
          metadata: { ...this.deployment.metadata, generation: this.#generation() + 1 },
          spec: { ...asObject(this.deployment['spec']), replicas: action.replicas },
        };
        break;
      case 'scale-rollout':
        this.#change({ replicas: action.replicas });
        break;
      case 'apply':
        this.#change(asObject(action.rollout['spec']), action.rollout.metadata.annotations as object);
        break;
      case 'patch-rollout':
        if (this.rollout !== undefined)
          this.#change(
            asObject(jsonpatch.applyPatch(this.rollout, [...action.operations], true, false).newDocument['spec']),
          );
        break;
      case 'delete-rollout':
        this.rollout = undefined;
        this.rolloutPods = 0;
        break;
      case 'forget':
        this.annotate({
          [ROLLOUT_UID]: undefined,
          [REPLICAS]: undefined,
          [SUSPENDED]: undefined,
          [POLICY_UIDS]: undefined,
        });
        break;
    }
    return action.do;
  }

  /** The Deployment's controller takes its turn. */
  deploymentController(): void {
    this.deploymentPods = replicasOf(this.deployment);
  }

  /** The Rollouts controller takes its turn: pods, the Service, the Deployment at the first revision, status. */
  rolloutsController(): void {
    const { rollout } = this;
    if (rollout === undefined) {
      this.hash = false;
      return;
    }
    this.rolloutPods = replicasOf(rollout);
    this.hash = !isReleased(rollout) && dig(rollout, 'spec', 'strategy', 'blueGreen') !== undefined;
    const seen = {
      observedGeneration: String(rollout.metadata['generation']),
      workloadObservedGeneration: String(this.#generation()),
      currentPodHash: 'a',
      stableRS: 'a',
      availableReplicas: this.rolloutPods,
    };
    if (
      replicasOf(this.deployment) > 0 &&
      dig(rollout, 'status', 'phase') === 'Healthy' &&
      dig(rollout, 'spec', 'workloadRef', 'scaleDown') === 'onsuccess'
    ) {
      this.deployment = {
        ...this.deployment,
        metadata: { ...this.deployment.metadata, generation: this.#generation() + 1 },
        spec: { ...asObject(this.deployment['spec']), replicas: 0 },
      };
    }
    this.rollout = { ...rollout, status: { ...seen, phase: 'Healthy' } };
  }

  annotate(annotations: Readonly<Record<string, string | undefined>>): void {
    const merged = Object.entries({ ...asObject(this.deployment.metadata['annotations']), ...annotations }).filter(
      ([, value]) => value !== undefined,
    );
    this.deployment = {
      ...this.deployment,
      metadata: { ...this.deployment.metadata, annotations: Object.fromEntries(merged) },
    };
  }

  deleteRollout(): void {
    if (this.rollout === undefined) return;
    this.rollout = undefined;
    this.rolloutPods = 0;
    this.forced = true;
  }

  reinstall(): void {
    this.policyUids = `p-1/b-1-${++this.#uids}`;
  }

  #create(rollout: KubeObject): void {
    this.unproven ||= migrationAnnotationsOf(this.deployment).policyUids !== this.policyUids;
    this.refusedFor = 0;
    this.rollout = { ...rollout, metadata: { ...rollout.metadata, uid: `r-${++this.#uids}`, generation: 1 } };
  }

  #change(spec: object, annotations: object = {}): void {
    if (this.rollout === undefined) return;
    const { metadata } = this.rollout;
    this.rollout = {
      ...this.rollout,
      metadata: {
        ...metadata,
        generation: Number(metadata['generation']) + 1,
        annotations: { ...asObject(metadata['annotations']), ...annotations },
      },
      spec: { ...asObject(this.rollout['spec']), ...spec },
    };
  }

  #generation(): number {
    return Number(this.deployment.metadata['generation']);
  }
}

const MOVES = ['step', 'step', 'step', 'deploymentController', 'rolloutsController'] as const;
const USERS = [
  'off',
  'on',
  'delete',
  'refuse',
  'accept',
  'rename',
  'find',
  'reinstall',
  'uninstall',
  'strip',
  'none',
] as const;

function user(toy: Toy, what: (typeof USERS)[number]): void {
  const marks = migrationAnnotationsOf(toy.deployment);
  if (what === 'off') toy.annotate({ [CONVERT]: undefined });
  // As admission does it: the wanted count and what proves it are written again.
  if (what === 'on')
    toy.annotate({
      [CONVERT]: 'p',
      [REPLICAS]: String(marks.replicas ?? replicasOf(toy.deployment)),
      [POLICY_UIDS]: toy.policyUids,
    });
  // The conversion policy, or its binding.
  if (what === 'uninstall') toy.policyUids = undefined;
  if (what === 'reinstall') toy.reinstall();
  if (what === 'strip') toy.annotate({ [POLICY_UIDS]: undefined });
  if (what === 'delete') toy.deleteRollout();
  if (what === 'refuse') toy.refusing = true;
  if (what === 'accept') toy.refusing = false;
  if (what === 'rename') toy.known = false;
  if (what === 'find') toy.known = true;
}

function settle(toy: Toy): void {
  for (let round = 0; round < 60; round++) {
    toy.step();
    toy.deploymentController();
    toy.rolloutsController();
  }
}

describe('wherever it is interrupted', () => {
  it('it ends right, and as long as nobody deletes the Rollout there are never fewer endpoints than wanted', () => {
    const moves = fc.array(
      fc.oneof(
        { weight: 12, arbitrary: fc.constantFrom(...MOVES) },
        { weight: 1, arbitrary: fc.constantFrom(...USERS) },
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(fc.boolean(), moves, fc.boolean(), (running, sequence, on) => {
        const toy = new Toy(running);
        let served = running;
        for (const move of sequence) {
          // Every state is one that a process may have died in: nothing is remembered from one step to the next.
          if (move === 'step') toy.step();
          else if (move === 'deploymentController') toy.deploymentController();
          else if (move === 'rolloutsController') toy.rolloutsController();
          else user(toy, move);
          if (toy.endpoints >= WANTED) served = true;
          if (served && !toy.forced) expect(toy.endpoints).toBeGreaterThanOrEqual(WANTED);
        }
        expect(toy.unproven).toBe(false);
        user(toy, 'accept');
        user(toy, 'find');
        user(toy, 'reinstall');
        user(toy, on ? 'on' : 'off');
        toy.annotate({ [SUSPENDED]: undefined });
        settle(toy);
        expect(toy.endpoints).toBe(WANTED);
        const marks = migrationAnnotationsOf(toy.deployment);
        if (on && toy.rollout !== undefined) {
          expect(marks.rolloutUid).toBe(toy.rollout.metadata['uid']);
          expect(marks.policyUids).toBe(toy.policyUids);
          expect(replicasOf(toy.deployment)).toBe(0);
          expect(differs(toy.rollout, renderRollout(toy.deployment, PROFILE, { replicas: WANTED }))).toBe(false);
        } else {
          // A Rollout that was deleted is not created again by itself.
          expect(on ? marks.suspended : 'rollout-deleted').toContain('rollout-deleted');
          expect(toy.hash).toBe(false);
          expect(replicasOf(toy.deployment)).toBe(WANTED);
          if (!on)
            expect(marks).toEqual({
              profile: undefined,
              replicas: undefined,
              rolloutUid: undefined,
              suspended: undefined,
            });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a Deployment whose annotations prove nothing', () => {
  it('runs its pods and gets no Rollout, until it is accepted again', () => {
    const moves = fc.array(fc.constantFrom(...MOVES, 'off' as const, 'rename' as const, 'find' as const), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.boolean(), moves, fc.boolean(), (running, sequence, removed) => {
        const toy = new Toy(running);
        if (removed) user(toy, 'strip');
        else toy.reinstall();
        let served = running;
        for (const move of sequence) {
          if (move === 'off' || move === 'rename' || move === 'find') user(toy, move);
          else toy[move]();
          if (toy.endpoints >= WANTED) served = true;
          if (served) expect(toy.endpoints).toBeGreaterThanOrEqual(WANTED);
        }
        settle(toy);
        expect([toy.rollout, toy.endpoints]).toEqual([undefined, WANTED]);
        user(toy, 'find');
        user(toy, 'on');
        settle(toy);
        expect([toy.rollout?.kind, toy.endpoints, replicasOf(toy.deployment)]).toEqual(['Rollout', WANTED, 0]);
      }),
    );
  });

  it('is proven again by the Rollout that was made of it, and gets another one after that is deleted', () => {
    const toy = new Toy(true);
    settle(toy);
    user(toy, 'reinstall');
    settle(toy);
    expect(migrationAnnotationsOf(toy.deployment).policyUids).toBe(toy.policyUids);
    toy.deleteRollout();
    settle(toy);
    expect(migrationAnnotationsOf(toy.deployment).suspended).toContain('rollout-deleted');
    toy.annotate({ [SUSPENDED]: undefined });
    settle(toy);
    expect([toy.rollout?.kind, toy.unproven]).toEqual(['Rollout', false]);
  });
});

describe('what keeps endpoints from ever being fewer than wanted', () => {
  const moves = fc.array(
    fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...MOVES) },
      { weight: 1, arbitrary: fc.constant('off' as const) },
    ),
    { minLength: 30, maxLength: 60 },
  );
  const least = (seen?: (observation: Observation) => Observation): number =>
    Math.min(
      ...fc.sample(moves, { numRuns: 1_000, seed: 1 }).flatMap((sequence) => {
        const toy = new Toy(true, seen);
        return sequence.map((move) => {
          if (move === 'off') user(toy, move);
          else toy[move]();
          return toy.endpoints;
        });
      }),
    );
  const healthy = (rollout: KubeObject): KubeObject => ({
    ...rollout,
    status: {
      workloadObservedGeneration: '99',
      currentPodHash: 'a',
      stableRS: 'a',
      ...asObject(rollout['status']),
      phase: 'Healthy',
      observedGeneration: String(rollout.metadata['generation']),
      availableReplicas: replicasOf(rollout),
    },
  });

  it('is there', () => {
    expect(least()).toBe(WANTED);
  });

  // Each is what one of them rests on, believed without looking.
  it.each<[string, (observation: Observation) => Observation]>([
    [
      'the Deployment goes to 0 only once the Rollout serves',
      (observation) =>
        observation.rollout === undefined ? observation : { ...observation, rollout: healthy(observation.rollout) },
    ],
    [
      'the Rollout lets go only once the pods of the Deployment are available',
      (observation) => ({
        ...observation,
        deployment: {
          ...observation.deployment,
          status: { observedGeneration: 99, availableReplicas: 99, updatedReplicas: 99 },
        },
      }),
    ],
    [
      'the Rollout is deleted only once its controller has let go of the Service',
      (observation) =>
        observation.rollout === undefined || observation.rendered !== undefined
          ? observation
          : { ...observation, rollout: healthy(observation.rollout), hashesLeft: [] },
    ],
  ])('%s: without that they fall to 0', (_, seen) => {
    expect(least(seen)).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { SHIPPED_PROFILES, type Profile } from './profiles.ts';
import type { KubeObject } from '../world/object.ts';
import { asObject, type JsonObject } from '../world/read.ts';
import { nextAction, CREATE_TIMEOUT, type Action, type Observation } from './next-action.ts';
import { renderRollout, withReplicas } from './render.ts';

const PROFILE = SHIPPED_PROFILES['canary'] as Profile;

function deployment(
  annotations: Readonly<Record<string, string>>,
  replicas: number,
  more: { readonly metadata?: JsonObject; readonly status?: JsonObject } = {},
): KubeObject {
  const keys = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`rollgate.io/${key}`, value]));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', uid: 'd-1', generation: 4, annotations: keys, ...more.metadata },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } } } },
    status: more.status ?? { observedGeneration: 4, availableReplicas: replicas, updatedReplicas: replicas },
  };
}

const HEALTHY = {
  phase: 'Healthy',
  observedGeneration: '7',
  currentPodHash: 'a',
  stableRS: 'a',
  availableReplicas: 5,
  workloadObservedGeneration: '4',
};

function rollout(
  of: KubeObject,
  {
    replicas = 5,
    status = HEALTHY,
    spec = {},
    metadata = {},
  }: {
    readonly replicas?: number;
    readonly status?: JsonObject;
    readonly spec?: JsonObject;
    readonly metadata?: JsonObject;
  } = {},
): KubeObject {
  const rendered = withReplicas(renderRollout(of, PROFILE, { replicas: 5 }), replicas);
  return {
    ...rendered,
    metadata: { ...rendered.metadata, uid: 'r-1', generation: 7, ...metadata },
    spec: { ...asObject(rendered['spec']), ...spec },
    status,
  };
}

function seen(of: KubeObject, more: Partial<Observation> = {}): Observation {
  return {
    deployment: of,
    rollout: undefined,
    rendered: renderRollout(of, PROFILE, { replicas: 5 }),
    age: 0,
    autoscaled: false,
    least: 0,
    notAllowed: undefined,
    leftBehind: [],
    hashesLeft: [],
    appliedInVain: false,
    refusal: undefined,
    policyUids: UIDS,
    ...more,
  };
}

const UIDS = 'p-1/b-1';
const LET_IN = { convert: 'canary', replicas: '5', 'conversion-policy': UIDS };
const RECORDED = { ...LET_IN, 'rollout-uid': 'r-1' };
const OFF = { replicas: '5', 'rollout-uid': 'r-1' };
const BUSY = { ...HEALTHY, currentPodHash: 'b', phase: 'Paused' };

const fresh = deployment(LET_IN, 0);
const running = deployment(RECORDED, 5);
const done = deployment(RECORDED, 0);
const leaving = deployment(OFF, 0);
const back = deployment(OFF, 5);

describe('what is done next', () => {
  it.each<[string, Observation, Action['do'], Partial<Record<string, unknown>>?]>([
    ['opted in, no Rollout: it is made', seen(fresh), 'create'],
    [
      'with no less than an autoscaler would have',
      seen(fresh, { least: 8 }),
      'create',
      { rollout: expect.objectContaining({ spec: expect.objectContaining({ replicas: 8 }) as object }) as object },
    ],
    [
      '0 is wanted: 0 it is',
      seen(deployment({ ...LET_IN, replicas: '0' }, 0), { least: 8 }),
      'create',
      { rollout: expect.objectContaining({ spec: expect.objectContaining({ replicas: 0 }) as object }) as object },
    ],
    [
      'a proof from before the policy: its pods first',
      seen(deployment({ convert: 'canary', replicas: '5' }, 0)),
      'scale-deployment',
      { replicas: 5 },
    ],
    [
      'then it waits',
      seen(deployment({ ...LET_IN, 'conversion-policy': 'p-0/b-1' }, 5)),
      'suspend',
      { code: 'not-proven' },
    ],
    [
      'and says so instead of an earlier reason',
      seen(deployment({ convert: 'canary', replicas: '5', 'convert-suspended': 'refused: quota' }, 5)),
      'suspend',
      { code: 'not-proven' },
    ],
    [
      'once',
      seen(deployment({ convert: 'canary', replicas: '5', 'convert-suspended': 'not-proven: x' }, 5)),
      'nothing',
    ],
    [
      'while it waits its count is its own',
      seen(deployment({ convert: 'canary', replicas: '5', 'convert-suspended': 'not-proven: x' }, 2)),
      'note',
      { replicas: 2 },
    ],
    [
      'accepted again, it is converted',
      seen(deployment({ ...LET_IN, 'convert-suspended': 'not-proven: x' }, 5)),
      'create',
    ],
    ['without a policy the guard says what is wrong', seen(fresh, { policyUids: undefined }), 'create'],
    [
      'a Rollout of ours proves it',
      seen(deployment({ convert: 'canary', replicas: '5', 'rollout-uid': 'r-1' }, 0), { rollout: rollout(done) }),
      'record',
      { uid: 'r-1', policyUids: UIDS },
    ],
    [
      'but not one without its owner',
      seen(deployment({ convert: 'canary', replicas: '5' }, 0), {
        rollout: rollout(done, { metadata: { ownerReferences: [] } }),
      }),
      'record',
      { uid: 'r-1', policyUids: undefined },
    ],
    [
      'nor one that refers to another Deployment',
      seen(deployment({ convert: 'canary', replicas: '5' }, 0), {
        rollout: rollout(done, { spec: { workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' } } }),
      }),
      'record',
      { uid: 'r-1', policyUids: undefined },
    ],
    ['what proves a conversion goes with it', seen(deployment({ 'conversion-policy': UIDS }, 5), {}), 'forget'],
    ['annotated while nobody was there to let it in', seen(deployment({ convert: 'canary' }, 5)), 'nothing'],
    [
      'a profile that is gone: the Rollout stays as it is',
      seen(done, { rendered: undefined, rollout: rollout(done, { spec: { strategy: { canary: {} } } }) }),
      'nothing',
    ],
    [
      'but it is scaled',
      seen(deployment({ ...RECORDED, replicas: '8' }, 0), { rendered: undefined, rollout: rollout(done) }),
      'scale-rollout',
      { replicas: 8 },
    ],
    [
      'and takes over once it is healthy',
      seen(running, { rendered: undefined, rollout: rollout(running) }),
      'scale-deployment',
      { replicas: 0 },
    ],
    [
      'scaled up in the middle of an update: its pods have a version that is not tested yet',
      seen(running, { rollout: rollout(running, { status: { ...HEALTHY, phase: 'Paused', currentPodHash: 'b' } }) }),
      'scale-deployment',
      { replicas: 0 },
    ],
    [
      'or after an abort',
      seen(running, { rollout: rollout(running, { status: { ...HEALTHY, phase: 'Degraded', currentPodHash: 'b' } }) }),
      'scale-deployment',
      { replicas: 0 },
    ],
    [
      'but not while the Rollout has fewer pods than are wanted',
      seen(running, {
        rollout: rollout(running, {
          status: { ...HEALTHY, phase: 'Paused', currentPodHash: 'b', availableReplicas: 4 },
        }),
      }),
      'nothing',
    ],
    [
      'and where it is deleted, the pods come back',
      seen(done, { rendered: undefined }),
      'scale-deployment',
      { replicas: 5 },
    ],
    ['a profile that is not there yet: wait', seen(fresh, { rendered: undefined, age: CREATE_TIMEOUT - 1 }), 'wait'],
    [
      'nor after 30 s: the pods come back',
      seen(fresh, { rendered: undefined, age: CREATE_TIMEOUT, least: 8 }),
      'scale-deployment',
      { replicas: 8 },
    ],
    ['and stay', seen(deployment(LET_IN, 5), { rendered: undefined, age: CREATE_TIMEOUT }), 'nothing'],
    ['being deleted', seen(deployment(RECORDED, 0, { metadata: { deletionTimestamp: 'now' } })), 'nothing'],
    ['made, and not recorded', seen(fresh, { rollout: rollout(fresh) }), 'record', { uid: 'r-1' }],
    [
      'made again after it was suspended',
      seen(deployment({ ...LET_IN, 'convert-suspended': 'refused: quota' }, 5), { rollout: rollout(fresh) }),
      'record',
    ],
    [
      'the name is taken by another',
      seen(fresh, { rollout: rollout(fresh, { metadata: { annotations: {} } }) }),
      'scale-deployment',
      { replicas: 5 },
    ],
    [
      'and said so, with its pods back',
      seen(deployment(LET_IN, 5), { rollout: rollout(fresh, { metadata: { annotations: {} } }) }),
      'suspend',
      { code: 'name-taken' },
    ],
    [
      'that of an earlier Deployment is still there',
      seen(fresh, {
        rollout: rollout(fresh, { metadata: { ownerReferences: [{ kind: 'Deployment', name: 'web', uid: 'd-0' }] } }),
      }),
      'wait',
    ],
    [
      'one that outlived its Deployment is taken over',
      seen(fresh, { rollout: rollout(fresh, { metadata: { ownerReferences: [] } }) }),
      'record',
    ],

    ['refused a moment ago: wait', seen(fresh, { refusal: { reason: 'quota', since: 900, pause: 700 } }), 'wait'],
    [
      'refused, and it is time to try again',
      seen(fresh, { refusal: { reason: 'quota', since: 1_000, pause: 0 } }),
      'create',
    ],
    [
      'refused for 30 s: the pods come back',
      seen(fresh, { refusal: { reason: 'quota', since: CREATE_TIMEOUT, pause: 9_000 } }),
      'scale-deployment',
      { replicas: 5 },
    ],
    [
      'then it says why',
      seen(deployment(LET_IN, 5), { refusal: { reason: 'quota', since: CREATE_TIMEOUT, pause: 9_000 } }),
      'suspend',
      { code: 'refused', reason: 'quota' },
    ],
    [
      'refused for 30 s: no fewer pods than an autoscaler would have',
      seen(fresh, { least: 8, refusal: { reason: 'quota', since: CREATE_TIMEOUT, pause: 9_000 } }),
      'scale-deployment',
      { replicas: 8 },
    ],
    [
      'then it waits',
      seen(deployment({ ...LET_IN, 'convert-suspended': 'refused: quota' }, 5), {
        refusal: { reason: 'quota', since: 60_000, pause: 20_000 },
      }),
      'wait',
    ],
    [
      'and tries again',
      seen(deployment({ ...LET_IN, 'convert-suspended': 'refused: quota' }, 5), {
        refusal: { reason: 'quota', since: 60_000, pause: 0 },
      }),
      'create',
    ],

    [
      'the Rollout is not healthy yet: the pods stay',
      seen(running, { rollout: rollout(running, { status: { ...HEALTHY, phase: 'Progressing' } }) }),
      'nothing',
    ],
    [
      'healthy by an old generation: the pods stay',
      seen(running, { rollout: rollout(running, { status: { ...HEALTHY, observedGeneration: '6' } }) }),
      'nothing',
    ],
    [
      'healthy with fewer pods than wanted: the pods stay',
      seen(running, { rollout: rollout(running, { status: { ...HEALTHY, availableReplicas: 4 } }) }),
      'nothing',
    ],
    [
      'healthy: the Deployment goes to 0',
      seen(running, { rollout: rollout(running) }),
      'scale-deployment',
      { replicas: 0 },
    ],
    [
      'somebody scaled the Deployment up: that count is wanted',
      seen(deployment(RECORDED, 9), { rollout: rollout(done) }),
      'note',
      { replicas: 9 },
    ],
    ['converted', seen(done, { rollout: rollout(done) }), 'nothing'],
    [
      'another count is wanted',
      seen(deployment({ ...RECORDED, replicas: '8' }, 0), {
        rollout: rollout(done),
        rendered: renderRollout(done, PROFILE, { replicas: 8 }),
      }),
      'scale-rollout',
      { replicas: 8 },
    ],
    [
      'another count is wanted, but an autoscaler decides: it is only noted',
      seen(deployment({ ...RECORDED, replicas: '8' }, 0), {
        rollout: rollout(done, { replicas: 12 }),
        rendered: renderRollout(done, PROFILE, { replicas: 8 }),
        autoscaled: true,
      }),
      'apply',
    ],
    [
      'somebody scaled the Rollout: nothing new is wanted',
      seen(done, { rollout: rollout(done, { replicas: 12, status: { ...HEALTHY, availableReplicas: 12 } }) }),
      'nothing',
    ],
    [
      'the strategy was changed by hand',
      seen(done, { rollout: rollout(done, { spec: { strategy: { canary: {} } } }) }),
      'apply',
    ],
    [
      'the API server makes something else of it',
      seen(done, { rollout: rollout(done, { spec: { strategy: { canary: {} } } }), appliedInVain: true }),
      'nothing',
    ],

    ['the Rollout is gone: the pods come back', seen(done), 'scale-deployment', { replicas: 5 }],
    [
      'the Rollout is going: likewise',
      seen(done, { rollout: rollout(done, { metadata: { deletionTimestamp: 'now' } }) }),
      'scale-deployment',
      { replicas: 5 },
    ],
    ['then it says so', seen(running), 'suspend', { code: 'rollout-deleted' }],
    ['and is left alone', seen(deployment({ ...LET_IN, 'convert-suspended': 'rollout-deleted: x' }, 5)), 'nothing'],
    [
      'the Rollout is gone: no fewer pods than an autoscaler would have',
      seen(done, { least: 8 }),
      'scale-deployment',
      { replicas: 8 },
    ],
    ['none where 0 is wanted', seen(deployment({ ...RECORDED, replicas: '0' }, 0), { least: 8 }), 'suspend'],

    [
      'suspended, and somebody scales it down: that count is wanted',
      seen(deployment({ ...LET_IN, 'convert-suspended': 'rollout-deleted: x' }, 2)),
      'note',
      { replicas: 2 },
    ],
    [
      'suspended, and somebody scales it up: likewise',
      seen(deployment({ ...LET_IN, 'convert-suspended': 'refused: quota' }, 7), {
        refusal: { reason: 'quota', since: 60_000, pause: 20_000 },
      }),
      'note',
      { replicas: 7 },
    ],
    [
      'suspended with the name taken, and scaled: likewise',
      seen(deployment({ ...LET_IN, 'convert-suspended': 'name-taken: x' }, 2), {
        rollout: rollout(fresh, { metadata: { annotations: {} } }),
      }),
      'note',
      { replicas: 2 },
    ],
    [
      'suspended, and somebody scales it to 0: likewise',
      seen(deployment({ ...LET_IN, 'convert-suspended': 'rollout-deleted: x' }, 0)),
      'note',
      { replicas: 0 },
    ],
    [
      'said to be suspended while its Rollout is gone: the pods come back all the same',
      seen(deployment({ ...RECORDED, 'convert-suspended': 'rollout-deleted: x' }, 0)),
      'scale-deployment',
      { replicas: 5 },
    ],

    ['never asked for anything', seen(deployment({}, 5), { rendered: undefined }), 'nothing'],
    [
      'back in the middle of an update: it waits',
      seen(leaving, { rollout: rollout(leaving, { status: BUSY }) }),
      'wait',
      { tell: true },
    ],
    [
      'back after an abort: it waits',
      seen(leaving, { rollout: rollout(leaving, { status: { ...BUSY, abort: true, phase: 'Degraded' } }) }),
      'wait',
    ],
    [
      'back before the controller saw the newest template',
      seen(leaving, { rollout: rollout(leaving, { status: { ...HEALTHY, workloadObservedGeneration: '3' } }) }),
      'wait',
    ],
    [
      'back while traffic is split',
      seen(leaving, {
        rollout: rollout(leaving, { status: { ...HEALTHY, canary: { weights: { canary: { weight: 10 } } } } }),
      }),
      'wait',
    ],
    [
      'back where something would select no pods',
      seen(leaving, { rollout: rollout(leaving), leftBehind: ['subset "stable" selects version=stable'] }),
      'wait',
      { because: expect.stringContaining('version=stable') as string },
    ],
    [
      'back: first it must not scale the Deployment down',
      seen(leaving, { rollout: rollout(leaving) }),
      'patch-rollout',
      { operations: [{ op: 'replace', path: '/spec/workloadRef/scaleDown', value: 'never' }] },
    ],
    [
      'back: then the Deployment scales up',
      seen(leaving, { rollout: rollout(leaving, { spec: { workloadRef: { scaleDown: 'never' } } }) }),
      'scale-deployment',
      { replicas: 5 },
    ],
    [
      'to what the Rollout has',
      seen(leaving, { rollout: rollout(leaving, { replicas: 12, spec: { workloadRef: { scaleDown: 'never' } } }) }),
      'scale-deployment',
      { replicas: 12 },
    ],
    [
      'to no fewer than an autoscaler would have',
      seen(leaving, { least: 8, rollout: rollout(leaving, { spec: { workloadRef: { scaleDown: 'never' } } }) }),
      'scale-deployment',
      { replicas: 8 },
    ],
    [
      'its pods are not available yet',
      seen(deployment(OFF, 5, { status: { observedGeneration: 4, availableReplicas: 3, updatedReplicas: 5 } }), {
        rollout: rollout(back, { spec: { workloadRef: { scaleDown: 'never' } } }),
      }),
      'wait',
    ],
    [
      'they are: the Rollout lets go',
      seen(back, { rollout: rollout(back, { spec: { workloadRef: { scaleDown: 'never' } } }) }),
      'patch-rollout',
      { operations: [{ op: 'replace', path: '/spec/strategy', value: { canary: {} } }] },
    ],
    [
      'a Service still has its hash',
      seen(back, {
        rollout: rollout(back, { spec: { workloadRef: { scaleDown: 'never' }, strategy: { canary: {} } } }),
        hashesLeft: ['Service "web"'],
      }),
      'wait',
    ],
    [
      'nothing has: it goes',
      seen(back, {
        rollout: rollout(back, { spec: { workloadRef: { scaleDown: 'never' }, strategy: { canary: {} } } }),
      }),
      'delete-rollout',
    ],
    ['it is going', seen(back, { rollout: rollout(back, { metadata: { deletionTimestamp: 'now' } }) }), 'wait'],
    ['it is gone', seen(back), 'forget'],
    ['it was deleted by hand on the way', seen(leaving), 'scale-deployment', { replicas: 5 }],
    [
      'likewise with no fewer than an autoscaler would have',
      seen(leaving, { least: 8 }),
      'scale-deployment',
      { replicas: 8 },
    ],
    [
      'scaled while it was suspended, it goes back as it is',
      seen(deployment({ replicas: '5', 'convert-suspended': 'refused: quota' }, 2)),
      'forget',
    ],
    ['the annotation went before anything was made', seen(deployment({ replicas: '5' }, 5)), 'forget'],
  ])('%s', (_, observation, what, details = {}) => {
    expect(nextAction(observation)).toMatchObject({ do: what, ...details });
  });
});

import { stringify } from 'yaml';
import { activePreservers, driversOf, preserveAll } from '../admission/preserve.ts';
import { settingsIn } from '../admission/decisions.ts';
import { refersTo, rolloutsOf } from '../preserve/define.ts';
import { PRESERVERS } from '../preserve/index.ts';
import type { Policy } from '../policy/policy.ts';
import { finish } from '../rules/engine.ts';
import type { Stage, Timeline } from '../timeline/stage.ts';
import { setAt, withOperations } from '../world/json-patch.ts';
import { memo } from '../world/memo.ts';
import { keyOf, namespaceOf, type KubeObject } from '../world/object.ts';
import { asObject, optionalString } from '../world/read.ts';
import { canaryOf, HASH_LABEL, trafficRoutingOf } from '../world/rollout.ts';
import { Overlay } from '../world/store.ts';
import type { World } from '../world/world.ts';
import { experimentWrites, withExperiment, type ExperimentWrites } from './experiment-writes.ts';
import { afterFirstDeployment } from './first-deployment.ts';
import type { Reapplied, ReappliedObject } from './messages.ts';

// As the controller writes them: ten characters.
const STABLE_HASH = '6d4f8b9c75';
const CANARY_HASH = '8c5d7f6b94';

// It is the same after an edit of another object.
const yamlOf = memo((object: KubeObject) => stringify(object));

/** Returns whether an update is in progress at the end of a stage, so that there is something to keep. */
export function isUpdating({ step, pods }: Stage): boolean {
  return step !== undefined && pods.stable > 0;
}

/**
 * Returns what is stored if all objects of a Rollout are applied again at a stage of its update. What the controller has
 * written until then is not in the manifests. It is what the keeps write into a new object: the hashes and weights of
 * the status.
 *
 * @param world - With the objects as they are applied.
 */
export function reapply(
  rollout: KubeObject,
  world: World,
  objects: readonly KubeObject[],
  timeline: Timeline,
  stage: number,
  policy: Policy,
): Reapplied | undefined {
  const at = timeline.stages[stage];
  if (at === undefined || !isUpdating(at)) return undefined;
  const experiment = experimentWrites(rollout, world, at, CANARY_HASH);
  const running = afterFirstDeployment({ ...rollout, status: statusOf(rollout, timeline, at, experiment) });
  const after = new Overlay(world, [running]);
  const shown = objects.flatMap((object): ReappliedObject[] => {
    if (keyOf(object) === keyOf(rollout) || !drives(running, object, after)) return [];
    const keeps = activePreservers(PRESERVERS, object, settingsIn(policy, world, namespaceOf(object)));
    const task = { object, drivers: driversOf(after, object, policy), keeps, after };
    const fresh = { ...task, object: withExperiment(object, running, experiment, after), old: undefined };
    const old = written(finish(preserveAll({ ...fresh, keeps: PRESERVERS })).patched, running);
    const { patched, notes, operations } = finish(preserveAll({ ...task, old }));
    // Without a keep that is on, what is lost is still worth a look.
    if (operations.length === 0 && old === object) return [];
    return [
      {
        kind: object.kind,
        name: object.metadata.name,
        applied: yamlOf(object),
        stored: yamlOf(patched),
        kept: notes.map(withoutNames),
      },
    ];
  });
  // A weight that is lost moves requests at once.
  const isService = ({ kind }: ReappliedObject): boolean => kind === 'Service';
  return { stage, objects: [...shown.filter((each) => !isService(each)), ...shown.filter(isService)] };
}

// Without a router a keep gives a new canary Service the stable hash, to be safe. The controller has long written the new
// one (Argo Rollouts v1.9.1, `reconcileStableAndCanaryService`).
function written(object: KubeObject, rollout: KubeObject): KubeObject {
  const { canaryService } = asObject(canaryOf(rollout));
  const isCanary = object.kind === 'Service' && object.metadata.name === canaryService;
  if (!isCanary || trafficRoutingOf(rollout) !== undefined) return object;
  return withOperations(object, setAt(object, ['spec', 'selector', HASH_LABEL], CANARY_HASH));
}

function drives(rollout: KubeObject, object: KubeObject, world: World): boolean {
  return refersTo(rollout, object) || rolloutsOf(object, world).some((each) => keyOf(each) === keyOf(rollout));
}

// What is in front of it names the object and the Rollout, which the page shows already; behind it is the id of the keep.
function withoutNames(note: string): string {
  return note.replace(/^.*?: kept for [^:]*: /, '').replace(/ \[[^\]]*\]$/, '');
}

function statusOf(
  rollout: KubeObject,
  { strategy, maxWeight }: Timeline,
  { step, pods, weight, traffic }: Stage,
  { destinations }: ExperimentWrites,
): object {
  const shared = {
    phase: 'Paused',
    currentPodHash: CANARY_HASH,
    stableRS: STABLE_HASH,
    replicas: pods.canary + pods.stable,
    updatedReplicas: pods.canary,
    readyReplicas: pods.canary + pods.stable,
    availableReplicas: pods.canary + pods.stable,
  };
  if (strategy === 'blueGreen')
    return {
      ...shared,
      blueGreen: {
        activeSelector: traffic.canary > 0 ? CANARY_HASH : STABLE_HASH,
        previewSelector: CANARY_HASH,
      },
    };
  const canary = asObject(canaryOf(rollout));
  const share = weight ?? Math.round(traffic.canary * maxWeight);
  const taken = destinations.reduce((sum, destination) => sum + destination.weight, share);
  const names = (field: string): object => {
    const name = optionalString(canary[field]);
    return name === undefined ? {} : { serviceName: name };
  };
  return {
    ...shared,
    currentStepIndex: step ?? 0,
    canary: {
      ...(canary['trafficRouting'] === undefined
        ? {}
        : {
            weights: {
              canary: { weight: share, podTemplateHash: CANARY_HASH, ...names('canaryService') },
              stable: { weight: maxWeight - taken, podTemplateHash: STABLE_HASH, ...names('stableService') },
              ...(destinations.length === 0 ? {} : { additional: destinations }),
            },
          }),
    },
  };
}

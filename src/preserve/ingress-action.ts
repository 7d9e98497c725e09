import { actionAnnotation, actionText, albPortOf, albStickinessOf, readAction, type AlbAction } from '../world/alb.ts';
import { getOrAdd } from '../world/get-or-add.ts';
import { albActionService } from '../world/ingress.ts';
import { same } from '../world/json-patch.ts';
import { memo } from '../world/memo.ts';
import type { KubeObject } from '../world/object.ts';
import { dig } from '../world/read.ts';
import { stableAndCanaryServices } from '../world/rollout.ts';
import { hasPathTo } from './ingress-paths.ts';
import { scaled, shareOf, weightOf, type Backend, type Share } from './shares.ts';
import { annotationField, describeWeights, lastWriterOf, relationOf, weightsAmong, type Relation } from './source.ts';
import { PERCENT_SCALE, type StatusWeights } from './weights.ts';

/** Returns an annotation of an Ingress, or undefined if it is no text. */
export function annotationOf(ingress: KubeObject | undefined, key: string): string | undefined {
  const text = dig(ingress?.metadata, 'annotations', key);
  return typeof text === 'string' ? text : undefined;
}

/** An Ingress as submitted and as stored, and a Rollout that controls it. */
interface Controlled {
  readonly submitted: KubeObject;
  readonly old: KubeObject | undefined;
  readonly rollout: KubeObject;
  readonly status: StatusWeights;
  /** The field manager of the request. */
  readonly manager: string;
}

/** Returns the text of the action with the weights, if it is to be restored. */
export function keepAction(controlled: Controlled): { readonly text: string; readonly note: string } | undefined {
  const { submitted, old, rollout, status } = controlled;
  const service = albActionService(rollout);
  const key = actionAnnotation(rollout, service);
  const text = annotationOf(submitted, key);
  const storedText = annotationOf(old, key);
  // The controller writes the action only into an Ingress with such a path.
  if (!hasPathTo(submitted, service)) return undefined;
  const action = actionIn(submitted, key);
  const stored = actionIn(old, key);
  const backendsOf = backendsFor(rollout, status);
  const relation = stored === undefined ? 'trusted' : relationOfAction(stored, action, controlled);
  if (old !== undefined && text === storedText && relation !== 'missed') return undefined;
  const storedBackends = relation === 'missed' || stored === undefined ? [] : backendsOf(stored);
  const isCopied = isAllManaged(storedBackends);
  const wanted = isCopied ? stored : built(rollout, status, shareOf(storedBackends, PERCENT_SCALE) ?? status.share);
  if (wanted === undefined || same(action, wanted)) return undefined;
  return {
    text: isCopied && storedText !== undefined ? storedText : actionText(wanted),
    note: describe(backendsOf(wanted), isCopied ? 'stored' : 'share', status, relation, service),
  };
}

/** The stored action with the weights. */
export interface StoredAction {
  /** The annotation that has it. */
  readonly key: string;
  readonly title: string;
  readonly backends: readonly Backend[];
}

/** Returns the action with the weights of a Rollout in an ALB Ingress; undefined if there is none that can be read. */
export function storedAction(
  rollout: KubeObject,
  ingress: KubeObject,
  status: StatusWeights,
): StoredAction | undefined {
  const service = albActionService(rollout);
  const key = actionAnnotation(rollout, service);
  const action = actionIn(ingress, key);
  return action === undefined
    ? undefined
    : { key, title: `action "${service}"`, backends: backendsFor(rollout, status)(action) };
}

function relationOfAction(
  stored: AlbAction,
  submitted: AlbAction | undefined,
  { old, rollout, status, manager }: Controlled,
): Relation {
  const backendsOf = backendsFor(rollout, status);
  const key = actionAnnotation(rollout, albActionService(rollout));
  const writer = lastWriterOf(old, annotationField(key), manager);
  const isSubmitted = weightsAmong(() => (submitted === undefined ? [] : [backendsOf(submitted)]));
  return relationOf(backendsOf(stored), status, PERCENT_SCALE, writer, isSubmitted);
}

function describe(
  backends: readonly Backend[],
  source: 'stored' | 'share',
  status: StatusWeights,
  relation: Relation,
  service: string,
): string {
  const weights = backends.map(({ weight }) => weight);
  const experiments = new Map(
    backends.flatMap(({ part, id, weight }) => (part === 'experiment' ? [[id, weight ?? 0]] : [])),
  );
  const kept = { weights, missing: [], source, experiments };
  return describeWeights(kept, backends, status, relation, `action "${service}"`);
}

function backendsFor(rollout: KubeObject, status: StatusWeights): (action: AlbAction) => readonly Backend[] {
  const { stable, canary } = stableAndCanaryServices(rollout, true);
  const partOf = (name: string): Backend['part'] => {
    if (name === canary) return 'canary';
    if (name === stable) return 'stable';
    return status.additional.has(name) ? 'experiment' : 'other';
  };
  return ({ groups }) =>
    groups.map((group) => ({
      part: partOf(group.service),
      id: group.service,
      weight: weightOf(group.weight),
      raw: group,
    }));
}

/** The action in an annotation of an Ingress. Read once for all Rollouts. */
function actionIn(ingress: KubeObject | undefined, key: string): AlbAction | undefined {
  const text = annotationOf(ingress, key);
  if (ingress === undefined || text === undefined) return undefined;
  const [action] = getOrAdd(actionsIn(ingress), key, () => [readAction(text)]);
  return action;
}

const actionsIn = memo((_ingress: KubeObject) => new Map<string, readonly [AlbAction | undefined]>());

/** Reports whether an action sends traffic to what the controller knows now, and to nothing else. */
function isAllManaged(backends: readonly Backend[]): boolean {
  return (
    backends.every(({ part, weight }) => part !== 'other' && weight !== undefined) &&
    shareOf(backends, PERCENT_SCALE) !== undefined
  );
}

/** Returns the action with a share of the canary, as the controller writes it. */
function built(rollout: KubeObject, { additional }: StatusWeights, share: Share | undefined): AlbAction | undefined {
  const { stable, canary } = stableAndCanaryServices(rollout, true);
  const port = albPortOf(rollout);
  if (share === undefined || port === undefined || stable === '' || canary === '') return undefined;
  const { canary: weight, total } = scaled(share, PERCENT_SCALE.totals[0]);
  const taken = [...additional.values()].reduce((a, b) => a + b, weight);
  return {
    groups: [
      { service: canary, port, weight },
      ...[...additional].map(([name, extra]) => ({ service: name, port, weight: extra })),
      { service: stable, port, weight: Math.max(0, total - taken) },
    ],
    stickiness: albStickinessOf(rollout),
  };
}

import { gatewayConfig, managedGatewayRoutes } from '../world/gateway.ts';
import type { KubeObject } from '../world/object.ts';
import { asArray, asString, dig, int32 } from '../world/read.ts';
import { routersOf } from '../world/routers.ts';
import type { Weights } from './replica-counts.ts';
import { percent } from './notes.ts';
import type { ExperimentTemplate, Stage, StageNote } from './stage.ts';

const DEFAULT_SCALE_DOWN_DELAY = 30;

/** A template of the experiment of a canary step. */
type Template = Omit<ExperimentTemplate, 'traffic'>;

/**
 * How a router sends requests to the pods of an experiment: not at all, at the cost of the stable pods, or in addition to
 * all weights of which the canary has a part.
 */
export type ExperimentRouting = 'none' | 'of stable' | 'in addition';

/**
 * Returns how the routers of a Rollout send requests to experiments. Source: Argo Rollouts v1.9.1,
 * `rollout/trafficrouting` (SetWeight of Istio, ALB and SMI; the others ignore additional destinations), and the Gateway
 * API plugin v0.15.0, `pkg/plugin` (HandleExperiment), which gives the stable Service the rest of 100 without the canary.
 */
export function experimentRouting(rollout: KubeObject): ExperimentRouting {
  const routers = routersOf(rollout);
  if (routers.has('istio') || routers.has('alb') || routers.has('smi')) return 'of stable';
  if (!routers.has('plugins')) return 'none';
  // What other plugins do is not known. The controller hands them the weights.
  if (gatewayConfig(rollout) === undefined) return 'of stable';
  const kinds = managedGatewayRoutes(rollout).map(({ kind }) => kind);
  return kinds.includes('HTTPRoute.gateway.networking.k8s.io') ? 'in addition' : 'none';
}

/** Returns the templates of the experiment of a step; none for another step. */
export function experimentTemplates(step: unknown, routing: ExperimentRouting): readonly Template[] {
  return asArray(dig(step, 'experiment', 'templates')).map((template, index) => ({
    name: asString(dig(template, 'name')) || `template ${index + 1}`,
    pods: countIn(template, 'replicas') ?? 1,
    weight: routing === 'none' ? 0 : (countIn(template, 'weight') ?? 0),
  }));
}

// The API server refuses every other number.
function countIn(template: unknown, field: string): number | undefined {
  const count = int32(dig(template, field));
  return count !== undefined && Number.isInteger(count) && count >= 0 ? count : undefined;
}

/**
 * Returns the parts of all requests that a router sends to each kind of pods.
 *
 * @param weights - Those of the canary and the stable pods without an experiment.
 * @param experiment - The sum of the weights of an experiment.
 */
export function routedTraffic(
  weights: Weights | undefined,
  maxWeight: number,
  experiment: number,
  routing: ExperimentRouting,
): Record<'canary' | 'stable' | 'experiment', number> {
  const { canary, stable } = weights ?? { canary: 0, stable: maxWeight };
  const isInAddition = routing === 'in addition' && experiment > 0;
  const whole = maxWeight + (isInAddition ? canary : 0);
  const rest = Math.max(0, (isInAddition ? maxWeight : stable) - experiment);
  return { canary: canary / whole, stable: rest / whole, experiment: experiment / whole };
}

/**
 * Returns the templates with their parts of the requests to an experiment.
 *
 * @param by - Whether a router sends them by weight, or a Service spreads them over the pods.
 */
export function withTraffic(
  templates: readonly Template[],
  traffic: number,
  by: 'weight' | 'pods',
): readonly ExperimentTemplate[] {
  const all = templates.reduce((sum, template) => sum + template[by], 0);
  return templates.map((template) => ({ ...template, traffic: all === 0 ? 0 : (traffic * template[by]) / all }));
}

/**
 * Returns the stages with the pods of experiments that have ended and not gone yet. Source: Argo Rollouts v1.9.1,
 * `experiments/replicaset.go` (addScaleDownDelay).
 *
 * @param steps - As written.
 */
export function withEndedExperiments(stages: readonly Stage[], steps: readonly unknown[]): readonly Stage[] {
  const left: { readonly pods: number; seconds: number }[] = [];
  return stages.map((stage) => {
    const ended = left.reduce((sum, { pods, seconds }) => sum + (seconds > 0 ? pods : 0), 0);
    const passed = stage.wait === undefined ? 0 : (stage.wait.shortest ?? Number.POSITIVE_INFINITY);
    for (const each of left) each.seconds -= passed;
    const delay = int32(dig(steps[(stage.step ?? 0) - 1], 'experiment', 'scaleDownDelaySeconds'));
    if (stage.pods.experiment > 0)
      left.push({ pods: stage.pods.experiment, seconds: delay ?? DEFAULT_SCALE_DOWN_DELAY });
    return ended === 0 ? stage : { ...stage, mostPods: stage.mostPods + ended };
  });
}

/** Returns what an experiment runs, and what its pods get. */
export function experimentNotes(templates: readonly ExperimentTemplate[]): readonly StageNote[] {
  if (templates.length === 0) return [];
  const parts = templates.map(
    ({ name, pods, traffic }) => `${pods} ${pods === 1 ? 'pod' : 'pods'} of ${name} with ${percent(traffic)}`,
  );
  return [{ kind: 'fact', text: `the experiment runs ${parts.join(', ')} of the requests` }];
}

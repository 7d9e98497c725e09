import { experimentRouting, experimentTemplates } from '../timeline/experiment.ts';
import { keyOf } from '../world/object.ts';
import { asArray, dig, optionalString } from '../world/read.ts';
import type { Reference } from '../world/reference-list.ts';
import { stepsOf } from '../world/rollout.ts';
import { placeOf, type FindingPlace } from './graph-builder.ts';
import type { GraphInput } from './graph-input.ts';
import type { TemplateRef } from './messages.ts';

/** The pods of a template of an experiment step, and the Service that a route sends their part to. */
export interface ExperimentPods {
  readonly experiment: TemplateRef;
  readonly pods: string;
  /** The node of their Service; undefined if no router sends anything to it. */
  readonly service: string | undefined;
}

/**
 * Adds the pods of all experiment steps, with the Services of those that get a weight of their own. They exist only
 * during their step.
 */
export function addExperiments({ rollout, builder }: GraphInput): readonly ExperimentPods[] {
  const routing = experimentRouting(rollout);
  return stepsOf(rollout).flatMap((step, index) => {
    const raws = asArray(dig(step, 'experiment', 'templates'));
    return experimentTemplates(step, routing).map(({ name, weight }, position): ExperimentPods => {
      const path = ['spec', 'strategy', 'canary', 'steps', index, 'experiment', 'templates', position];
      const experiment = { step: index + 1, template: name };
      const id = `experiment/${index + 1}/${name}`;
      const pods = `${id}/pods`;
      const place = placeOf(rollout, path);
      builder.node({ id: pods, kind: 'pods', title: `experiment: ${name}`, name: '', experiment }, [place]);
      builder.edge({ from: keyOf(rollout), to: pods, kind: 'relation', label: `step ${index + 1}` });
      if (weight === 0) return { experiment, pods, service: undefined };
      const service = `${id}/service`;
      // Without a name, the controller makes one of the update, the step and the template.
      const named = optionalString(dig(raws[position], 'service', 'name')) ?? `${rollout.metadata.name}-…-${name}`;
      const places: readonly FindingPlace[] = [placeOf(rollout, [...path, 'service'])];
      builder.node({ id: service, kind: 'service', title: 'Service (experiment)', name: named, experiment }, places);
      builder.edge({ from: service, to: pods, kind: 'traffic', experiment }, places);
      return { experiment, pods, service };
    });
  });
}

/** Reports whether the controller adds the Services of experiments to the routes that a reference of a Rollout names. */
export function routesExperiments({ kind, path }: Reference): boolean {
  return (
    kind === 'VirtualService.networking.istio.io' ||
    kind === 'HTTPRoute.gateway.networking.k8s.io' ||
    path.includes('alb') ||
    path.includes('smi')
  );
}

/** Adds the edges from a route to the Services of experiments. A route that sends nothing anywhere gets none. */
export function addExperimentRoutes({ builder }: GraphInput, route: string, pods: readonly ExperimentPods[]): void {
  if (!builder.hasEdgeFrom(route)) return;
  for (const { experiment, service } of pods)
    if (service !== undefined) builder.edge({ from: route, to: service, kind: 'traffic', experiment });
}

import { experimentRouting, experimentTemplates } from '../../timeline/experiment.ts';
import { parseGoDuration } from '../../world/duration.ts';
import { durationInstead } from '../../world/duration-hint.ts';
import { kindOf, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import {
  asArray,
  dig,
  isObject,
  asObject,
  int32,
  optionalString,
  asString,
  type JsonObject,
} from '../../world/read.ts';
import { countedSteps } from '../../world/rollout.ts';
import { countedContentOf } from '../counted-content.ts';
import { defineRule } from '../define.ts';

const SPEC_REFS = ['canary', 'stable'];
const ALL_TRAFFIC = 100;

export const rolloutExperiment = defineRule({
  id: 'rollout-experiment',
  summary:
    'An experiment has a valid duration, and its templates use the canary or the stable pods and leave these a weight.',
  explanation:
    "The controller checks these only when the update reaches the step. If the duration is not in Go's notation, an " +
    'experiment never ends, and arguments with placeholders cannot be filled in. If specRef is neither canary nor ' +
    'stable, the Experiment cannot be created, and the controller retries without end. The same happens if a template ' +
    'has labels and a selector without matchLabels, to which the controller adds them. The weights of the templates ' +
    'are taken from the stable pods, next to that of the canary; nobody checks that these have as much. Source: Argo ' +
    'Rollouts v1.9.1, utils/experiment (PassedDurations), utils/template (ResolveExperimentArgsValue), ' +
    'rollout/experiment.go (GetExperimentFromTemplate) and rollout/trafficrouting (SetWeight of Istio, ALB and SMI); ' +
    'Gateway API plugin v0.15.0, pkg/plugin (HandleExperiment).',
  subject: {
    'Rollout.argoproj.io': ['spec.strategy.canary.steps', 'spec.strategy.canary.trafficRouting'],
    'Experiment.argoproj.io': ['spec.duration'],
  },
  reads: {},
  stricterThanUpstream: {
    duration: {
      why: 'Nothing validates an experiment before its step starts. If Go cannot parse the duration, the experiment never ends, and the update stops there.',
      seenBy: ['agreement'],
      refusal: /time: (invalid duration|missing unit in duration|unknown unit)/,
    },
    specRef: {
      why: 'Nothing validates an experiment before its step starts. The controller cannot create the Experiment, and the update stops there.',
      seenBy: ['agreement'],
    },
    selector: {
      why: 'Nothing validates an experiment before its step starts. The controller panics at each attempt to create the Experiment, and the update stops there.',
      seenBy: ['e2e'],
    },
  },
  messages: {
    selector: {
      class: 'invalid',
      text: 'template "{name}" of {experiment} has labels and a selector without matchLabels, at which the controller panics',
      fix: 'add matchLabels, or remove the selector to use that of the Rollout',
    },
    duration: {
      class: 'invalid',
      text: '{experiment} has duration "{duration}", which the controller cannot read, so it never ends by itself',
      fix: 'use {instead}',
    },
    specRef: {
      class: 'invalid',
      text: 'template "{name}" of {experiment} has {specRef}',
      fix: 'set specRef to canary or stable',
    },
    weights: {
      class: 'advice',
      text: 'the templates of {experiment} have weight {sum}{canary}, which leaves weight {stable} for the stable pods',
      fix: 'use weights that are at most {most} together',
    },
  },
  check(context, subject) {
    const routing = kindOf(subject) === 'Experiment.argoproj.io' ? 'none' : experimentRouting(subject);
    for (const { title, raw, path, anchor, weightBefore } of experimentsOf(context, subject)) {
      const duration = optionalString(raw['duration']);
      if (duration !== undefined && parseGoDuration(duration) === undefined) {
        context.report('duration', {
          path: [...path, 'duration'],
          anchor,
          data: { experiment: title, duration, instead: durationInstead(duration) },
        });
      }
      if (weightBefore === undefined) continue;
      const canary = routing === 'of stable' ? weightBefore : 0;
      const sum = experimentTemplates({ experiment: raw }, routing).reduce((all, { weight }) => all + weight, 0);
      if (sum > 0 && canary + sum > ALL_TRAFFIC) {
        context.report('weights', {
          path: [...path, 'templates'],
          anchor,
          data: {
            experiment: title,
            sum,
            canary: canary > 0 ? ` and the canary has ${canary}` : '',
            stable: ALL_TRAFFIC - canary - sum,
            most: ALL_TRAFFIC - canary,
          },
        });
      }
      for (const [index, template] of asArray(raw['templates']).entries()) {
        const name = asString(dig(template, 'name'));
        if (cannotAddLabels(template)) {
          context.report('selector', {
            path: [...path, 'templates', index, 'selector'],
            anchor: `${anchor} ${name}`,
            data: { experiment: title, name },
          });
        }
        const specRef = asString(dig(template, 'specRef'));
        if (SPEC_REFS.includes(specRef)) continue;
        const data = { experiment: title, name, specRef: specRef === '' ? 'no specRef' : `specRef "${specRef}"` };
        context.report('specRef', {
          path: [...path, 'templates', index, 'specRef'],
          anchor: `${anchor} ${name}`,
          data,
        });
      }
    }
  },
});

// The Go types of the controller drop an empty map.
function cannotAddLabels(template: unknown): boolean {
  const isEmpty = (value: unknown): boolean => Object.keys(asObject(value)).length === 0;
  const selector = dig(template, 'selector');
  return isObject(selector) && isEmpty(selector['matchLabels']) && !isEmpty(dig(template, 'metadata', 'labels'));
}

interface StatedExperiment {
  readonly title: string;
  readonly raw: JsonObject;
  readonly path: Path;
  readonly anchor: string;
  /** The weight that the steps before it have set; undefined for an Experiment, which has none. */
  readonly weightBefore: number | undefined;
}

function experimentsOf(context: Parameters<typeof countedContentOf>[1], subject: KubeObject): StatedExperiment[] {
  if (kindOf(subject) === 'Experiment.argoproj.io')
    return [
      {
        title: 'the experiment',
        raw: asObject(subject['spec']),
        path: ['spec'],
        anchor: 'spec',
        weightBefore: undefined,
      },
    ];
  let weightBefore = 0;
  return countedSteps(subject, context).flatMap((step, index): StatedExperiment[] => {
    weightBefore = int32(dig(step, 'setWeight')) ?? weightBefore;
    const raw = dig(step, 'experiment');
    if (!isObject(raw)) return [];
    return [
      {
        title: `the experiment of step ${index + 1}`,
        raw,
        path: ['spec', 'strategy', 'canary', 'steps', index, 'experiment'],
        anchor: countedContentOf(step, context),
        weightBefore,
      },
    ];
  });
}

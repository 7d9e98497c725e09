import { experimentRouting, experimentTemplates } from '../../timeline/experiment.ts';
import { parseGoDuration } from '../../world/duration.ts';
import { durationInstead } from '../../world/duration-hint.ts';
import { memo } from '../../world/memo.ts';
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
  stringMap,
  type JsonObject,
} from '../../world/read.ts';
import { countedSteps } from '../../world/rollout.ts';
import { countedContentOf } from '../counted-content.ts';
import { defineRule, type RuleContext } from '../define.ts';

const SPEC_REFS = ['canary', 'stable'];
const ALL_TRAFFIC = 100;
// The controller sets it in the pods and in the selector.
const HASH = 'rollouts-pod-template-hash';

const messages = {
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
  repeated: {
    class: 'invalid',
    text: '{experiment} has several templates with the name "{name}", so the controller never starts it',
    fix: 'give each template a name of its own',
  },
  mismatch: {
    class: 'invalid',
    text: 'template "{name}" of {experiment} selects pods with {label}, but its pods have {actual}, so they cannot be created',
    fix: 'use the same labels in both',
  },
  endless: {
    class: 'advice',
    text: '{experiment} has neither a duration nor an analysis with requiredForCompletion, so it ends only if it fails or is terminated',
    fix: 'set a duration, or requiredForCompletion: true in an analysis that ends',
  },
  weights: {
    class: 'advice',
    text: 'the templates of {experiment} have weight {sum}{canary}, which leaves weight {stable} for the stable pods',
    fix: 'use weights that are at most {most} together',
  },
} as const;

export const rolloutExperiment = defineRule({
  id: 'rollout-experiment',
  summary: 'An experiment ends, and its templates have names, labels and weights with which it can run.',
  explanation:
    "The controller checks these only when the update reaches the step. If the duration is not in Go's notation, an " +
    'experiment never ends, and arguments with placeholders cannot be filled in. If specRef is neither canary nor ' +
    'stable, the Experiment cannot be created, and the controller retries without end. The same happens if a template ' +
    'has labels and a selector without matchLabels, to which the controller adds them. An Experiment with two ' +
    'templates of one name is never started, and the API server rejects a ReplicaSet whose selector does not match ' +
    'its pods. Without a duration, an experiment ends with the analyses that have requiredForCompletion. The weights of the templates ' +
    'are taken from the stable pods, next to that of the canary; nobody checks that these have as much. Source: Argo ' +
    'Rollouts v1.9.1, utils/conditions (VerifyExperimentSpec), experiments (createReplicaSet), utils/experiment ' +
    '(PassedDurations, RequiredAnalysisRunsSuccessful), utils/template (ResolveExperimentArgsValue), ' +
    'rollout/experiment.go (GetExperimentFromTemplate) and rollout/trafficrouting (SetWeight of Istio, ALB and SMI); ' +
    'Gateway API plugin v0.15.0, pkg/plugin (HandleExperiment).',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.canary.steps',
      'spec.strategy.canary.trafficRouting',
      'spec.strategy.canary.canaryMetadata.labels',
      'spec.template.metadata.labels',
      'spec.workloadRef?',
    ],
    'Experiment.argoproj.io': [
      'spec.duration',
      'spec.templates[*].name',
      'spec.templates[*].selector.matchLabels',
      'spec.templates[*].template.metadata.labels',
    ],
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
    repeated: {
      why: 'Nothing validates an experiment before its step starts. The controller then takes the Experiment for invalid and does nothing with it, and the update stops there.',
      seenBy: ['agreement'],
    },
    mismatch: {
      why: 'Nothing compares the labels of an experiment before its step starts. The API server then rejects the ReplicaSet, the experiment fails, and the update is aborted.',
      seenBy: ['agreement'],
    },
    selector: {
      why: 'Nothing validates an experiment before its step starts. The controller panics at each attempt to create the Experiment, and the update stops there.',
      seenBy: ['e2e'],
    },
  },
  messages,
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
      checkTemplates(context, subject, { title, raw, path, anchor, weightBefore });
      if (weightBefore === undefined) continue;
      if (isEndless(raw)) context.report('endless', { path, anchor, data: { experiment: title } });
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

function checkTemplates(
  context: RuleContext<typeof messages>,
  subject: KubeObject,
  { title, raw, path, anchor }: StatedExperiment,
): void {
  const names = new Set<string>();
  for (const [index, template] of asArray(raw['templates']).entries()) {
    const name = asString(dig(template, 'name'));
    const where = [...path, 'templates', index];
    const data = { experiment: title, name };
    if (name !== '' && names.has(name))
      context.report('repeated', { path: [...where, 'name'], anchor: `${anchor} ${name}`, data });
    names.add(name);
    const labels = labelsOfPods(subject, template);
    if (labels === undefined) continue;
    const changed = changedLabels(subject, template);
    for (const [key, value] of stringMap(dig(template, 'selector', 'matchLabels'))) {
      const actual = labels.get(key);
      if (key === HASH || changed.has(key) || actual === value) continue;
      context.report('mismatch', {
        path: [...where, 'selector', 'matchLabels', key],
        anchor: `${anchor} ${name} ${key}`,
        data: {
          ...data,
          label: `${key}: ${value}`,
          actual: actual === undefined ? 'no such label' : `${key}: ${actual}`,
        },
      });
    }
  }
}

// The controller adds them to the selector too. Those of an Experiment have none.
function changedLabels(subject: KubeObject, template: unknown): ReadonlyMap<string, string> {
  const isOwn = kindOf(subject) === 'Experiment.argoproj.io';
  return isOwn ? new Map() : stringMap(dig(template, 'metadata', 'labels'));
}

/**
 * Returns the labels of the pods of a template, before those in its `metadata`. Undefined if they are not known: those of
 * the stable pods may be of an older revision.
 */
function labelsOfPods(subject: KubeObject, template: unknown): ReadonlyMap<string, string> | undefined {
  if (kindOf(subject) === 'Experiment.argoproj.io') {
    const labels = dig(template, 'template', 'metadata', 'labels');
    return isObject(labels) ? stringMap(labels) : undefined;
  }
  const labels = dig(subject, 'spec', 'template', 'metadata', 'labels');
  const isKnown =
    isObject(labels) && dig(template, 'specRef') === 'canary' && dig(subject, 'spec', 'workloadRef') === undefined;
  return isKnown ? labelsOfCanary(subject) : undefined;
}

// Once for all templates. The labels of canaryMetadata come last.
const labelsOfCanary = memo(
  (rollout: KubeObject): ReadonlyMap<string, string> =>
    new Map([
      ...stringMap(dig(rollout, 'spec', 'template', 'metadata', 'labels')),
      ...stringMap(dig(rollout, 'spec', 'strategy', 'canary', 'canaryMetadata', 'labels')),
    ]),
);

function isEndless(experiment: JsonObject): boolean {
  return (
    asArray(experiment['templates']).length > 0 &&
    optionalString(experiment['duration']) === undefined &&
    !asArray(experiment['analyses']).some((analysis) => dig(analysis, 'requiredForCompletion') === true)
  );
}

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

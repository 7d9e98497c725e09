import { contentOf } from '../../world/content.ts';
import { parseGoDuration } from '../../world/duration.ts';
import { suggestDuration } from '../../world/duration-hint.ts';
import { kindOf, type KubeObject } from '../../world/object.ts';
import type { Path } from '../../world/path.ts';
import { asArray, dig, isObject, asObject, optionalString, asString, type JsonObject } from '../../world/read.ts';
import { stepsOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

const SPEC_REFS = ['canary', 'stable'];

export const rolloutExperiment = defineRule({
  id: 'rollout-experiment',
  summary: 'An experiment has a duration that can be read, and its templates are of the canary or the stable pods.',
  explanation:
    "Nothing validates these before the step is reached. With a duration that is not in Go's notation an experiment never counts as over, and its arguments with placeholders cannot be filled in; with another specRef than canary and " +
    'stable the Experiment cannot be made, and the controller tries again without end. Source: Argo Rollouts v1.9.1, utils/experiment (PassedDurations), utils/template (ResolveExperimentArgsValue) and rollout/experiment.go ' +
    '(GetExperimentFromTemplate).',
  subject: ['Rollout.argoproj.io', 'Experiment.argoproj.io'],
  reads: [],
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
  },
  messages: {
    duration: {
      class: 'invalid',
      text: '{experiment} lasts "{duration}", which the controller cannot read, so that it never ends by itself',
      fix: 'write {instead}',
    },
    specRef: {
      class: 'invalid',
      text: 'the template "{name}" of {experiment} has {specRef}',
      fix: 'write canary or stable',
    },
  },
  check(context, subject) {
    for (const { title, raw, path, anchor, ofRollout } of experimentsOf(subject)) {
      const duration = optionalString(raw['duration']);
      if (duration !== undefined && parseGoDuration(duration) === undefined) {
        const suggestion = suggestDuration(duration);
        const instead = suggestion === undefined ? 'a duration like "30s", "10m" or "24h"' : `"${suggestion}"`;
        context.report('duration', {
          path: [...path, 'duration'],
          anchor,
          data: { experiment: title, duration, instead },
        });
      }
      if (!ofRollout) continue;
      for (const [index, template] of asArray(raw['templates']).entries()) {
        const specRef = asString(dig(template, 'specRef'));
        if (SPEC_REFS.includes(specRef)) continue;
        const name = asString(dig(template, 'name'));
        const data = { experiment: title, name, specRef: specRef === '' ? 'no specRef' : `the specRef "${specRef}"` };
        context.report('specRef', {
          path: [...path, 'templates', index, 'specRef'],
          anchor: `${anchor} ${name}`,
          data,
        });
      }
    }
  },
});

interface StatedExperiment {
  readonly title: string;
  readonly raw: JsonObject;
  readonly path: Path;
  readonly anchor: string;
  readonly ofRollout: boolean;
}

function experimentsOf(subject: KubeObject): StatedExperiment[] {
  if (kindOf(subject) === 'Experiment.argoproj.io')
    return [
      { title: 'the experiment', raw: asObject(subject['spec']), path: ['spec'], anchor: 'spec', ofRollout: false },
    ];
  return stepsOf(subject).flatMap((step, index): StatedExperiment[] => {
    const raw = dig(step, 'experiment');
    if (!isObject(raw)) return [];
    return [
      {
        title: `the experiment of step ${index + 1}`,
        raw,
        path: ['spec', 'strategy', 'canary', 'steps', index, 'experiment'],
        anchor: contentOf(step),
        ofRollout: true,
      },
    ];
  });
}

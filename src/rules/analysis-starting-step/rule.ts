import { asArray, asObject, optionalNumber } from '../../world/read.ts';
import { blueGreenOf, canaryOf, stepsOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

export const analysisStartingStep = defineRule({
  id: 'analysis-starting-step',
  summary: 'The background analysis starts at a step that exists.',
  explanation:
    'The background analysis starts when the update reaches step number startingStep, counted from 0. If ' +
    'startingStep is beyond the last step, the analysis does not run during the steps, so nothing is analyzed. ' +
    'Without any steps it starts at once, whatever the number. Source: Argo Rollouts v1.9.1, utils/replicaset ' +
    '(BeforeStartingStep) and rollout (reconcileBackgroundAnalysisRun).',
  subject: {
    'Rollout.argoproj.io': [
      'spec.strategy.blueGreen',
      'spec.strategy.canary.steps',
      'spec.strategy.canary.analysis.startingStep',
      'spec.strategy.canary.analysis.templates',
    ],
  },
  reads: {},
  messages: {
    beyond: {
      class: 'advice',
      text: 'startingStep of the background analysis is {startingStep}, but the last step is {last} (counted from 0), so the analysis never runs during the steps',
      fix: 'set startingStep to {last} or less',
    },
  },
  check(context, rollout) {
    const analysis = asObject(canaryOf(rollout)?.['analysis']);
    const startingStep = optionalNumber(analysis['startingStep']);
    const count = stepsOf(rollout).length;
    if (blueGreenOf(rollout) !== undefined || asArray(analysis['templates']).length === 0 || count === 0) return;
    if (startingStep === undefined || startingStep < count) return;
    context.report('beyond', {
      path: ['spec', 'strategy', 'canary', 'analysis', 'startingStep'],
      anchor: 'startingStep',
      data: { startingStep, last: count - 1 },
    });
  },
});

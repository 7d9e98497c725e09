import { asArray, asObject, optionalNumber } from '../../world/read.ts';
import { blueGreenOf, canaryOf, stepsOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

export const analysisStartingStep = defineRule({
  id: 'analysis-starting-step',
  summary: 'The step at which a background analysis starts is one of the steps.',
  explanation:
    'The background analysis starts when the update has come to the step with the number startingStep, counted from 0. Beyond the last step it does not run while the steps do, and so nothing is analysed; without any steps it starts ' +
    'at once, whatever the number. Source: Argo Rollouts v1.9.1, utils/replicaset (BeforeStartingStep) and rollout (reconcileBackgroundAnalysisRun).',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  messages: {
    beyond: {
      class: 'advice',
      text: 'startingStep of the background analysis is {startingStep}, and the steps are numbered 0 to {last}, so that it does not run while they do',
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

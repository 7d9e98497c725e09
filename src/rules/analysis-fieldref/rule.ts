import { analysesOf, type AnalysisRole } from '../../world/analysis.ts';
import { hasValueAt, isMetadataPath, sectionsOf } from '../../world/field-path.ts';
import type { KubeObject } from '../../world/object.ts';
import { dig, asObject } from '../../world/read.ts';
import { workloadRefOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

// What Argo Rollouts v1.9.1 writes into the status of a Rollout, at one time or another.
const STATUS_FIELDS: ReadonlySet<string> = new Set(
  (
    'abort pauseConditions controllerPause abortedAt currentPodHash currentStepHash replicas updatedReplicas readyReplicas availableReplicas currentStepIndex collisionCount observedGeneration conditions canary blueGreen ' +
    'HPAReplicas selector stableRS restartedAt promoteFull phase message workloadObservedGeneration alb albs'
  ).split(' '),
);

// The controller validates a path under metadata in these before it accepts the Rollout, even one that it does not use.
const VALIDATED: readonly AnalysisRole[] = ['step', 'experiment'];

type Verdict = 'metadata' | 'template' | 'absent' | 'status';

export const analysisFieldRef = defineRule({
  id: 'analysis-fieldref',
  summary: 'A fieldRef in the arguments of an analysis names something that the Rollout has.',
  explanation:
    'Under metadata a fieldRef reads what the downward API of Kubernetes reads; the controller marks a Rollout whose steps name anything else InvalidSpec. Every other path is walked through the Rollout, key by key and index by ' +
    'index: quotes count as part of a key, so that a key with a dot cannot be named, and with workloadRef there is no spec.template, and what Go leaves out of its JSON (minReadySeconds 0, an empty text) is not there. These paths nobody validates: the analysis is never created, and the controller tries again ' +
    'without end. Source: Argo Rollouts v1.9.1, utils/analysis (BuildArgumentsForRolloutAnalysisRun), pkg/apis/rollouts/validation (ValidateRolloutStrategyCanary), pkg/apis/rollouts/v1alpha1 (RolloutSpec.MarshalJSON).',
  subject: ['Rollout.argoproj.io'],
  reads: [],
  upstreamRefusesLater: 'when an analysis of the update begins',
  messages: {
    metadata: {
      class: 'invalid',
      text: 'the argument "{arg}" of {analysis} takes the field "{path}", which a fieldRef cannot read',
      fix: "use metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'] or metadata.annotations['KEY']",
    },
    template: {
      class: 'invalid',
      text: 'the argument "{arg}" of {analysis} takes the field "{path}", and with workloadRef the Rollout has no template',
      fix: "put the value into a label or annotation of the Rollout and use metadata.labels['KEY'] or metadata.annotations['KEY']",
    },
    absent: {
      class: 'invalid',
      text: 'the argument "{arg}" of {analysis} takes the field "{path}", where this Rollout has no single value',
      fix: 'name a field that it has, with keys behind dots, without quotes, and indexes in brackets, such as spec.template.spec.containers[0].image',
    },
    status: {
      class: 'advice',
      text: 'the argument "{arg}" of {analysis} takes the field "{path}", which the status does not have now, and without it the analysis never starts',
      fix: 'use a field of metadata or spec, or make sure of the name',
    },
  },
  check(context, rollout) {
    for (const analysis of analysesOf(rollout)) {
      for (const { name, raw, path } of analysis.args) {
        const fieldPath = dig(raw, 'valueFrom', 'fieldRef', 'fieldPath');
        if (typeof fieldPath !== 'string') continue;
        // Even an empty one goes first.
        const isUsed = typeof dig(raw, 'valueFrom', 'podTemplateHashValue') !== 'string';
        const found = verdict(rollout, fieldPath);
        if (found === undefined || (!isUsed && !(found === 'metadata' && VALIDATED.includes(analysis.role)))) continue;
        context.report(found, {
          path: [...path, 'valueFrom', 'fieldRef', 'fieldPath'],
          anchor: `${analysis.anchor} ${name}`,
          data: { arg: name, analysis: analysis.title, path: fieldPath },
        });
      }
    }
  },
});

function verdict(rollout: KubeObject, fieldPath: string): Verdict | undefined {
  if (fieldPath.startsWith('metadata')) return isMetadataPath(fieldPath) ? undefined : 'metadata';
  const sections = sectionsOf(fieldPath);
  const [root, field = ''] = sections;
  if (root === 'spec' && field === 'template' && workloadRefOf(rollout) !== undefined) return 'template';
  // The controller gives a Rollout without a number of replicas one.
  if (root === 'spec' && field === 'replicas' && sections.length === 2) return undefined;
  if (hasValueAt(rollout, sections)) return undefined;
  if (root !== 'status') return 'absent';
  const hasStatus = Object.keys(asObject(rollout['status'])).length > 0;
  return hasStatus || !STATUS_FIELDS.has(field) ? 'status' : undefined;
}
